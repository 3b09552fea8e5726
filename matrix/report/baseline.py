"""An earlier run beside this one: the letters that its cells had, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..diff import Change, Kind, compared
from ..model import Cell
from ..results import Result, Run

KINDS = tuple(Kind)


@dataclass(frozen=True)
class Baseline:
    """An earlier run, as far as a page compares to it.

    Attributes:
        id: its name.
        changes: what became of each cell of both runs, as `matrix diff` says.
    """

    id: str
    changes: Mapping[Cell, Change]

    def letters(self, results: Sequence[Result]) -> str:
        """Return one character for each result: the letter that its cell had, a space where there was no such cell."""
        return "".join([self.changes[one.cell].before or " " for one in results])

    def kinds(self, results: Sequence[Result]) -> str:
        """Return one digit for each result: the place in `KINDS` of what became of its cell."""
        return "".join([str(KINDS.index(self.changes[one.cell].kind)) for one in results])

    def gone(self) -> list[list[str]]:
        """Return the cells that are in the baseline alone and were something there: five names, and the letter."""
        return [
            [one.writer, one.reader, one.scenario, one.variant, one.format, str(change.before)]
            for one, change in self.changes.items()
            if change.now is None and change.kind is Kind.GONE
        ]

    def of(self, scenario: str) -> Baseline:
        """Return the part of a baseline that is about one scenario."""
        return Baseline(self.id, {one: change for one, change in self.changes.items() if one.scenario == scenario})


def baseline(earlier: Run | None, run: Run) -> Baseline | None:
    """Return an earlier run as the baseline of another one; None for none."""
    return None if earlier is None else Baseline(earlier.id, compared(earlier, run))
