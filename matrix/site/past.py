"""A run as history knows it: who, when, the answer for its pair, and one letter for each cell.

It is stored beside the published runs, so that history needs no run to be read twice, and none to be kept elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from .. import report
from ..changes import Change, between
from ..model import Status
from ..report import answer, stored
from ..results import Run

SCHEMA = 1
ABSENT = " "  # the letter of a cell that the run does not have
Cell = tuple[str, str, str, str, str]  # writer, reader, scenario, variant, format
Case = tuple[str, str, str]
_LETTERS = {str(status): status for status in Status}


@dataclass(frozen=True, kw_only=True)
class Past:
    """One run.

    Attributes:
        digest: of the files that it was read from.
        id, started, finished, profile, complete, note, focus: those of the run.
        question, headline, verdict, measured, total: the answer for its pair.
        environments: id → its Keras, in the order of the axes.
        scenarios: name → title, in the order of the page.
        cases: scenario, variant and format of each place in the letters of a pair.
        pairs: writer, reader, and a letter for each case.
    """

    digest: str
    id: str
    started: str
    finished: str
    profile: str
    complete: bool
    note: str
    focus: tuple[str, str]
    question: str
    headline: str
    verdict: str
    measured: int
    total: int
    environments: tuple[tuple[str, str], ...]
    scenarios: tuple[tuple[str, str], ...]
    cases: tuple[Case, ...]
    pairs: tuple[tuple[str, str, str], ...]

    @cached_property
    def letters(self) -> Mapping[tuple[str, str], str]:
        """Pair → its letters."""
        return {(writer, reader): letters for writer, reader, letters in self.pairs}

    @cached_property
    def counts(self) -> Counter[str]:
        """Letter → cells, over the whole run."""
        return counted(letters for _, _, letters in self.pairs)

    @cached_property
    def started_at(self) -> datetime:
        """When it started."""
        return moment(self.started)

    @cached_property
    def finished_at(self) -> datetime:
        """When it finished."""
        return moment(self.finished)

    def scenario(self, name: str) -> Iterator[str]:
        """Yield the letters of one scenario, pair by pair."""
        places = [place for place, case in enumerate(self.cases) if case[0] == name]
        for _, _, letters in self.pairs:
            yield "".join([letters[place] for place in places])

    def cells(self, pairs: Iterable[tuple[str, str]]) -> dict[Cell, Status]:
        """Return the letters of some pairs, cell by cell."""
        return {
            (*pair, *case): _LETTERS[letter]
            for pair in pairs
            for case, letter in zip(self.cases, self.letters.get(pair, ""), strict=False)
            if letter != ABSENT
        }


def counted(letters: Iterable[str]) -> Counter[str]:
    """Return how often each letter occurs."""
    found = Counter("".join(letters))
    del found[ABSENT]
    return found


def moment(stamp: str) -> datetime:
    """Return an ISO 8601 moment in UTC. ValueError for what is none."""
    found = datetime.fromisoformat(stamp)
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(f"{stamp} is too far away") from error


def changed(before: Past, after: Past) -> tuple[Change[Cell], ...]:
    """Return what changed from one run to the next; pairs whose letters are the same are not looked at again."""
    alike = before.cases == after.cases
    pairs = [
        pair
        for pair in dict.fromkeys([*after.letters, *before.letters])
        if not alike or after.letters.get(pair) != before.letters.get(pair)
    ]
    return between(before.cells(pairs), after.cells(pairs))


def past(run: Run, digest: str) -> Past:
    """Return what history keeps of a run.

    Raises:
        ValueError: the run contradicts itself.
    """
    names = [one.environment.id for one in run.environments]
    if not set(run.focus) <= set(names):
        raise ValueError("the pair of its verdict is not among its environments")
    asked = [one for one in run.results if one.cell.writer in run.focus]  # the answer looks at no other
    told = answer.about(run, report.table(replace(run, results=tuple(asked))))
    cases: dict[Case, int] = {}
    pairs: dict[tuple[str, str], dict[int, str]] = {}
    for one in run.results:
        cell = one.cell
        place = cases.setdefault((cell.scenario, str(cell.variant), str(cell.format)), len(cases))
        pairs.setdefault((cell.writer, cell.reader), {})[place] = str(one.status)
    moment(run.started)
    moment(run.finished)
    return Past(
        digest=digest,
        id=run.id,
        started=run.started,
        finished=run.finished,
        profile=run.profile,
        complete=run.complete,
        note=run.note,
        focus=run.focus,
        question=told.question,
        headline=told.headline,
        verdict=str(told.verdict),
        measured=told.measured,
        total=told.total,
        environments=tuple((one.environment.id, answer.keras(one)) for one in run.environments),
        scenarios=tuple((one.name, one.title) for one in run.scenarios),
        cases=tuple(cases),
        pairs=tuple(
            (*pair, "".join(found.get(place, ABSENT) for place in range(len(cases)))) for pair, found in pairs.items()
        ),
    )


def encoded(known: Past) -> str:
    """Return it as JSON."""
    return json.dumps({"schema": SCHEMA, **stored.plain(known)}, separators=(",", ":")) + "\n"


def decoded(text: str) -> Past:
    """Return what `encoded` was given. ValueError when this is not it, or of another edition."""
    try:
        head: dict[str, Any] = json.loads(text)
        if head.pop("schema", None) != SCHEMA:
            raise ValueError("another edition")
        found: Past = stored.value(Past, head)
        lengths = {len(letters) for _, _, letters in found.pairs}
    except (AttributeError, LookupError, TypeError) as error:  # all that JSON of another shape can raise
        raise ValueError(repr(error)) from error
    if lengths - {len(found.cases)} or set(found.counts) - set(_LETTERS):
        raise ValueError("its letters are damaged")
    moment(found.started)
    moment(found.finished)
    return found
