"""Files as this edition writes them, kept to be compared: `python tests/golden.py` makes them anew.

`golden/run-N` is what edition N of the matrix left of the same run; `golden/hostile` what this one makes of a run whose
every text wants to be more than text.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import hostile
import synthetic

from matrix import report
from matrix.report import editions
from matrix.results import Expectation, Run

FOLDER = Path(__file__).parent / "golden"
STORED = ("run.json", "results.jsonl", "verdict.json")
BESIDE = ("junit.xml", "badge.svg", "results.csv", "summary.md")
CURRENT = f"run-{editions.RUN}"


def old() -> Run:
    """The run that every edition was given."""
    questions = {name: synthetic.QUESTIONS[name] for name in ("functional", "subclassed")}
    return synthetic.run(("2.15", "2.21"), broken=frozenset(), questions=questions)


def expecting() -> Run:
    """The same, with what was known to fail, as editions from the third one on can hold."""
    entry = Expectation(
        cells="tf-2.15/tf-2.21/*/keras",
        letters="F",
        reason="The module has moved",
        link="https://example.com/issues/1",
        signature="No module named",
        expires="2026-06-01",
    )
    others = (
        replace(entry, cells="tf-2.15/tf-2.21/*/weights_h5"),
        replace(entry, cells="tf-2.15/tf-2.21/*/saved_model", signature="Another"),
        replace(entry, cells="tf-2.15/tf-2.21/*/*", expires="2026-01-01"),
    )
    return replace(old(), known=(entry, *others))


def whole() -> Run:
    """The same, with all that this edition can hold."""
    return replace(expecting(), baseline="2026-04-25T14-10-00.000")


def evil() -> Run:
    """The same, with another hostile text in every place."""
    said = cycle(hostile.PAYLOADS)
    return hostile.spoiled(whole(), lambda _: next(said))


def wanted() -> dict[Path, bytes]:
    """Return the files of this edition, by their place below `golden`, as they are written now."""
    found: dict[Path, bytes] = {}
    for folder, run, names in ((CURRENT, whole(), (*STORED, *BESIDE)), ("hostile", evil(), BESIDE)):
        with tempfile.TemporaryDirectory() as here:
            report.write(run, Path(here))
            found |= {Path(folder) / name: (Path(here) / name).read_bytes() for name in names}
    return found


if __name__ == "__main__":
    for folder in (CURRENT, "hostile"):
        shutil.rmtree(FOLDER / folder, ignore_errors=True)
        (FOLDER / folder).mkdir()
    for path, data in wanted().items():
        (FOLDER / path).write_bytes(data)
