"""The difference of two runs: as lines for a terminal, and as JSON for a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from .. import diff
from ..diff import Change, Kind
from ..model import Cell, Status
from ..results import Result, Run
from . import editions, words

SHOWN = 20
_SAID = {
    Kind.REGRESSED: "REGRESSED: worked, and does not any more",
    Kind.REPAIRED: "REPAIRED: did not work, and does",
    Kind.FLAKY: "FLAKY: another letter, although all that decides it is the same",
    Kind.CHANGED: "CHANGED: another letter, neither better nor worse",
    Kind.NEW: "NEW: nothing was measured before",
    Kind.GONE: "GONE: nothing is measured any more",
}


def text(before: Run, now: Run, changes: Mapping[Cell, Change], *, shown: int = SHOWN) -> str:
    """Return what became of the cells, as plain text: the first of each kind by name, the others as a number."""
    results = {one.cell: one for one in now.results}
    lines = [f"{words.line(before.id, 80)} -> {words.line(now.id, 80)}: {diff.summed(diff.counts(changes.values()))}"]
    for kind, said in _SAID.items():
        cells = [cell for cell, change in changes.items() if change.kind is kind]
        if not cells:
            continue
        lines += ["", f"{said} ({len(cells):,})"]
        for cell in cells[:shown]:
            lines += _cell(cell, changes[cell], results.get(cell))
        lines += [f"  and {len(cells) - shown:,} more: --json has them all"] if len(cells) > shown else []
    return "\n".join(lines)


def _cell(cell: Cell, change: Change, result: Result | None) -> Iterator[str]:
    since = f"  may be due to: {', '.join(change.since)}" if change.since else ""
    yield f"  {_letter(change.before)} -> {_letter(change.now)}  {words.line(cell.id, 200)}{since}"
    own = result.own if result else None
    if own is not None and change.kind is Kind.REGRESSED and (own.exception or own.message):
        yield f"          {words.line(f'{own.exception}: {own.message}'.removeprefix(': '), 160)}"


def _letter(status: Status | None) -> str:
    return "-" if status is None else str(status)


def machine(before: Run, now: Run, changes: Mapping[Cell, Change]) -> str:
    """Return the same as JSON: the counts, and every cell that is not the same."""
    told = {
        "schema": editions.DIFF,
        "before": before.id,
        "now": now.id,
        "counts": {str(kind): number for kind, number in diff.counts(changes.values()).items()},
        "cells": [
            {
                "cell": cell.id,
                "kind": str(change.kind),
                "before": change.before and str(change.before),
                "now": change.now and str(change.now),
                "since": list(change.since),
            }
            for cell, change in changes.items()
            if change.kind is not Kind.SAME
        ],
    }
    return json.dumps(told, indent=1)
