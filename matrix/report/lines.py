"""`results.jsonl`: one line of JSON for each cell, its fields by their names.

The first line holds `texts`, each text of the run once. In all others `exception`, `message`, `signature`,
`traceback` and `reason` are places in that list, the letters, ids, stages, rungs and losses stand in the clear, and
a field that has nothing to say is left out. (A traceback is the digest under which `run.json` has its frames.) The
first edition has no such line: there every cell has all its fields with all their text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cache
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from sys import intern
from typing import Any

from ..model import Cell, Format, Stage, Status, Variant
from ..results import Attempt, Result, Run
from . import editions
from .endings import Endings, Numbered, Whole
from .stored import plain, real

_AT_ONCE = 1_000  # lines: enough to be quick, and few enough to be small
_LONG = ("exception", "message", "signature", "traceback")
_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_REAL = ("seconds", "max_abs_error", "max_rel_error")
_FIELDS = frozenset(field.name for field in fields(Result))
_STATUSES = {str(one): one for one in Status}
_STAGES = {str(one): one for one in Stage}
_VARIANTS = {str(one): one for one in Variant}
_FORMATS = {str(one): one for one in Format}


def written(run: Run, endings: Endings) -> Iterator[str]:
    """Yield the file, some lines at a time. What many lines share is put into words once."""
    texts = Numbered(endings.messages)
    starts = [_start(one, texts) for one in endings.examples]
    said = [
        f',"message":{number},"seconds":' if text else ',"seconds":' for number, text in enumerate(endings.messages)
    ]
    cases = [_case(*one) for one in endings.cases]
    wholes = [_whole(one, texts) for one in endings.wholes]
    measured = [_measured(*one) for one in endings.measures]
    spell = repr if all(map(isfinite, endings.seconds)) else _number
    attempts = (
        f"{starts[ended]}{said[message]}{seconds}{measured[measure]}"
        for ended, message, seconds, measure in zip(
            endings.ended, endings.said, map(spell, endings.seconds), endings.measured, strict=True
        )
    )
    yield _json({"schema": editions.RESULTS, "texts": texts.values}) + "\n"
    cells = (
        _line(result, cases[case] + wholes[whole], attempts, size)
        for result, case, whole, size in zip(run.results, endings.case, endings.whole, endings.sizes, strict=True)
    )
    while block := "".join(islice(cells, _AT_ONCE)):
        yield block


def _line(result: Result, rest: str, attempts: Iterator[str], size: int) -> str:
    """Return a cell as a line, the next `size` attempts in it: the save that failed comes last."""
    told = _pair(result.cell.writer, result.cell.reader) + rest
    count = size if result.writer_error is None else size - 1
    if count:
        told += f',"attempts":[{",".join(islice(attempts, count))}]'
    return f"{told}}}\n" if count == size else f'{told},"writer_error":{next(attempts)}}}\n'


@cache
def _pair(writer: str, reader: str) -> str:
    return f'{{"cell":{{"writer":{_json(writer)},"reader":{_json(reader)}'


def _case(scenario: str, variant: Variant, format_: Format) -> str:
    return f',"scenario":{_json(scenario)},"variant":"{variant}","format":"{format_}"}}'


def _whole(whole: Whole, texts: Numbered[str]) -> str:
    """Return what a line says of its cell as a whole."""
    status, reason, *others = whole
    said = {"status": status, **({"reason": texts(reason)} if reason else {})}
    named = zip(("container", "cause", "remedy"), others, strict=True)
    return "," + _json({**said, **{name: text for name, text in named if text}})[1:-1]


def _start(one: Attempt, texts: Numbered[str]) -> str:
    """Return the beginning of an attempt: all but its message and its numbers."""
    long = (("exception", one.exception), ("signature", one.signature), ("traceback", one.traceback))
    said = "".join([f',"{name}":{texts(text)}' for name, text in long if text])
    said += f',"lost":{_json(one.lost)}' if one.lost else ""
    return f'{{"rung":{_json(one.rung)},"status":"{one.status}","stage":"{one.stage}"{said}'


def _measured(absolute: float | None, relative: float | None, flips: int | None) -> str:
    """Return the end of an attempt: its differences, where outputs were compared."""
    found = {"max_abs_error": absolute, "max_rel_error": relative, "argmax_flips": flips}
    said = {name: plain(number) for name, number in found.items() if number is not None}
    return f",{_json(said)[1:]}" if said else "}"


def _number(number: float) -> str:
    return _json(plain(number))


def read(path: Path) -> Iterator[Result]:
    """Yield the results of a file of this edition or of the first one.

    Raises:
        UsageError: it is of a later edition.
        AttributeError, LookupError, TypeError, ValueError: no matrix wrote it.
    """
    with path.open(encoding="utf-8") as lines:
        first = next(lines, "")
        head = json.loads(first)
        if "cell" in head:
            yield from (_result(*editions.line(json.loads(line))) for line in chain([first], lines))
        else:
            editions.results(head, path)
            yield from (_result(json.loads(line), head["texts"]) for line in lines)


def _result(stored: dict[str, Any], texts: Sequence[str]) -> Result:
    unknown = sorted(stored.keys() - _FIELDS)
    if unknown:
        raise ValueError(f"Result has no {unknown[0]!r}")
    cell, error = stored["cell"], stored.get("writer_error")
    return Result(
        cell=Cell(
            writer=intern(cell["writer"]),
            reader=intern(cell["reader"]),
            scenario=intern(cell["scenario"]),
            variant=_VARIANTS[cell["variant"]],
            format=_FORMATS[cell["format"]],
        ),
        status=_STATUSES[stored["status"]],
        attempts=tuple([_read(one, texts) for one in stored.get("attempts", ())]),
        writer_error=_read(error, texts) if error else None,
        reason=texts[stored["reason"]] if "reason" in stored else "",
        **{name: intern(stored.get(name, "")) for name in ("remedy", "container", "cause")},
    )


def _read(told: dict[str, Any], texts: Sequence[str]) -> Attempt:
    for name in _LONG:
        if name in told:
            told[name] = texts[told[name]]
    for name in _REAL:
        if name in told:
            told[name] = real(told[name])
    told |= {"rung": intern(told["rung"]), "status": _STATUSES[told["status"]], "stage": _STAGES[told["stage"]]}
    return Attempt(**told)
