"""From runs to pages: what is told where, as text. No file is read or written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from jinja2 import Environment

from ..changes import Change
from ..diff import Kind
from ..model import Status
from ..report import rendering, words
from ..report.reasons import route
from . import addresses
from .gathering import Refused
from .history import KINDS, LIMIT, Site, altered, line, of_pairs, of_scenarios
from .past import Cell, Past, counted

_GROUPED = (Kind.NEW, Kind.GONE)


@dataclass(frozen=True, kw_only=True)
class Front:
    """What the first page tells besides the runs.

    Attributes:
        files: of the newest finished run.
        refused: what is not shown.
    """

    files: tuple[str, ...]
    refused: tuple[Refused, ...]


class Writer:
    """Turns values into pages of one look."""

    def __init__(self) -> None:
        self.templates: Environment = rendering.templates("matrix.site")
        self.templates.filters |= {"line": _line, "when": words.when, "counted": words.counted}
        style = "".join(self.templates.get_template(name).render() for name in ("style.css", "site.css"))
        self.policy = rendering.policy_hash(style)

    def page(self, template: str, path: str, **values: object) -> tuple[str, str]:
        """Return the path of a page, and the page."""
        link: Callable[[str], str] = partial(addresses.link, page=path)
        made = self.templates.get_template(template).render(
            style_hash=self.policy, link=link, at=addresses, route=route, **values
        )
        return path, made


def pages(known: Site, front: Front) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each page; those that others link to come first."""
    writer = Writer()
    pairs, scenarios = of_pairs(known), of_scenarios(known)
    for (old, new), found in pairs.items():
        yield writer.page("pair.html.j2", addresses.pair(old, new), old=old, new=new, history=found, known=known)
    titles = known.scenarios()
    for name, found in scenarios.items():
        path = addresses.scenario(name)
        yield writer.page("scenario.html.j2", path, name=name, title=titles[name], history=found, known=known)
    for run in known.runs:
        if run.id in known.before:
            yield _changes(writer, known, run)
    axes = _axes(known)
    newest = {pair: found.lines[0] for pair, found in pairs.items()}
    yield writer.page("pairs.html.j2", addresses.PAIRS, axes=axes, newest=newest, worst=_worst)
    yield _front(writer, known, front)


def told(changes: Sequence[Change[Cell]]) -> str:
    """Return what changed as one line: `2 regressed, 1 repaired`."""
    found = Counter(one.kind for one in changes)
    return ", ".join(f"{found[kind]:,} {kind}" for kind in Kind if found[kind]) or "nothing"


def by_pair(changes: Sequence[Change[Cell]], kind: Kind) -> list[tuple[tuple[str, str], int]]:
    """Return how many cells of each pair changed in one way."""
    return list(Counter((one.cell[0], one.cell[1]) for one in changes if one.kind is kind).items())


def by_case(changes: Sequence[Change[Cell]], kind: Kind) -> list[tuple[tuple[str, str], int]]:
    """Return how many cells of each scenario and format changed in one way, the most first."""
    return Counter((one.cell[2], one.cell[4]) for one in changes if one.kind is kind).most_common()


def _changes(writer: Writer, known: Site, run: Past) -> tuple[str, str]:
    changes = known.changes[run.id]
    found = {kind: [one for one in changes if one.kind is kind] for kind in KINDS}
    return writer.page(
        "changes.html.j2",
        addresses.changes(run.id),
        run=run,
        before=known.before[run.id],
        told=told(changes),
        listed=[
            (kind, altered(run, ones[:LIMIT]), len(ones) - LIMIT, by_case(ones, kind) if len(ones) > LIMIT else [])
            for kind, ones in found.items()
            if ones
        ],
        grouped=[
            (kind, ones[:LIMIT], max(0, len(ones) - LIMIT)) for kind in _GROUPED if (ones := by_pair(changes, kind))
        ],
    )


def _front(writer: Writer, known: Site, front: Front) -> tuple[str, str]:
    latest = known.latest
    return writer.page(
        "front.html.j2",
        addresses.FRONT,
        latest=latest,
        answer=line(latest, counted([latest.letters.get(latest.focus, "")])) if latest else None,
        changed=told(known.changes[latest.id]) if latest and latest.id in known.changes else "",
        runs=[_row(known, run) for run in reversed(known.runs)],
        scenarios=[(name, title) for name, title in known.scenarios().items()],
        files=front.files,
        refused=front.refused,
        spoken=_spoken,
    )


def _row(known: Site, run: Past) -> dict[str, object]:
    whole = line(run, run.counts)
    asked = line(run, counted([run.letters.get(run.focus, "")]))
    changed = told(known.changes[run.id]) if run.id in known.changes else ""
    return {"run": run, "whole": whole, "asked": asked, "changed": changed}


def _axes(known: Site) -> list[tuple[str, str]]:
    """Return the environments of all runs: in the order of the largest run, then what only others had."""
    largest = sorted(known.runs, key=lambda run: -len(run.environments))
    return list({name: keras for run in reversed(largest) for name, keras in run.environments}.items())


def _worst(numbers: Sequence[tuple[words.Letter, int]]) -> words.Letter:
    """Return the last letter that occurs: what was measured, before what was not."""
    there = [look for look, number in numbers if number]
    measured = [look for look in there if look.measured]
    known = [look for look in there if look.letter != Status.NOT_RUN]
    return (measured or known or there)[-1]


def _spoken(letter: str, number: int) -> str:
    return words.spoken(Status(letter), number)


def _line(text: object, limit: int = 300) -> str:
    """Return foreign text on one line, and without what neither HTML nor XML can hold."""
    return words.line(text, limit).translate({0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD})
