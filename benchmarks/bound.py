"""Against the lower bound: one import for each environment, and then nothing but the calls, spread over the cores.

    python benchmarks/bound.py

The calls of `load_model` and the like are those that the matrix did, remedies included, each once, as its results say;
what is more than a call (a translated config, weights put in one by one) is left out. Nothing is isolated, checked,
compared or kept.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from subject import SIX, Caller, project, run

from matrix.artifact import FILE_NAMES
from matrix.model import Format

CODES = {"custom_objects", "registered"}
LONGER = {"config_patch", "weights", "tfsm", "raw_saved_model", "call"}


def call(cell: dict[str, str], rung: str, place: str) -> list[object]:
    """Return one load: the scenario's own way, or a rung by its name."""
    own = cell["variant"] if cell["variant"] in CODES else "bare"
    parts = set() if rung == "own way" else set(rung.split("+"))
    code = own if rung == "own way" else next(iter(parts & CODES), "bare")
    options = {name: False for name in ("compile", "safe_mode") if f"{name}=False" in parts}
    return [cell["scenario"], code, cell["format"], place, options]


def main() -> None:
    """Measure both, and print the ratio with its parts."""
    with project() as folder:
        ours = run(folder, "--environments", ",".join(SIX))
        saves: dict[str, dict[str, list[object]]] = defaultdict(dict)
        loads: dict[str, list[list[object]]] = defaultdict(list)
        for result in ours.cells:
            cell, registered = result["cell"], result["cell"]["variant"] == "registered"
            kind = Format(cell["format"])
            name = f"{cell['writer']}-{cell['scenario']}-{registered}-{kind}"
            place = str(folder / "bound" / name / FILE_NAMES[kind])
            saves[cell["writer"]][place] = [cell["scenario"], registered, kind, place]
            rungs = [one["rung"] for one in result.get("attempts", ())]
            loads[cell["reader"]] += [call(cell, rung, place) for rung in rungs if not LONGER & set(rung.split("+"))]
        for reader, calls in loads.items():
            each = {str(one): one for one in calls}  # cells of several variants have calls in common
            loads[reader] = sorted(each.values(), key=lambda one: str(one[1]))  # what is registered stays registered
        started = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            callers = list(pool.map(lambda name: Caller(name, folder / "scenarios"), SIX))
            list(pool.map(lambda n: callers[n].ask(plain=False, save=list(saves[SIX[n]].values())), range(len(SIX))))
            list(pool.map(lambda n: callers[n].ask(plain=False, load=loads[SIX[n]]), range(len(SIX))))
        bound = time.perf_counter() - started
        for caller in callers:
            caller.close()
    cells, done = len(ours.cells), sum(map(len, loads.values()))
    print(f"the bound: {bound:.0f} s, {cells / bound:.0f} cells/s ({done} loads, {done / bound:.0f} a second)")
    print(f"the matrix: {ours.seconds:.0f} s, {cells / ours.seconds:.0f} cells/s")
    print(f"ratio: {ours.seconds / bound:.2f} times the bound")


main()
