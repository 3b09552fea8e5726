"""How the attempts of a run ended: tens of thousands of them, in a few thousand ways that are looked at once each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import accumulate, chain, pairwise
from operator import attrgetter
from typing import Generic, TypeVar

from ..model import Format, Status, Variant
from ..results import Attempt, Result, Run

_CASE = attrgetter("cell.scenario", "cell.variant", "cell.format")
_WHOLE = attrgetter("status", "reason", "container", "cause", "remedy")
# Neither the message, which names the file, nor the numbers: with them hardly two attempts would be alike.
_ENDING = attrgetter("rung", "status", "stage", "exception", "signature", "traceback", "lost")
_MEASURE = attrgetter("max_abs_error", "max_rel_error", "argmax_flips")
Case = tuple[str, Variant, Format]
Whole = tuple[Status, str, str, str, str]
Measure = tuple[float | None, float | None, int | None]
T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


class Numbered(Generic[H]):
    """Values in the order in which they were first seen, each with its number."""

    def __init__(self, values: Iterable[H] = ()) -> None:
        self._numbers: dict[H, int] = {}
        self.of(values)

    def __call__(self, value: H) -> int:
        """Return the number of a value, a new one when it was not seen before."""
        return self._numbers.setdefault(value, len(self._numbers))

    def of(self, values: Iterable[H]) -> list[int]:
        """Return the number of each of many values: half the time of one call for each."""
        numbers = self._numbers
        return [numbers.setdefault(value, len(numbers)) for value in values]

    @property
    def values(self) -> list[H]:
        """What the numbers stand for."""
        return list(self._numbers)


class Endings:
    """A run with everything that repeats in it numbered.

    Attributes:
        cases: scenario, variant and format of the cells. case: for each cell in the order of the run, its place there.
        wholes: status, reason, container, cause and remedy of the cells. whole: for each cell, its place there.
        sizes: how many attempts each cell has.
        seconds: of each attempt, cell by cell.
        examples: an attempt for each way to end. ended: for each attempt, the place of its like there.
        messages: what attempts said. said: for each attempt, its place there.
        measures: absolute and relative difference, and flipped rows. measured: for each attempt, its place there.
    """

    def __init__(self, run: Run) -> None:
        self.case, self.cases = _numbered(map(_CASE, run.results))
        self.whole, self.wholes = _numbered(map(_WHOLE, run.results))
        cells = [_tried(result) for result in run.results]
        self.sizes = [len(tried) for tried in cells]
        attempts = list(chain.from_iterable(cells))
        self.seconds = [one.seconds for one in attempts]
        self.ended, _ = _numbered(map(_ENDING, attempts))
        found = dict(zip(self.ended, attempts, strict=True))
        self.examples = [found[number] for number in range(len(found))]
        self.said, self.messages = _numbered([one.message for one in attempts])
        self.measured, self.measures = _numbered(map(_MEASURE, attempts))

    def by_cell(self, row: Iterable[T]) -> Iterator[tuple[T, ...]]:
        """Return a row with something for each attempt, cut into cells."""
        whole = tuple(row)
        return (whole[start:end] for start, end in pairwise(accumulate(self.sizes, initial=0)))


def _tried(result: Result) -> tuple[Attempt, ...]:
    """Return all attempts of a cell: the rungs of its reader, and the save that failed."""
    return (*result.attempts, result.writer_error) if result.writer_error else result.attempts


def _numbered(values: Iterable[H]) -> tuple[list[int], list[H]]:
    numbers: Numbered[H] = Numbered()
    return numbers.of(values), numbers.values
