"""What the whole run says, whichever pair one asks about: by scenario, and by cause."""

from __future__ import annotations

from dataclasses import dataclass

from .. import analysis
from ..results import Run
from . import words
from .reasons import Share, Why, explained, route, shares


@dataclass(frozen=True, kw_only=True)
class ScenarioRow:
    """One scenario: its counts over all pairs, and the route to its own matrix."""

    title: str
    name: str
    href: str
    numbers: tuple[Share, ...]
    measured: int
    total: int


@dataclass(frozen=True, kw_only=True)
class CauseRow:
    """One cause: how many cells of how many pairs it explains, and the route to all of them."""

    why: Why
    href: str
    cells: int
    pairs: int
    letters: tuple[Share, ...]


def scenarios(run: Run, table: analysis.Table) -> tuple[ScenarioRow, ...]:
    """Return the scenarios of a run with their counts."""
    found = {row["scenario"]: row for row in analysis.rows(analysis.counts(table, ["scenario"]))}
    return tuple(
        ScenarioRow(
            title=words.line(one.title, 160),
            name=words.line(one.name, 80),
            href=route("scenario", one.name),
            numbers=shares(found[one.name], words.ORDER),
            measured=found[one.name]["measured"],
            total=found[one.name]["total"],
        )
        for one in run.scenarios
        if one.name in found
    )


def causes(table: analysis.Table) -> tuple[CauseRow, ...]:
    """Return why cells of the whole run do not simply work, or could not be saved, the most frequent cause first."""
    return tuple(
        CauseRow(
            why=explained(row["cause"]),
            href=route("cause", words.line(row["cause"], 400) or "unknown"),
            cells=row["total"],
            pairs=row["pairs"],
            letters=shares(row, words.ORDER),
        )
        for row in analysis.rows(analysis.causes(table))
    )
