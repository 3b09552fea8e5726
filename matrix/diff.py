"""Two runs, cell by cell: what got worse, what was repaired, what is new, gone or flaky."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .model import Cell, Status
from .results import Run

GOOD = frozenset({Status.PASS, Status.REMEDIED})
BAD = frozenset({Status.DRIFT, Status.FAIL, Status.TIMEOUT, Status.CRASH, Status.NOT_SAVED})
FACTS = ("code", "backend", "timeout", "memory")  # what a run tells of itself that decides how any of its cells ends
_UNKNOWN = frozenset({None, Status.ENVIRONMENT, Status.NOT_RUN})
_NOTHING = _UNKNOWN | {Status.UNSUPPORTED}


class Kind(StrEnum):
    """What became of a cell from one run to another."""

    REGRESSED = "regressed"  # it worked, as it is or after a change, and does not any more
    REPAIRED = "repaired"  # the other way round
    FLAKY = "flaky"  # another letter, although all that decides it is the same: chance, or the machine
    CHANGED = "changed"  # another letter that is neither: `P` and `R`, or one failure and another
    NEW = "new"  # there was nothing before: not planned, not run, no environment, no such format
    GONE = "gone"  # there is nothing now
    SAME = "same"  # the same letter, or nothing both times


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One cell in two runs.

    Attributes:
        kind: what became of it.
        before, now: its letters; None where the run has no such cell.
        since: what decides it and is another one now, or may be for all that is recorded: `writer`, `reader`,
            `scenario`, or one of `FACTS`.
    """

    kind: Kind
    before: Status | None
    now: Status | None
    since: tuple[str, ...] = ()


def compared(before: Run, now: Run) -> dict[Cell, Change]:
    """Return what became of each cell of two runs: those of the second one in its order, then those only the first has.

    Args:
        before: the baseline.
        now: the run to compare with it.
    """
    old, new = ({one.cell: one.status for one in run.results} for run in (before, now))
    since = _Since(before, now)
    return {cell: _change(old.get(cell), new.get(cell), since(cell)) for cell in [*new, *(old.keys() - new.keys())]}


def counts(changes: Iterable[Change]) -> dict[Kind, int]:
    """Return how many cells there are of each kind, in the order of the kinds."""
    found = Counter(change.kind for change in changes)
    return {kind: found[kind] for kind in Kind}


def regressed(before: Run, now: Run) -> list[Cell]:
    """Return the cells that are worse than in the baseline, in the order of the run."""
    return [cell for cell, change in compared(before, now).items() if change.kind is Kind.REGRESSED]


class _Since:
    """What decides a cell and is not the same in two runs, looked up once for all cells of a pair and scenario."""

    def __init__(self, before: Run, now: Run) -> None:
        self.prints = [
            {one.environment.id: one.environment.fingerprint for one in run.environments} for run in (before, now)
        ]
        self.scripts = [{one.name: one.digest for one in run.scenarios} for run in (before, now)]
        old, new = dict(before.machine), dict(now.machine)
        self.facts = tuple(name for name in FACTS if name not in old or old[name] != new.get(name))
        self.known: dict[tuple[str, str, str], tuple[str, ...]] = {}

    def __call__(self, cell: Cell) -> tuple[str, ...]:
        key = cell.writer, cell.reader, cell.scenario
        if key not in self.known:
            asked = (("writer", self.prints, cell.writer), ("reader", self.prints, cell.reader))
            parts = (*asked, ("scenario", self.scripts, cell.scenario))
            changed = tuple(name for name, sides, one in parts if not _equal(sides, one))
            self.known[key] = changed + self.facts
        return self.known[key]


def _equal(sides: list[dict[str, str]], name: str) -> bool:
    before, now = (side.get(name) for side in sides)
    return before is not None and before == now


def _change(before: Status | None, now: Status | None, since: tuple[str, ...]) -> Change:
    return Change(kind=kind(before, now, equal=not since), before=before, now=now, since=since)


def kind(before: Status | None, now: Status | None, *, equal: bool = False) -> Kind:
    """Return what became of a cell by its letters, None for no such cell; `equal`: all that decides it is the same."""
    if before == now or {before, now} <= _NOTHING:
        return Kind.SAME
    if equal and not {before, now} & _UNKNOWN:
        return Kind.FLAKY
    if before in _NOTHING or now in _NOTHING:
        return Kind.NEW if now not in _NOTHING else Kind.GONE
    if before in GOOD and now in BAD:
        return Kind.REGRESSED
    return Kind.REPAIRED if before in BAD and now in GOOD else Kind.CHANGED


def summed(numbers: Mapping[Kind, int]) -> str:
    """Return counts as a sentence: `2 regressed, 1 repaired, 40 the same`."""
    said = [f"{number:,} {kind}" for kind, number in numbers.items() if number and kind is not Kind.SAME]
    return ", ".join([*said, f"{numbers[Kind.SAME]:,} the same"])
