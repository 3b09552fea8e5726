"""Runs as history: what a pair or a scenario was in each of them, and what changed from one to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..changes import Change
from ..diff import Kind
from ..model import Status
from ..report import words
from .past import Cell, Past, changed, counted

LIMIT = 300  # changes that a page lists one by one
KINDS = (Kind.REGRESSED, Kind.REPAIRED, Kind.CHANGED)  # what is listed cell by cell; the others, by pair
Changes = tuple[Change[Cell], ...]


@dataclass(frozen=True, kw_only=True)
class Site:
    """What is published: runs in the order of time, and for each finished one after the first what changed with it."""

    runs: tuple[Past, ...]
    changes: Mapping[str, Changes]
    before: Mapping[str, Past]

    @property
    def latest(self) -> Past | None:
        """The newest finished run."""
        return next((one for one in reversed(self.runs) if one.complete), None)

    def pairs(self) -> dict[tuple[str, str], None]:
        """Return all pairs of all runs, those of newer runs first."""
        return {pair: None for one in reversed(self.runs) for pair in one.letters}

    def scenarios(self) -> dict[str, str]:
        """Return all scenarios of all runs with their newest titles."""
        return {name: title for one in self.runs for name, title in one.scenarios}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One run in a history: how many cells got which letter."""

    run: Past
    numbers: tuple[tuple[words.Letter, int], ...]
    works: int
    measured: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One piece of a strip, in the units of its picture."""

    css: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Altered:
    """One cell that changed with a run."""

    run: Past
    kind: Kind
    cell: Cell
    before: words.Letter | None
    after: words.Letter | None


@dataclass(frozen=True, kw_only=True)
class History:
    """One subject through the runs that have it, the newest first."""

    lines: tuple[Line, ...]
    strip: tuple[Bar, ...]
    altered: tuple[Altered, ...]
    more: int


def site(runs: Sequence[Past]) -> Site:
    """Return what the runs of a site come to; unfinished ones are compared with nothing."""
    finished = [one for one in runs if one.complete]
    steps = list(pairwise(finished))
    return Site(
        runs=tuple(runs),
        changes={new.id: changed(old, new) for old, new in steps},
        before={new.id: old for old, new in steps},
    )


def of_pairs(known: Site) -> dict[tuple[str, str], History]:
    """Return the history of each pair."""
    altered = _altered(known, lambda cell: (cell[0], cell[1]))
    return {
        pair: _history(
            ((run, counted([run.letters[pair]])) for run in reversed(known.runs) if pair in run.letters),
            altered.get(pair, []),
        )
        for pair in known.pairs()
    }


def of_scenarios(known: Site) -> dict[str, History]:
    """Return the history of each scenario."""
    altered = _altered(known, lambda cell: cell[2])
    found = {}
    for name in known.scenarios():
        counts = ((run, counted(run.scenario(name))) for run in reversed(known.runs))
        found[name] = _history(((run, one) for run, one in counts if one), altered.get(name, []))
    return found


def line(run: Past, counts: Counter[str]) -> Line:
    """Return some cells of a run, counted."""
    numbers = tuple((words.letter(status), counts[str(status)]) for status in words.ORDER)
    return Line(
        run=run,
        numbers=numbers,
        works=counts["P"] + counts["R"],
        measured=sum(number for look, number in numbers if look.measured),
        total=counts.total(),
    )


def altered(run: Past, changes: Iterable[Change[Cell]]) -> list[Altered]:
    """Return changes ready to print."""
    return [
        Altered(run=run, kind=one.kind, cell=one.cell, before=_look(one.before), after=_look(one.after))
        for one in changes
    ]


def _altered(known: Site, subject: Callable[[Cell], object]) -> dict[object, list[Altered]]:
    """Return what changed with each run, by what it is about, the newest first."""
    found: dict[object, list[Altered]] = {}
    for run in reversed(known.runs):
        for one in altered(run, (one for one in known.changes.get(run.id, ()) if one.kind in KINDS)):
            found.setdefault(subject(one.cell), []).append(one)
    return found


def _history(counts: Iterable[tuple[Past, Counter[str]]], changes: Sequence[Altered]) -> History:
    lines = tuple(line(run, found) for run, found in counts)
    return History(
        lines=lines,
        strip=_strip(lines),
        altered=tuple(changes[:LIMIT]),
        more=max(0, len(changes) - LIMIT),
    )


def _strip(lines: Sequence[Line]) -> tuple[Bar, ...]:
    """Return a bar for each run, the oldest first, its cells stacked in the order of the letters."""
    bars = []
    for place, one in enumerate(reversed(lines)):
        left, right = (1000 * end // len(lines) for end in (place, place + 1))
        done = 0
        for look, number in one.numbers:
            top, bottom = (60 * end // max(one.total, 1) for end in (done, done + number))
            done += number
            if bottom > top:
                width = max(right - left - 2, 1)
                bars.append(Bar(css=look.css, x=left, y=top, width=width, height=bottom - top))
    return tuple(bars)


def _look(status: Status | None) -> words.Letter | None:
    return words.letter(status) if status is not None else None
