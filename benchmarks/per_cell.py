"""Against a process for each cell: import, save or load one thing, end.

    python benchmarks/per_cell.py

A sample of cells is done that way, one after the other; the matrix does all cells of the same versions and scenarios.
"""

from __future__ import annotations

import random
import time

from subject import Caller, project, run

from matrix.artifact import FILE_NAMES
from matrix.model import Format

ENVIRONMENTS = ("tf-2.9", "tf-2.12", "tf-2.15", "tf-2.18")
SAMPLE = 24


def main() -> None:
    """Measure both, and print the ratio with its parts."""
    with project() as folder:
        ours = run(folder, "--environments", ",".join(ENVIRONMENTS))
        measured = [result["cell"] for result in ours.cells if result["status"] in "PRDF"]
        chosen = random.Random(1).sample(measured, SAMPLE)  # noqa: S311 - the same cells every time
        spent, saves = (
            0.0,
            len({(c["writer"], c["scenario"], c["variant"] == "registered", c["format"]) for c in measured}),
        )
        for cell in chosen:
            kind, registered = Format(cell["format"]), cell["variant"] == "registered"
            place = str(folder / "cells" / "-".join(cell.values()) / FILE_NAMES[kind])
            started = time.perf_counter()
            writer = Caller(cell["writer"], folder / "scenarios")
            writer.ask(plain=True, save=[[cell["scenario"], registered, kind, place]])
            writer.close()
            saving = time.perf_counter() - started
            reader = Caller(cell["reader"], folder / "scenarios")
            reader.ask(plain=True, load=[[cell["scenario"], cell["variant"], kind, place, {}]])
            reader.close()
            loading = time.perf_counter() - started - saving
            spent += loading + saving * saves / len(measured)  # an artifact is saved once and read by many
    theirs, mine = spent / SAMPLE, ours.seconds / len(measured)
    print(f"a process a cell: {theirs:.2f} s a cell, with its share of the save ({SAMPLE} of {len(measured)} cells)")
    print(f"the matrix: {mine:.4f} s a cell with its remedies, {len(measured)} cells in {ours.seconds:.0f} s")
    print(f"ratio: {theirs / mine:.0f} times faster")


main()
