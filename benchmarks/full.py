"""The full profile, the same run again, and a small one: figures that must hold on two cores.

    python benchmarks/full.py

Everything is measured afresh in environments that are there. Time per cell must not grow with the number of versions,
nor the runner's memory with the number of cells, and a run without news must take three seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from subject import ENVDIR, ROOT, project

from matrix import analysis

RUNNER = """
import resource, sys
from matrix.cli import main
code = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Took:
    """What one run took: seconds, megabytes of the runner, how many cells it was of, and how many were measured."""

    seconds: float
    megabytes: int
    cells: int
    measured: int


def took(folder: Path, *arguments: str) -> Took:
    """Run the matrix, its output aside."""
    environ = {**os.environ, "NOX_ENVDIR": str(ENVDIR), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUNNER, "run", "--quiet", *arguments]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"the run failed with {done.returncode}: {done.stderr[-2000:]}")
    counted = analysis.counts(analysis.load(folder / "reports" / "latest")).iloc[0]
    peak = re.findall(r"peak (\d+)", done.stderr)
    return Took(seconds, int(peak[-1]), int(counted["total"]), int(counted["measured"]))


def main() -> None:
    """Measure, and print the figures with their ratios."""
    with project() as folder:
        small = took(folder, "--profile", "quick")
        full = took(folder, "--profile", "full", "--fresh")
        again = took(folder, "--profile", "full")
    print(f"quick profile: {small.cells:,} cells in {small.seconds:.0f} s, {small.megabytes} MB")
    print(
        f"full profile: {full.cells:,} cells, {full.measured:,} of them measured, in {full.seconds / 60:.1f} min: "
        f"{full.measured / full.seconds:.0f} per second, {full.megabytes} MB"
    )
    print(f"the same run again: {again.seconds:.1f} s, {again.megabytes} MB")
    growth = full.seconds / full.measured / (small.seconds / small.measured)
    print(f"time per measured cell, full against quick: {growth:.2f}")
    print(f"memory of the runner, full against quick: {full.megabytes / small.megabytes:.2f}")


main()
