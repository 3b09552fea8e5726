"""What changed between two runs, cell by cell: the one place that says which letter is worse than which."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from .model import Status

Key = TypeVar("Key", bound=Hashable)

_WORKS = frozenset({Status.PASS, Status.REMEDIED})
_UNKNOWN = frozenset({Status.ENVIRONMENT, Status.NOT_RUN})
_BREAKS = frozenset(Status) - _WORKS - _UNKNOWN - {Status.UNSUPPORTED}


class Kind(StrEnum):
    """How a cell changed, in words."""

    REGRESSED = "regressed"  # it worked, and breaks
    REPAIRED = "repaired"  # it broke, and works
    OTHERWISE = "changed otherwise"  # from one way to work or to break to another, or the writer's format came or went
    NEW = "new"  # the earlier run had no such cell
    GONE = "gone"  # the later run has no such cell


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(Generic[Key]):
    """One cell that changed; a letter is None where the run has no such cell."""

    cell: Key
    kind: Kind
    before: Status | None
    after: Status | None


def kind(before: Status | None, after: Status | None) -> Kind | None:
    """Return how a cell changed from one letter to another, None for no run without the cell; None when it did not.

    What is not known (E and `.`) is no change, neither from nor to it.
    """
    if before is after or {before, after} & _UNKNOWN:
        return None
    if before is None:
        return Kind.NEW
    if after is None:
        return Kind.GONE
    if before in _WORKS and after in _BREAKS:
        return Kind.REGRESSED
    if before in _BREAKS and after in _WORKS:
        return Kind.REPAIRED
    return Kind.OTHERWISE


def between(before: Mapping[Key, Status], after: Mapping[Key, Status]) -> tuple[Change[Key], ...]:
    """Return the cells that changed from one run to a later one: in the order of the later, then what is gone."""
    cells = [*after, *(cell for cell in before if cell not in after)]
    found = ((cell, before.get(cell), after.get(cell)) for cell in cells)
    return tuple(
        Change(cell=cell, kind=how, before=old, after=new) for cell, old, new in found if (how := kind(old, new))
    )
