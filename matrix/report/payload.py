"""All cells of a run as columns, for the script of the page: everything that repeats stands there once."""

from __future__ import annotations

import base64
import gzip
import json
import math
import shlex
from collections.abc import Sequence
from functools import cache
from typing import Any

from ..diagnosis import causes
from ..model import Format, Status
from ..results import EnvironmentReport, Run
from . import programs, words
from .answer import keras, version
from .baseline import KINDS, Baseline
from .endings import Endings, Numbered
from .reasons import anchor
from .tables import generation

PLAIN = 200_000  # bytes; a larger payload is compressed
LEVEL = 4  # of compression: 9 takes ten times as long, for a seventh less
MESSAGE, TRACEBACK = 1_000, 8_000
Ladder = tuple[tuple[int, ...], Status]


def columns(run: Run, endings: Endings, baseline: Baseline | None = None) -> dict[str, Any]:
    """Return the run as columns: one entry per cell, names and texts by their number.

    Args:
        run: what is shown.
        endings: of its attempts.
        baseline: an earlier run. `before` has the letter of each cell there, a space where it had none, and `change`
            what became of it, by its number among `kinds`.
    """
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
        "before": baseline.letters(results) if baseline else "",
        "change": baseline.kinds(results) if baseline else "",
    }
    messages = [texts(words.shown(one, MESSAGE)) for one in endings.messages]
    return {
        **_axes(run, environments, endings),
        **_attempts(run, endings, ladders.values, texts),
        **_repeated(run),
        "baseline": baseline and {"id": words.line(baseline.id, 80), "kinds": KINDS, "gone": baseline.gone()},
        "said": [[messages[one] for one in ones] for ones in said.values],
        "measured": measured.values,
        "measures": [_short(*one) for one in endings.measures],
        "wholes": [[texts(words.line(one, 400)) for one in ones] for _, *ones in endings.wholes],
        "texts": texts.values,
        "cells": cells,
    }


def embedded(packed: dict[str, Any], *, plain: int = PLAIN) -> tuple[str, dict[str, Any] | str]:
    """Return the payload as (`json`, itself), or as (`gzip`, base64) when it is large."""
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
    known = {report.environment.id: _environment(report) for report in run.environments}
    return {
        "focus": list(run.focus),
        "environments": [known.get(name) or [name, *[""] * 7] for name in environments.values],
        "scenarios": [[one.name, words.line(one.title, 160)] for one in run.scenarios],
        "formats": [[str(one), words.format_name(one)] for one in formats],
        "cases": endings.cases,
        "causes": {
            slug: [told.title, told.happened, told.advice, told.links]
            for slug in sorted({slug for _, _, _, slug, _ in endings.wholes if slug})
            if (told := causes.titled(slug))
        },
        "letters": {str(one): _letter(one) for one in words.ORDER},
    }


def _letter(status: Status) -> list[str | list[str]]:
    """Return how a status looks and reads: class, short, word, and the words that follow one cell and many."""
    look = words.letter(status)
    return [look.css, look.short, look.word, [words.spoken(status, 1), words.spoken(status, 2)]]


def _environment(report: EnvironmentReport) -> list[str]:
    """Return what repeats an environment: id, band, Keras, TensorFlow, Python, lock, fingerprint, variables."""
    asked = report.environment
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in asked.variables)
    return [
        *(asked.id, generation(report), keras(report), version(report)),
        *(asked.python, asked.lock, asked.fingerprint if asked.lock else "", variables),
    ]


def _repeated(run: Run) -> dict[str, Any]:
    """Return what repeats cells: scripts of scenarios, programs that save and load, and remedies in words."""
    needed = list(programs.needed(run))
    remedies = {(name, format_): words.remedy(name, format_, 0) for _, format_, name in needed if name}
    return {
        "sources": dict(run.sources),
        "saves": {f"{variant}/{format_}": programs.saving(variant, format_) for variant, format_, _ in needed},
        "loads": {
            "/".join((variant, format_, words.line(name, 400))): programs.loading(variant, format_, name)
            for variant, format_, name in needed
        },
        "files": {str(format_): name for format_, name in programs.FILES.items()},
        "remedies": {
            f"{words.line(name, 400)}/{format_}": [
                *(words.line(said, 400) for said in (one.words, one.needs, one.code)),
            ]
            for (name, format_), one in remedies.items()
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
