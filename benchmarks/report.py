"""What the report of a run costs: processor time, and memory beside the run itself.

Makes a synthetic run of about 4,000 cells and one of 34,385 (the full profile: ladders of up to ten rungs, messages
with paths in them), writes the report of each in a process of its own, and prints

- seconds of processor time for `matrix.report.written`: all files, and the answer for the terminal;
- seconds per 1,000 cells for both, and their ratio: at most about 1 when the time grows no faster than the run;
- how much the memory of the process peaks above what it was with the run in it, in all and per cell.

    python benchmarks/report.py
"""

from __future__ import annotations

import multiprocessing
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import synthetic

from matrix import report


def memory(what: str) -> float:
    """Return what Linux says of this process in MB: `VmRSS` now, `VmHWM` at its highest."""
    said = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(rf"{what}:\s+(\d+) kB", said)[0]) / 1000


def cost(minors: tuple[str, ...]) -> tuple[int, float, float, float]:
    """Write one report, and return its cells, its seconds, and the memory before and at its highest."""
    run = synthetic.full(minors)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the highest from here on
    before = memory("VmRSS")
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        report.written(run, Path(folder))
        return len(run.results), time.process_time() - start, before, memory("VmHWM")


if __name__ == "__main__":
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned, max_tasks_per_child=1) as processes:
        costs = list(processes.map(cost, [synthetic.SMALL, tuple(synthetic.KERAS)]))
    for cells, seconds, before, peak in costs:
        each = f"{1000 * (peak - before) / cells:.2f} kB a cell"
        print(f"{cells:>6,} cells: {seconds:.2f} s, {1000 * seconds / cells:.4f} s per 1,000 cells")
        print(f"{'':13} {before:.0f} MB, and {peak - before:.0f} MB more ({peak / before - 1:.0%}), {each}")
    (few, short, *_), (many, long, *_) = costs
    print(f"seconds per 1,000 cells, large run / small run: {long / many / (short / few):.2f}")
