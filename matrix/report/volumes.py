"""A run that is too large for one file: an index in which every cell has its letter, and a file for each scenario."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..model import Status
from ..results import Attempt, Result, Run
from . import words

CELLS = 100_000  # more of them do not go into one file
BYTES = 10_000_000  # nor does a page that would be larger


@dataclass(frozen=True, kw_only=True)
class Volume:
    """What one file holds: all cells of a scenario, with all that is known about them."""

    scenario: str
    file: str
    run: Run


def names(run: Run) -> dict[str, str]:
    """Return the file of each scenario; its name is made from that of the scenario alone."""
    return {one.name: _file(one.name) for one in run.scenarios}


def _file(scenario: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", scenario)[:60]
    return f"scenario-{plain}-{hashlib.sha256(scenario.encode('utf-8', 'replace')).hexdigest()[:6]}.html"


def volumes(run: Run) -> Iterator[Volume]:
    """Yield the run scenario by scenario, those without any cell left out."""
    found: dict[str, list[Result]] = {}
    for result in run.results:
        found.setdefault(result.cell.scenario, []).append(result)
    for scenario in run.scenarios:
        if scenario.name in found:
            yield Volume(
                scenario=scenario.name,
                file=_file(scenario.name),
                run=_part(run, scenario.name, tuple(found[scenario.name])),
            )


def _part(run: Run, name: str, results: tuple[Result, ...]) -> Run:
    tried = [one for result in results for one in (*result.attempts, result.writer_error) if one]
    used = {one.traceback for one in tried}
    said = f"This file holds the scenario {words.line(name, 80)} alone. The answer of the whole run is in index.html."
    return replace(
        run,
        scenarios=tuple(one for one in run.scenarios if one.name == name),
        results=results,
        tracebacks=tuple(one for one in run.tracebacks if one[0] in used),
        sources=tuple(one for one in run.sources if one[0] == name),
        note=" ".join(filter(None, [said, run.note])),
    )


def index(run: Run) -> Run:
    """Return all cells of a run, each with its letter, and with how its own way ended instead of all that was tried."""
    return replace(run, results=tuple(map(_slim, run.results)), tracebacks=(), sources=())


def _slim(result: Result) -> Result:
    error = result.writer_error
    return replace(
        result, attempts=tuple(map(_short, result.attempts[:1])), writer_error=_short(error) if error else None
    )


def _short(one: Attempt) -> Attempt:
    """Return what names the reason of an attempt; how far it was off stays where that is all there is to say."""
    off = one.max_abs_error if one.status is Status.DRIFT else None
    return Attempt(
        rung=one.rung,
        status=one.status,
        stage=one.stage,
        exception=one.exception,
        signature=one.signature,
        max_abs_error=off,
    )
