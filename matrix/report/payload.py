"""All cells of a run as columns, for the script of the page: everything that repeats stands there once."""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

from ..model import Status
from ..results import Attempt, Run
from . import words
from .reasons import anchor
from .tables import formats, generation

PLAIN = 200_000  # bytes; a larger payload is compressed
MESSAGE, TRACEBACK = 1_000, 8_000


class Interned:
    """Values in the order in which they were first seen, each with its number."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        """Return the number of a value, a new one when it was not seen before."""
        return self.numbers.setdefault(value, len(self.numbers))

    @property
    def values(self) -> list[Any]:
        """What the numbers stand for."""
        return list(self.numbers)


def columns(run: Run) -> dict[str, Any]:
    """Return the run as columns: one entry per cell, names and texts by their number."""
    texts, attempts, ladders, cases = Interned(), Interned(), Interned(), Interned()
    environments = Interned()
    for report in run.environments:
        environments(report.environment.id)
    cells: dict[str, list[Any]] = {name: [] for name in _CELL}
    for result in run.results:
        tried = result.attempts or ((result.writer_error,) if result.writer_error else ())
        cells["writer"].append(environments(result.cell.writer))
        cells["reader"].append(environments(result.cell.reader))
        cells["case"].append(cases((result.cell.scenario, str(result.cell.variant), str(result.cell.format))))
        cells["status"].append(str(result.status))
        cells["ladder"].append(ladders(tuple(attempts(_attempt(one, result.status, texts)) for one in tried)))
        cells["figures"].append([_figures(one) for one in tried])
        for name in ("reason", "container", "cause", "remedy"):
            cells[name].append(texts(words.line(getattr(result, name), 400)))
    tracebacks = dict(run.tracebacks)
    return {
        **_axes(run, environments),
        "cases": cases.values,
        "texts": texts.values,
        "attempts": [list(one) for one in attempts.values],
        "ladders": [list(one) for one in ladders.values],
        "tracebacks": {key: middle_cut(tracebacks[key]) for key in tracebacks},
        "cells": {**cells, "status": "".join(cells["status"])},
    }


_CELL = ("writer", "reader", "case", "status", "ladder", "figures", "reason", "container", "cause", "remedy")


def embedded(run: Run, *, plain: int = PLAIN) -> tuple[str, dict[str, Any] | str]:
    """Return the payload as (`json`, itself), or as (`gzip`, base64) when it is large."""
    packed = columns(run)
    text = json.dumps(packed, separators=(",", ":"), allow_nan=False)
    if len(text) <= plain:
        return "json", packed
    return "gzip", base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def middle_cut(text: str, limit: int = TRACEBACK) -> str:
    """Return a traceback with its middle cut out when it is long: both ends tell more."""
    if len(text) <= limit:
        return words.shown(text, limit)
    return f"{words.shown(text[: limit // 4], limit)}\n[...]\n{words.shown(text[-limit * 3 // 4 :], limit)}"


def _axes(run: Run, environments: Interned) -> dict[str, Any]:
    bands = {report.environment.id: generation(report) for report in run.environments}
    return {
        "focus": list(run.focus),
        "environments": [[name, bands.get(name, "")] for name in environments.values],
        "scenarios": [[one.name, words.line(one.title, 160)] for one in run.scenarios],
        "formats": [[str(one), words.format_name(one)] for one in formats(run)],
        "letters": {
            str(one): [words.letter(one).css, words.letter(one).short, words.letter(one).word] for one in words.ORDER
        },
    }


def _attempt(one: Attempt, status: Status, texts: Interned) -> tuple[Any, ...]:
    """All that is no number: rung, letter, stage, exception, message, signature, traceback, explanation."""
    return (
        texts(words.line(one.rung, 80)),
        str(one.status),
        str(one.stage),
        texts(words.line(one.exception, 80)),
        texts(words.shown(one.message, MESSAGE)),
        texts(words.line(words.without(one.signature, one.exception))),
        one.traceback,
        anchor(one, status),
    )


def _figures(one: Attempt) -> list[float | int | str | None]:
    """Seconds; and where outputs were compared, largest absolute and relative difference and flipped rows."""
    figures: list[float | int | str | None] = [round(one.seconds, 2)]
    if one.max_abs_error is not None or one.max_rel_error is not None or one.argmax_flips is not None:
        figures += [_short(one.max_abs_error), _short(one.max_rel_error), one.argmax_flips]
    return figures


def _short(number: float | None) -> float | str | None:
    if number is None:
        return None
    return float(f"{number:.3g}") if math.isfinite(number) else str(number)
