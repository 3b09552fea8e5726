"""What changed from one run to the next by letters alone, which is all that is kept of runs for good."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from . import diff
from .diff import Kind
from .model import Status

Key = TypeVar("Key", bound=Hashable)

_UNKNOWN = frozenset({Status.ENVIRONMENT, Status.NOT_RUN})


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
    found = diff.kind(before, after)
    return None if found is Kind.SAME or {before, after} & _UNKNOWN else found


def between(before: Mapping[Key, Status], after: Mapping[Key, Status]) -> tuple[Change[Key], ...]:
    """Return the cells that changed from one run to a later one: in the order of the later, then what is gone."""
    cells = [*after, *(cell for cell in before if cell not in after)]
    found = ((cell, before.get(cell), after.get(cell)) for cell in cells)
    return tuple(
        Change(cell=cell, kind=how, before=old, after=new) for cell, old, new in found if (how := kind(old, new))
    )
