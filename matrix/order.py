"""In which order the ways of loading are tried, and who goes first.

What a way needs comes first: what works with the file alone is never hidden by what needs the code. Options of the way
that the author of a scenario would take come before other ways, one after the other: what is told to people is the
plainest change that helps, whatever company a cell was measured in. Which classes they are given, and which other way
is the first, goes by what solved the same failure before, then by what its cause suggests.

So that something can have solved it before, the first cell of a kind goes ahead, and the others wait until it is at its
end. Cells are of one kind when their own ways failed alike, in the same scenario, variant and format; those that its
solution does not help are a kind of their own, told apart by how that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from .model import Cell, Rung, Status, Variant, Way
from .plan import more_needed
from .results import Attempt
from .trials import Trial

Kind = tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """Who goes first among the cells of one reader, and what the others try first.

    It depends on nothing but the cells and how they end, so that the same cells are tried in the same way again.

    Attributes:
        suggested: cell, how its own way ended → the remedies that the cause of that suggests.
    """

    suggested: Callable[[Cell, Attempt], Sequence[str]]
    _first: dict[Kind, Trial] = field(default_factory=dict, repr=False)
    _orders: dict[tuple[Kind, Kind, Kind], tuple[Rung, ...]] = field(default_factory=dict, repr=False)

    def turn(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return the cells that may go on now, their rungs in the order in which to try them.

        Args:
            trials: all that are not at their end, those of one kind always in the same order.
        """
        trials = list(trials)
        climbing = set(map(id, trials))
        return [trial for trial in trials if not trial.attempts or self._goes(trial, climbing)]

    def _goes(self, trial: Trial, climbing: set[int]) -> bool:
        """Whether a cell whose own way failed need not wait for another one of its kind."""
        cell, own = trial.cell, trial.attempts[0]
        ended = {attempt.rung: attempt.signature or str(attempt.status) for attempt in trial.attempts}
        ladder: Kind = (cell.scenario, cell.variant, cell.format)
        kind, solved = (*ladder, ended[own.rung]), []
        while (first := self._first.setdefault(kind, trial)) is not trial:
            if id(first) in climbing:
                return False
            solution = first.attempts[-1]
            if solution.status is not Status.PASS:
                break
            solved.append(solution.rung)
            if solution.rung not in ended:
                break
            kind = (*kind, ended[solution.rung])
        key = ladder, tuple(solved), tuple(self.suggested(cell, own))
        if key not in self._orders:  # hundreds of cells have the same few
            self._orders[key] = ordered(trial.ladder, cell.variant, *key[1:])
        trial.order = self._orders[key]
        return True


def ordered(ladder: Sequence[Rung], own: Variant, solved: Sequence[str], suggested: Sequence[str]) -> tuple[Rung, ...]:
    """Return the rungs of a ladder in the order in which to try them.

    Args:
        ladder: those rungs, cheapest change first.
        own: how the scenario's code meets the loader in the cell anyway.
        solved: names of rungs that solved the same failure.
        suggested: what its cause suggests, by rung or by way, the likeliest first.
    """
    helped = {rung.code for rung in ladder if rung.name in solved and rung.way is Way.OWN}

    def place(rung: Rung) -> tuple[int, bool, bool, int]:
        if rung.way is Way.OWN:  # which classes are handed over; the other options one after the other
            again, changes = rung.code in helped, [str(rung.code)] if rung.code is not own else []
        else:
            loads = {rung.name, replace(rung, call=True).name}  # what is called must have been loaded first
            again, changes = not loads.isdisjoint(solved), [str(rung.way), *(["call"] if rung.call else [])]
        told = [suggested.index(name) if name in suggested else len(suggested) for name in changes]
        return more_needed(rung, own), rung.way is not Way.OWN, not again, max(told, default=len(suggested))

    return tuple(sorted(ladder, key=place))
