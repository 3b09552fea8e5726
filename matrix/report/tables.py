"""The tables of the page: every square ready to print, nothing left for a template to decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .. import analysis
from ..model import Format, Scenario, Status, Variant
from ..results import EnvironmentReport, Result, Run
from . import words
from .answer import keras
from .reasons import anchor, focused, route


@dataclass(frozen=True, kw_only=True)
class Square:
    """One square of a table."""

    letter: str
    css: str
    word: str
    note: str
    label: str
    href: str
    key: str


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """A scenario in one variant. `span` is how many rows its title covers, 0 where it stands above."""

    title: str
    name: str
    variant: str
    span: int
    squares: tuple[Square, ...]


@dataclass(frozen=True, kw_only=True)
class Head:
    """The heading of one environment, or of a band of them."""

    id: str
    note: str
    css: str
    key: str = ""
    span: int = 1


@dataclass(frozen=True, kw_only=True)
class OverviewRow:
    """Everything one environment saved, as the others read it."""

    head: Head
    squares: tuple[Square, ...]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The whole matrix, pair by pair."""

    bands: tuple[Head, ...]
    heads: tuple[Head, ...]
    rows: tuple[OverviewRow, ...]


def formats(table: analysis.Table) -> tuple[Format, ...]:
    """Return the formats of a run, in the order of the page."""
    return tuple(map(Format, analysis.formats(table)))


def pair_rows(run: Run, columns: Sequence[Format]) -> tuple[PairRow, ...]:
    """Return the focus pair: a row per scenario and variant, a square per format."""
    found = {(one.cell.scenario, one.cell.variant, one.cell.format): one for one in focused(run)}
    rows: list[PairRow] = []
    for scenario in run.scenarios:
        used = [v for v in Variant if any((scenario.name, v, format_) in found for format_ in columns)]
        for position, variant in enumerate(used):
            squares = tuple(_square(found.get((scenario.name, variant, one)), scenario, one) for one in columns)
            span = 0 if position else len(used)
            rows.append(_pair_row(scenario, variant, span, squares))
    return tuple(rows)


def _pair_row(scenario: Scenario, variant: Variant, span: int, squares: tuple[Square, ...]) -> PairRow:
    return PairRow(
        title=words.line(scenario.title, 160),
        name=words.line(scenario.name, 80),
        variant=str(variant),
        span=span,
        squares=squares,
    )


def _square(result: Result | None, scenario: Scenario, format_: Format) -> Square:
    if result is None:
        label = f"{scenario.name} does not ask about {words.format_name(format_)}"
        return Square(letter="\N{EN DASH}", css="s-absent", word="not asked", note="", label=label, href="", key="")
    look = words.letter(result.status)
    cell = result.cell
    bad = result.status.measured and result.status is not Status.PASS
    href = f"#{anchor(result.own, result.status)}" if bad else ""
    return Square(
        letter=look.letter,
        css=look.css,
        word=look.short,
        note=_note(result),
        label=f"{cell.scenario}, {cell.variant}, {words.format_name(format_)}: {look.word}",
        href=href,
        key=route("cell", cell.writer, cell.reader, cell.scenario, cell.variant, cell.format),
    )


def _note(result: Result) -> str:
    own = result.own
    if result.status is Status.REMEDIED:
        return words.line(result.remedy, 60)
    if result.status is Status.DRIFT and own and own.max_abs_error is not None:
        return f"off by {own.max_abs_error:.2g}"
    return words.line(own.exception, 60) if own else ""


def overview(run: Run, table: analysis.Table) -> Overview:
    """Return the matrix of all pairs, oldest first, with the generations of Keras as bands."""
    pairs = {(row["saved_with"], row["loaded_with"]): row for row in analysis.rows(analysis.overview(table))}
    reports = run.environments
    edges = _edges(reports)
    heads = tuple(_head(report, edges) for report in reports)
    return Overview(
        bands=tuple(_bands(reports)),
        heads=heads,
        rows=tuple(
            OverviewRow(head=head, squares=tuple(_pair_square(writer, reader, pairs, edges) for reader in reports))
            for head, writer in zip(heads, reports, strict=True)
        ),
    )


def generation(report: EnvironmentReport) -> str:
    """Return `Keras 2` or `Keras 3`: as measured, or as pinned where nothing could be measured; never a guess."""
    if not report.keras and not report.environment.lock:
        return "Keras not known"
    return f"Keras {words.line(report.keras, 20).split('.')[0] or report.environment.generation}"


def _bands(reports: Sequence[EnvironmentReport]) -> Iterator[Head]:
    for name, members in groupby(reports, key=generation):
        yield Head(id=name, note="", css="edge", span=len(list(members)))


def _edges(reports: Sequence[EnvironmentReport]) -> frozenset[str]:
    """The first environment of each generation but the oldest: a line is drawn before it."""
    firsts = [next(members).environment.id for _, members in groupby(reports, key=generation)]
    return frozenset(firsts[1:])


def _head(report: EnvironmentReport, edges: frozenset[str]) -> Head:
    name = report.environment.id
    return Head(id=words.line(name, 60), note=keras(report), css="edge" if name in edges else "", key=name)


def _pair_square(
    writer: EnvironmentReport,
    reader: EnvironmentReport,
    pairs: Mapping[tuple[str, str], Any],
    edges: frozenset[str],
) -> Square:
    old, new = writer.environment.id, reader.environment.id
    place = ("edge " if new in edges else "") + ("below " if old in edges else "") + ("own " if old == new else "")
    row = pairs.get((old, new))
    if row is None:
        label = f"saved with {old}, loaded in {new}: not part of this run"
        return Square(letter="\N{EN DASH}", css=place + "s-absent", word="", note="", label=label, href="", key="")
    look = words.letter(Status(row["worst"]))
    open_ends = row["E"] + row["."] if row["measured"] else 0
    notes = (f"{row['P']} as is" if row["R"] else "", f"+{open_ends} ?" if open_ends else "")
    return Square(
        letter=look.letter,
        css=place + look.css,
        word=f"{row['works']}/{row['measured']}" if row["measured"] else f"{row['total']}",
        note=" ".join(filter(None, notes)),
        label=_pair_label(old, new, row),
        href=route("pair", old, new),
        key="",
    )


def _pair_label(old: str, new: str, row: Mapping[str, Any]) -> str:
    said = [f"{row[str(status)]} {words.letter(status).word}" for status in words.ORDER if row[str(status)]]
    coverage = f"{row['measured']} of {row['total']} cells measured"
    return f"saved with {old}, loaded in {new}: {coverage}; {', '.join(said)}"
