"""The answer for the focus pair: computed once, said by the page, the summary and `verdict.json`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from .. import analysis
from ..model import Format
from ..results import EnvironmentReport, Run
from . import words
from .advice import Fact, Step, facts, steps
from .reasons import Reason, Share, gaps, reasons, share, shares


class Verdict(StrEnum):
    """Whether one can go from A to B."""

    YES = "yes"  # everything that was measured works as it is
    CHANGES = "yes-with-changes"  # everything works, some of it after a change that was tested
    LOSS = "not-without-loss"  # something that works in A does not work in B
    NO = "no"  # nothing works in B
    UNKNOWN = "unknown"  # nothing was measured, or nothing worked in A to begin with


@dataclass(frozen=True, kw_only=True)
class FormatRow:
    """One format of the pair: its counts in the order of the letters, and where its trouble starts."""

    name: str
    label: str
    numbers: tuple[Share, ...]
    measured: int
    total: int
    first_change: str
    first_bad: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """All that is said about the focus pair."""

    verdict: Verdict
    headline: str
    question: str
    writer: EnvironmentReport
    reader: EnvironmentReport
    shares: tuple[Share, ...]
    uncounted: tuple[Share, ...]
    measured: int
    total: int
    notes: tuple[str, ...]
    formats: tuple[FormatRow, ...]
    totals: tuple[Share, ...]
    reasons: tuple[Reason, ...]
    gaps: tuple[Share, ...]
    rollback: str
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]


def about(run: Run, table: analysis.Table) -> Answer:
    """Return what the cells of the focus pair say."""
    old, new = run.focus
    cells = analysis.pair(table, old, new)
    (sums,) = analysis.rows(analysis.counts(cells))
    by_format = analysis.rows(analysis.counts(cells, ["format"]))
    rows = analysis.rows(cells)
    verdict = _verdict(sums, rows)
    reports = {report.environment.id: report for report in run.environments}
    return Answer(
        verdict=verdict,
        headline=_headline(verdict, certain=sums["E"] + sums["."] == 0),
        question=_question(run, reports[old], reports[new]),
        writer=reports[old],
        reader=reports[new],
        shares=_parts(sums),
        uncounted=shares(sums, words.ORDER[6:]),
        measured=sums["measured"],
        total=sums["total"],
        notes=tuple(_notes(rows, old, new)),
        formats=_formats(table, by_format, old),
        totals=tuple(share(sums, status) for status in words.ORDER),
        reasons=reasons(run, cells),
        gaps=gaps(cells),
        rollback=_rollback(table, old, new),
        facts=facts(run, table, by_format),
        steps=steps(run),
    )


def version(report: EnvironmentReport) -> str:
    """Return the full TensorFlow version that was found, or else the one that was asked for."""
    return words.line(report.tensorflow or report.environment.tensorflow, 40)


def keras(report: EnvironmentReport) -> str:
    """Return the Keras in an environment, in words."""
    found = report.keras or report.environment.keras
    if found:
        return f"Keras {words.line(found, 40)}"
    return "Keras 2 of its own tree" if report.environment.lock else "Keras not known"  # nothing was ever chosen for it


def _verdict(sums: dict[str, int], cells: list[dict[str, Any]]) -> Verdict:
    lost = [cell for cell in cells if cell["status"] in analysis.BROKEN and cell["home"] not in set(analysis.BROKEN)]
    if not sums["measured"] or not (lost or sums["works"]):
        return Verdict.UNKNOWN
    if not sums["works"]:
        return Verdict.NO
    if lost:
        return Verdict.LOSS
    return Verdict.CHANGES if sums["R"] else Verdict.YES


def _headline(verdict: Verdict, *, certain: bool) -> str:
    limit = "" if certain else ", as far as it was measured"
    match verdict:
        case Verdict.YES:
            return f"Yes{limit}."
        case Verdict.CHANGES:
            return f"Yes, with changes{limit}."
        case Verdict.LOSS:
            return "Not without loss."
        case Verdict.NO:
            return "No."
        case Verdict.UNKNOWN:
            return "Unknown."
        case never:
            assert_never(never)


def _question(run: Run, old: EnvironmentReport, new: EnvironmentReport) -> str:
    ids = [report.environment.id for report in run.environments]
    a, b = version(old), version(new)
    if old is new:
        return f"Does TensorFlow {a} open what it saved itself?"
    if a == b:
        return f"Can I move from {words.line(old.environment.id, 60)} \N{RIGHTWARDS ARROW} {new.environment.id}?"
    forward = ids.index(old.environment.id) < ids.index(new.environment.id)
    verb = "upgrade TensorFlow" if forward else "go back from TensorFlow"
    return f"Can I {verb} {a} \N{RIGHTWARDS ARROW} {b}?"


def _parts(sums: dict[str, int]) -> tuple[Share, ...]:
    """Return what was measured: the four that everybody asks for, and what is rare where it happened."""
    always, rare = words.ORDER[:4], words.ORDER[4:6]
    return (*(share(sums, status) for status in always), *shares(sums, rare))


def _notes(cells: list[dict[str, Any]], old: str, new: str) -> Iterable[str]:
    works: dict[str, bool] = {}
    for cell in cells:
        if cell["status"] in analysis.MEASURED:
            works[cell["scenario"]] = works.get(cell["scenario"], False) or cell["status"] in "PR"
    if works:
        scenarios = words.counted(len(works), "scenario")
        verb = "gets" if len(works) == 1 else "get"
        yield f"{sum(works.values())} of {scenarios} {verb} across in at least one file format."
    broken = [cell for cell in cells if cell["status"] in analysis.BROKEN]
    before = [cell for cell in broken if cell["home"] in set(analysis.BROKEN)]
    if before and old != new:
        verb = "does" if len(before) == 1 else "do"
        yield (
            f"Of the {words.counted(len(broken), 'cell')} without success in {new}, {len(before)} {verb} not "
            f"work in {old} itself either: not the doing of this change of versions."
        )
    unknown = [cell for cell in broken if cell["home"] in {"", "E", "."}]
    if unknown and old != new:
        cells_said = words.counted(len(unknown), "cell")
        yield f"For {cells_said} it is not known whether {old} can read its own file."


def _formats(table: analysis.Table, rows: list[dict[str, Any]], old: str) -> tuple[FormatRow, ...]:
    change, bad = (_where(analysis.firsts(table, old, letters)) for letters in ("R" + analysis.BROKEN, analysis.BROKEN))
    return tuple(
        FormatRow(
            name=row["format"],
            label=words.format_name(Format(row["format"])),
            numbers=tuple(share(row, status) for status in words.ORDER),
            measured=row["measured"],
            total=row["total"],
            first_change=change.get(row["format"], ""),
            first_bad=bad.get(row["format"], ""),
        )
        for row in rows
    )


def _where(firsts: analysis.Table) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for row in analysis.rows(firsts):
        found.setdefault(row["format"], []).append(f"{row['loaded_with']} ({row['cells']})")
    return {name: ", ".join(places) for name, places in found.items()}


def _rollback(table: analysis.Table, old: str, new: str) -> str:
    if old == new:
        return ""
    (row,) = analysis.rows(analysis.rollback(table, new, old))
    if not row["files"]:
        return f"Not measured: no file saved by {new} was tried in {old}."
    opened = row["as_it_is"] + row["changed"]
    sentence = f"Of {words.counted(row['files'], 'file')} saved by {new}, {opened} open in {old}"
    return f"{sentence} ({row['changed']} of them only after a tested change)." if row["changed"] else f"{sentence}."
