"""What stands behind the matrix: who can write what, the environments, and trouble on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .. import analysis
from ..claims import judged
from ..model import Status
from ..results import EnvironmentReport, Run
from . import words
from .reasons import route
from .tables import formats


@dataclass(frozen=True, kw_only=True)
class Range:
    """Since when and until when a format can be written."""

    label: str
    yes: str
    no: str
    unknown: str
    why: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EnvironmentRow:
    """What became of one environment, and the route to its lock."""

    id: str
    href: str
    state: str
    css: str
    facts: tuple[str, ...]
    fingerprint: str
    error: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class ClaimRow:
    """One piece of advice, what the results say of it, and cells to look at: (name, route)."""

    says: str
    truth: str
    because: str
    cells: tuple[tuple[str, str], ...]


def claims(run: Run, table: analysis.Table) -> tuple[ClaimRow, ...]:
    """Return the advice that circulates, judged by this run."""
    return tuple(
        ClaimRow(
            says=one.claim.says,
            truth=str(one.truth),
            because=one.because,
            cells=tuple((words.line("/".join(names), 160), route("cell", *names)) for names in one.cells),
        )
        for one in judged(table, run.environments)
    )


def ranges(run: Run, table: analysis.Table) -> tuple[Range, ...]:
    """Return since when and until when each format can be written, as the writers themselves said."""
    ids = [report.environment.id for report in run.environments]
    found = {(row["format"], row["saved_with"]): row["offered"] for row in analysis.rows(analysis.offered(table))}
    said: dict[str, dict[str, None]] = {}
    for report in run.environments:
        for format_, why in report.unsupported:
            said.setdefault(str(format_), {})[words.line(why, 160)] = None
    return tuple(
        Range(
            label=words.format_name(format_),
            yes=_spans(ids, [found.get((str(format_), one)) == "yes" for one in ids]) or "by none",
            no=_spans(ids, [found.get((str(format_), one)) == "no" for one in ids]),
            unknown=_spans(ids, [found.get((str(format_), one)) == "unknown" for one in ids]),
            why=tuple(said.get(str(format_), {})),
        )
        for format_ in formats(table)
    )


def _spans(ids: Sequence[str], marks: Sequence[bool]) -> str:
    """Return neighbours as ranges: `tf-2.4 to tf-2.9, tf-2.13`."""
    spans = []
    for mark, members in groupby(zip(ids, marks, strict=True), key=lambda one: one[1]):
        names = [name for name, _ in members]
        if mark:
            spans.append(names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}")
    return ", ".join(spans)


def environments(run: Run) -> tuple[EnvironmentRow, ...]:
    """Return what was asked for, what was found, and what would help where it was not to be had."""
    return tuple(_environment(report) for report in run.environments)


def _environment(report: EnvironmentReport) -> EnvironmentRow:
    asked = report.environment
    variables = ", ".join(f"{name}={value}" for name, value in asked.variables)
    return EnvironmentRow(
        id=words.line(asked.id, 60),
        href=route("env", asked.id),
        state=_state(report),
        css=words.letter(Status.ENVIRONMENT).css if report.error else "plain",
        facts=(
            _found(report.python, asked.python),
            _found(report.tensorflow, asked.tensorflow),
            _found(report.keras, asked.keras or ("in TensorFlow" if asked.lock else "")),
            words.line(report.numpy, 40) or "\N{EN DASH}",
            words.line(report.h5py, 40) or "\N{EN DASH}",
        ),
        fingerprint=("" if not asked.lock else asked.fingerprint)
        + (f" with {words.line(variables, 120)}" if variables else ""),
        error=words.line(report.error, 600),
        remedy=words.line(report.remedy, 300),
    )


def _state(report: EnvironmentReport) -> str:
    asked = report.environment
    if report.error:
        return "E: could not be had"
    if not report.tensorflow:
        return "not used"
    same = report.tensorflow == asked.tensorflow and f"{report.python}.".startswith(f"{asked.python}.")
    return "as asked" if same else f"NOT as asked: Python {asked.python}, TensorFlow {asked.tensorflow}"


def _found(found: str, asked: str) -> str:
    if found:
        return words.line(found, 40)
    return f"asked: {words.line(asked, 40)}" if asked else "\N{EN DASH}"


def own_trouble(table: analysis.Table) -> tuple[tuple[str, str], ...]:
    """Return, per environment, what it cannot do with the files it saved itself."""
    found: dict[str, list[str]] = {}
    for row in analysis.rows(analysis.own_trouble(table)):
        word = words.letter(Status(row["status"])).short
        said = f"{row['status']} {row['scenario']}/{row['variant']}/{row['format']} ({word})"
        found.setdefault(row["saved_with"], []).append(said)
    return tuple((name, _listed(cells)) for name, cells in found.items())


def _listed(parts: Sequence[str], limit: int = 12) -> str:
    rest = f", and {len(parts) - limit} more" if len(parts) > limit else ""
    return ", ".join(parts[:limit]) + rest
