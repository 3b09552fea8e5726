"""An earlier run beside this one: the letters that its cells had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..model import Cell, Status
from ..results import Result, Run


@dataclass(frozen=True)
class Baseline:
    """An earlier run, as far as a page compares to it.

    Attributes:
        id: its name.
        before: the letter of each of its cells.
    """

    id: str
    before: Mapping[Cell, Status]

    def letters(self, results: Sequence[Result]) -> str:
        """Return one character for each result: the letter that its cell had, a space where there was no such cell."""
        return "".join([self.before.get(one.cell, " ") for one in results])

    def gone(self, results: Sequence[Result]) -> list[list[str]]:
        """Return the cells that are in the baseline alone: their five names, and their letter."""
        here = {one.cell for one in results}
        return [
            [one.writer, one.reader, one.scenario, one.variant, one.format, status]
            for one, status in self.before.items()
            if one not in here
        ]

    def of(self, scenario: str) -> Baseline:
        """Return the part of a baseline that is about one scenario."""
        return Baseline(self.id, {one: status for one, status in self.before.items() if one.scenario == scenario})


def baseline(run: Run | None) -> Baseline | None:
    """Return a run as a baseline; None for none."""
    return None if run is None else Baseline(run.id, {one.cell: one.status for one in run.results})
