"""What `known.toml` and a run say of each other: in lines for people, and as values for a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .. import known
from ..known import Finding, Found, Known
from ..model import Cell
from ..results import Run
from . import words

SHOWN = 20


def lines(run: Run, found: Found, *, shown: int = SHOWN) -> Iterator[str]:
    """Yield a headline and then what is not as expected, one line each; nothing when nothing is known to fail."""
    if not run.known:
        return
    numbers = Counter(one.finding for one in found.values())
    yield f"Known failures: {words.counted(numbers[Finding.EXPECTED], 'cell')} as expected, " + ", ".join(
        f"{numbers[kind]:,} {said}"
        for kind, said in (
            (Finding.OTHER, "for another reason"),
            (Finding.PASSES, "unexpectedly working"),
            (Finding.EXPIRED, "no longer excused"),
        )
    )
    surprises = known.surprises(found)
    yield from (_line(cell, one) for cell, one in list(surprises.items())[:shown])
    if len(surprises) > shown:
        yield f"and {len(surprises) - shown:,} more: see the column `known` of results.csv"
    for entry in known.expired(run):
        yield words.line(f"expired on {entry.expires}, and counts no more: {entry.cells} ({entry.reason})", 400)


def _line(cell: Cell, one: Known) -> str:
    return words.line(f"{one.finding}: {cell.id} ({one.entry.reason}, {one.entry.link})", 400)


def machine(run: Run, found: Found) -> dict[str, Any]:
    """Return the counts, the cells that are not as expected, and each entry with what came of it."""
    numbers = Counter((one.entry, one.finding) for one in found.values())
    return {
        "counts": {str(kind): sum(n for (_, one), n in numbers.items() if one is kind) for kind in Finding},
        "surprises": [
            {"cell": cell.id, "finding": str(one.finding), "entry": run.known.index(one.entry)}
            for cell, one in known.surprises(found).items()
        ],
        "entries": [
            {
                "cells": entry.cells,
                "letters": entry.letters,
                "signature": entry.signature,
                "reason": entry.reason,
                "link": entry.link,
                "expires": entry.expires,
                "expired": entry in known.expired(run),
                "counts": {str(kind): numbers[entry, kind] for kind in Finding},
            }
            for entry in run.known
        ],
    }
