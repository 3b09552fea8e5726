"""What to do about a pair: where nothing breaks, which format is the safest, and the changes that were run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .. import analysis
from ..model import Format, Status
from ..results import Run
from . import words
from .reasons import focused, route


@dataclass(frozen=True, kw_only=True)
class Step:
    """A change that was run in the reader and gave equal numbers, and a cell that shows it."""

    remedy: words.Remedy
    text: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something to know before one goes, with its name."""

    name: str
    says: str


def facts(run: Run, table: analysis.Table, formats: Sequence[Mapping[str, Any]]) -> tuple[Fact, ...]:
    """Return the nearest version that breaks nothing, the nearest that needs no change, and the safest format.

    Args:
        run: what was measured.
        table: the same as a table.
        formats: the counts of the focus pair, a row per format.
    """
    return (*_versions(run, table), *_safest(formats))


def _versions(run: Run, table: analysis.Table) -> Iterator[Fact]:
    old, new = run.focus
    found = {row["loaded_with"]: row for row in analysis.rows(analysis.readings(table, old))}
    if old == new or not found.get(new, {"measured": 0})["measured"]:
        return
    whole = nearest(run, found, lambda row: row["lost"] == 0)
    yield Fact(name="Nearest version that breaks nothing", says=whole)
    if found[new]["changed"]:
        same = nearest(run, found, lambda row: row["lost"] == row["changed"] == 0)
        yield Fact(name="Nearest version that needs no change", says=same)


def nearest(run: Run, found: Mapping[str, Mapping[str, Any]], fits: Callable[[Mapping[str, Any]], bool]) -> str:
    """Return, in words, which reader between the focus pair fits and is nearest to its end.

    Args:
        run: whose environments and pair.
        found: reader → counts of what the older one saved.
        fits: whether such counts are good enough.
    """
    ids = [report.environment.id for report in run.environments]
    start, end = (ids.index(name) for name in run.focus)
    step = 1 if end > start else -1
    for name in ids[end:start:-step]:
        row = found.get(name)
        if row and row["measured"] and fits(row):
            unknown = row["E"] + row["."]
            doubt = f" (as far as it was measured: {words.counted(unknown, 'cell')} not known)" if unknown else ""
            return f"{name}{' itself' if name == run.focus[1] else ''}{doubt}"
    return (
        f"none after {run.focus[0]} up to {run.focus[1]}"
        if step > 0
        else f"none before {run.focus[0]} down to {run.focus[1]}"
    )


def _safest(rows: Sequence[Mapping[str, Any]]) -> Iterator[Fact]:
    ranked = [row for row in rows if row["works"]]
    if not ranked:
        return
    best = max(map(_rank, ranked))
    chosen = [row for row in ranked if _rank(row) == best]
    names = " and ".join(words.format_name(Format(row["format"])) for row in chosen)
    plain, changed, measured = (sum(row[key] for row in chosen) for key in ("P", "R", "measured"))
    said = [f"{plain} of {words.counted(measured, 'cell')} work as they are"] if plain else []
    said += [f"{changed} of {words.counted(measured, 'cell')} work after a tested change"] if changed else []
    yield Fact(name="Safest format" if len(chosen) == 1 else "Safest formats", says=f"{names}: {', '.join(said)}")


def _rank(row: Mapping[str, Any]) -> tuple[float, float]:
    return row["works"] / row["measured"], row["P"] / row["measured"]


def steps(run: Run, limit: int = 8) -> tuple[Step, ...]:
    """Return the changes that made cells of the focus pair work, those that help most cells first."""
    fixed = [one for one in focused(run) if one.status is Status.REMEDIED]
    named = [(words.remedy(words.line(one.remedy, 80), one.cell.format, 0), one.cell) for one in fixed]
    sums = Counter((one.words, one.needs, one.code) for one, _ in named)
    first = {(one.words, one.needs, one.code): (one, cell) for one, cell in reversed(named)}
    return tuple(
        Step(
            remedy=words.Remedy(name=first[key][0].name, words=key[0], needs=key[1], code=key[2], cells=cells),
            text=words.line(f"{cell.scenario}, {cell.variant}, {words.format_name(cell.format)}", 200),
            href=route("cell", cell.writer, cell.reader, cell.scenario, cell.variant, cell.format),
        )
        for key, cells in islice(sums.most_common(), limit)
        for cell in [first[key][1]]
    )
