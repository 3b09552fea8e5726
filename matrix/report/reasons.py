"""Why cells of a pair do not simply work: failures grouped by how they ended, gaps by their reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from .. import analysis
from ..diagnosis import causes
from ..model import Status
from ..results import Attempt, Result, Run
from . import words


@dataclass(frozen=True, kw_only=True)
class Share:
    """One part of a whole: how many cells ended so."""

    look: words.Letter
    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Example:
    """One cell by name, with the route to all that is known about it."""

    look: words.Letter
    text: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Why:
    """A cause as people read it: what happened, what to do, and where to read more."""

    slug: str
    title: str
    happened: str
    advice: str
    links: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One way to fail, and all cells of the pair that fail so."""

    anchor: str
    stage: str
    title: str
    signature: str
    message: str
    causes: tuple[Why, ...]
    cells: int
    letters: tuple[Share, ...]
    remedies: tuple[words.Remedy, ...]
    unhelped: str
    squares: tuple[Example, ...]


def route(*names: str) -> str:
    """Return a link inside the page, whatever the names hold."""
    return "#/" + "/".join(map(_quoted, names))


@cache
def _quoted(name: str) -> str:
    return quote(name, safe="+.~-_", errors="replace")


def anchor(own: Attempt | None, status: Status) -> str:
    """Return the name of the explanation of a cell with this status, whose own way ended so.

    It is made from what it explains, so it stays the same from run to run.
    """
    if own is None:
        return _named("", "", "", str(status))
    silent = "" if own.exception else str(status)
    return _named(str(own.stage), own.exception, own.signature, silent)


def _anchor(row: Mapping[str, Any]) -> str:
    return _named(row["stage"], row["exception"], row["signature"], row["silent"])


@cache
def _named(stage: str, exception: str, signature: str, silent: str) -> str:
    key = f"{stage}\0{exception}\0{signature}\0{silent}"
    return "why-" + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:10]


def share(sums: Mapping[str, int], status: Status) -> Share:
    """Return how many cells have one status."""
    number = sums[str(status)]
    return Share(look=words.letter(status), number=number, text=words.spoken(status, number))


def shares(sums: Mapping[str, int], statuses: Iterable[Status]) -> tuple[Share, ...]:
    """Return how many cells have each of these statuses, those without any left out."""
    return tuple(share(sums, status) for status in statuses if sums[str(status)])


def focused(run: Run) -> tuple[Result, ...]:
    """Return the results of the focus pair."""
    old, new = run.focus
    return tuple([one for one in run.results if one.cell.writer == old and one.cell.reader == new])


def _results(run: Run) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in focused(run):
        if result.status.measured and result.status is not Status.PASS:
            found.setdefault(anchor(result.own, result.status), []).append(result)
    return found


def reasons(run: Run, cells: analysis.Table) -> tuple[Reason, ...]:
    """Return the ways in which cells of the focus pair fail, the most frequent first."""
    results = _results(run)
    rows = analysis.rows(analysis.failures(cells))
    return tuple(_reason(row, results[_anchor(row)]) for row in rows)


def _reason(row: dict[str, Any], results: Sequence[Result]) -> Reason:
    fixed = Counter((one.remedy, one.cell.format) for one in results if one.status is Status.REMEDIED)
    tried = Counter(attempt.rung for one in results if not one.remedy for attempt in one.attempts[1:])
    named = ", ".join(words.line(rung, 60) for rung in sorted(tried))
    return Reason(
        anchor=_anchor(row),
        stage=row["stage"],
        title=words.line(row["exception"], 80) or _silence(results[0]),
        signature=words.line(words.without(row["signature"], row["exception"])),
        message=words.shown(row["message"], 800),
        causes=tuple(explained(slug) for slug, _ in Counter(one.cause for one in results if one.cause).most_common()),
        cells=row["cells"],
        letters=shares(row, words.ORDER[1:6]),
        remedies=_merged(words.remedy(words.line(name, 200), format_, n) for (name, format_), n in fixed.most_common()),
        unhelped=f"Tried without success: {named}." if named else "",
        squares=tuple(map(_example, results)),
    )


def explained(slug: str) -> Why:
    """Return a cause in words; the empty one is that which is not known."""
    if not slug:
        return Why(slug="", title="The cause is not known", happened="", advice="", links=())
    known = causes.titled(slug)
    if known is None:  # named by another edition of the catalogue
        name = words.line(slug, 80).replace("`", "'")
        return Why(slug=name, title=name, happened="", advice="", links=())
    return Why(slug=slug, title=known.title, happened=known.happened, advice=known.advice, links=known.links)


def _example(result: Result) -> Example:
    cell = result.cell
    return Example(
        look=words.letter(result.status),
        text=words.line(f"{cell.scenario}, {cell.variant}, {words.format_name(cell.format)}", 200),
        href=route("cell", cell.writer, cell.reader, cell.scenario, cell.variant, cell.format),
    )


def _silence(result: Result) -> str:
    """Name a group of cells in which no exception was raised."""
    own = result.own
    status = own.status if own else result.status
    return "Other numbers" if status is Status.DRIFT else words.letter(status).short.capitalize()


def _merged(remedies: Iterable[words.Remedy]) -> tuple[words.Remedy, ...]:
    """Return the remedies, those that read the same for several formats as one."""
    sums: Counter[words.Remedy] = Counter()
    for one in remedies:
        sums[replace(one, cells=0)] += one.cells
    return tuple(replace(one, cells=cells) for one, cells in sums.most_common())


def gaps(cells: analysis.Table) -> tuple[Share, ...]:
    """Return what was not measured, by letter and reason."""
    return tuple(
        Share(
            look=words.letter(Status(row["status"])),
            number=row["cells"],
            text=words.line(row["why"]) or "no reason given",
        )
        for row in analysis.rows(analysis.gaps(cells))
    )
