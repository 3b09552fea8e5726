"""All cells of a run as columns, for the script of the page: everything that repeats stands there once."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from ..diagnosis import causes
from ..model import Format, Status
from ..results import Run
from . import words
from .endings import Endings, Numbered
from .reasons import anchor
from .tables import generation

PLAIN = 200_000  # bytes; a larger payload is compressed
LEVEL = 4  # of compression: 9 takes ten times as long, for a seventh less
MESSAGE, TRACEBACK = 1_000, 8_000
Ladder = tuple[tuple[int, ...], Status]


def columns(run: Run, endings: Endings) -> dict[str, Any]:
    """Return the run as columns: one entry per cell, names and texts by their number."""
    texts: Numbered[str] = Numbered()
    environments = Numbered([report.environment.id for report in run.environments])
    ladders: Numbered[Ladder] = Numbered()
    said: Numbered[tuple[int, ...]] = Numbered()
    measured: Numbered[tuple[int, ...]] = Numbered()
    results = run.results
    cells = {
        "writer": environments.of([one.cell.writer for one in results]),
        "reader": environments.of([one.cell.reader for one in results]),
        "case": endings.case,
        "status": "".join([one.status for one in results]),
        "ladder": ladders.of(zip(endings.by_cell(endings.ended), [one.status for one in results], strict=True)),
        "said": said.of(endings.by_cell(endings.said)),
        "measured": measured.of(endings.by_cell(endings.measured)),
        "hundredths": list(endings.by_cell([round(100 * seconds) for seconds in endings.seconds])),
        "whole": endings.whole,
    }
    messages = [texts(words.shown(one, MESSAGE)) for one in endings.messages]
    return {
        **_axes(run, environments, endings),
        **_attempts(run, endings, ladders.values, texts),
        "said": [[messages[one] for one in ones] for ones in said.values],
        "measured": measured.values,
        "measures": [_short(*one) for one in endings.measures],
        "wholes": [[texts(words.line(one, 400)) for one in ones] for _, *ones in endings.wholes],
        "texts": texts.values,
        "cells": cells,
    }


def embedded(run: Run, endings: Endings | None = None, *, plain: int = PLAIN) -> tuple[str, dict[str, Any] | str]:
    """Return the payload as (`json`, itself), or as (`gzip`, base64) when it is large."""
    packed = columns(run, endings or Endings(run))
    text = json.dumps(packed, separators=(",", ":"), allow_nan=False, check_circular=False)
    if len(text) <= plain:
        return "json", packed
    return "gzip", base64.b64encode(gzip.compress(text.encode(), LEVEL, mtime=0)).decode()


def middle_cut(text: str, limit: int = TRACEBACK) -> str:
    """Return a traceback with its middle cut out when it is long: both ends tell more."""
    if len(text) <= limit:
        return words.shown(text, limit)
    return f"{words.shown(text[: limit // 4], limit)}\n[...]\n{words.shown(text[-limit * 3 // 4 :], limit)}"


def _axes(run: Run, environments: Numbered[str], endings: Endings) -> dict[str, Any]:
    formats = sorted({format_ for _, _, format_ in endings.cases}, key=list(Format).index)
    bands = {report.environment.id: generation(report) for report in run.environments}
    return {
        "focus": list(run.focus),
        "environments": [[name, bands.get(name, "")] for name in environments.values],
        "scenarios": [[one.name, words.line(one.title, 160)] for one in run.scenarios],
        "formats": [[str(one), words.format_name(one)] for one in formats],
        "cases": endings.cases,
        "causes": {slug: known.title for _, _, _, slug, _ in endings.wholes if slug and (known := causes.titled(slug))},
        "letters": {
            str(one): [words.letter(one).css, words.letter(one).short, words.letter(one).word] for one in words.ORDER
        },
    }


def _attempts(run: Run, endings: Endings, ladders: Sequence[Ladder], texts: Numbered[str]) -> dict[str, Any]:
    """Return all that was tried without messages and numbers: rung, letter, stage, exception, signature, why, lost."""
    places = {key: place for place, (key, _) in enumerate(run.tracebacks)}
    attempts: Numbered[tuple[int, Status | None]] = Numbered()
    silent = [not one.exception for one in endings.examples]  # then the letter of the cell is part of the reason
    climbed = [[attempts((one, status if silent[one] else None)) for one in ended] for ended, status in ladders]
    line = cache(lambda said, limit: texts(words.line(said, limit)))
    described = [
        (
            line(one.rung, 80),
            one.status,
            one.stage,
            line(one.exception, 80),
            line(words.without(one.signature, one.exception), 300),
            places.get(one.traceback, -1),
            texts(anchor(one, status or one.status)),
            line(one.lost, 200),
        )
        for one, status in ((endings.examples[number], status) for number, status in attempts.values)
    ]
    return {
        "attempts": described,
        "ladders": climbed,
        "tracebacks": [middle_cut(text) for _, text in run.tracebacks],
    }


def _short(absolute: float | None, relative: float | None, flips: int | None) -> list[float | str | None]:
    """Return the largest absolute and relative difference and the flipped rows; nothing where nothing was compared."""
    if absolute is None and relative is None and flips is None:
        return []
    return [_rounded(absolute), _rounded(relative), flips]


def _rounded(number: float | None) -> float | str | None:
    if number is None:
        return None
    return float(f"{number:.3g}") if math.isfinite(number) else str(number)
