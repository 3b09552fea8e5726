"""Against what a user would write: for each pair of versions one process that saves and one that loads, in turn.

    python benchmarks/user.py

No cache, arrays into `predict`, every scenario, variant and format, one pair after the other; no remedy is tried. The
matrix does the same cells, and tries remedies. Environments are there, their bytecode is compiled.
"""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

from subject import SIX, Caller, project, run

from matrix.artifact import FILE_NAMES
from matrix.choices import all_scenarios
from matrix.config import Config
from matrix.model import Format, Scenario, Variant


def pair(writer: str, reader: str, scenarios: list[Scenario], folder: Path) -> int:
    """Save everything in one process and load it in another; return how many loads went well."""
    place = folder / "pair" / f"{writer}-{reader}"
    saves, loads = {}, []
    for scenario in scenarios:
        for variant, kind in product(scenario.variants, Format):
            registered = variant is Variant.REGISTERED
            path = str(place / f"{scenario.name}-{registered}-{kind}" / FILE_NAMES[kind])
            saves[path] = [scenario.name, registered, str(kind), path]
            loads.append([scenario.name, str(variant), str(kind), path, {}])
    well = 0
    for environment, job in ((writer, {"save": list(saves.values())}), (reader, {"load": loads})):
        caller = Caller(environment, folder / "scenarios")
        well = caller.ask(plain=True, **job)
        caller.close()
    return well


def main() -> None:
    """Measure both, and print the ratio with its parts."""
    with project() as folder:
        ours = run(folder, "--environments", ",".join(SIX))
        scenarios = list(all_scenarios(Config(project=folder)))
        started = time.perf_counter()
        well = sum(pair(writer, reader, scenarios, folder) for writer, reader in product(SIX, SIX))
        theirs = time.perf_counter() - started
    works = sum(cell["status"] == "P" for cell in ours.cells)
    print(f"a process a pair: {theirs:.0f} s for {len(ours.cells)} cells, {well} loads went well")
    print(f"the matrix: {ours.seconds:.0f} s for the same cells and their remedies, {works} of them P")
    print(f"ratio: {theirs / ours.seconds:.1f} times faster")


main()
