"""`junit.xml`: the run as test results, a suite for each pair and a case for each cell, for whatever reads such files.

Names are those of the cells, so a case is the same one from run to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import assert_never

from ..known import NOTHING, Finding, Found, Known
from ..model import Status
from ..results import Result, Run
from . import words

_KINDS = ("failure", "error", "skipped")
_SUITE = ' name="{}" tests="{}" failures="{}" errors="{}" skipped="{}" time="{:.3f}"'


def written(run: Run, found: Found = NOTHING) -> Iterator[str]:
    """Yield the file, some lines at a time.

    What works passes, after a change too. What fails is a failure unless it is known; so is what works although
    `known.toml` says otherwise. A broken environment is an error, and what was never tried is skipped, with the reason.

    Args:
        run: what is told.
        found: what `known.toml` says of its cells.
    """
    told = [(one, _ended(one, found.get(one.cell))) for one in run.results]
    pairs = sorted(told, key=lambda item: (item[0].cell.writer, item[0].cell.reader))  # stable: else in their order
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites{_SUITE.format('matrix', *_numbers(told))}>\n"
    for (writer, reader), cells in groupby(pairs, key=lambda item: (item[0].cell.writer, item[0].cell.reader)):
        suite = list(cells)
        name = _inline(f"{writer}/{reader}", 200)
        attributes = f'{_SUITE.format(name, *_numbers(suite))} timestamp="{_inline(run.started[:19], 19)}"'
        yield f"  <testsuite{attributes}>\n{''.join(_case(name, *item) for item in suite)}  </testsuite>\n"
    yield "</testsuites>\n"


def _numbers(told: Iterable[tuple[Result, tuple[str, str]]]) -> tuple[float, ...]:
    cells = list(told)
    kinds = Counter(kind for _, (kind, _) in cells)
    return len(cells), *(kinds[kind] for kind in _KINDS), sum(one.seconds for one, _ in cells)


def _case(suite: str, result: Result, ended: tuple[str, str]) -> str:
    kind, why = ended
    case = f'    <testcase classname="{suite}" name="{_inline(result.cell.id, 300)}" time="{result.seconds:.3f}"'
    if not kind:
        return f"{case}><system-out>{why}</system-out></testcase>\n" if why else f"{case}/>\n"
    said = f'<{kind} message="{why}"'
    if kind == "skipped":
        return f"{case}>{said}/></testcase>\n"
    own = result.own
    name = own.exception if own is not None and own.exception else result.status.word
    return f'{case}>{said} type="{_inline(name, 80)}">{_details(result)}</{kind}></testcase>\n'


def _ended(result: Result, known: Known | None) -> tuple[str, str]:
    """Return the element that says how a case ended, empty where it passed, and what it says."""
    why = _inline(_why(result), 300)
    if known is None:
        return _kind(result.status), why
    excuse = _inline(f"known.toml, {known.finding}: {known.entry.reason} ({known.entry.link})", 300)
    if known.finding is Finding.EXPECTED:
        return "skipped", excuse
    return "failure", excuse if known.finding is Finding.PASSES else f"{why} [{excuse}]"


def _kind(status: Status) -> str:
    match status:
        case Status.PASS | Status.REMEDIED:
            return ""
        case Status.DRIFT | Status.FAIL | Status.TIMEOUT | Status.CRASH:
            return "failure"
        case Status.ENVIRONMENT:
            return "error"
        case Status.UNSUPPORTED | Status.NOT_SAVED | Status.NOT_RUN:
            return "skipped"
        case never:
            assert_never(never)


def _why(result: Result) -> str:
    """Return why a cell is not simply right, in a sentence; empty where it is."""
    if result.status is Status.PASS:
        return ""
    said = f"{result.status} {result.status.word}"
    if result.status is Status.REMEDIED:
        return f"{said}: {result.remedy}"
    own = result.own
    if result.reason or own is None:
        return f"{said}: {result.reason}".removesuffix(": ")
    failed = f"{own.exception}: {own.message}".removeprefix(": ").removesuffix(": ")
    apart = "" if own.max_abs_error is None else f"largest difference {own.max_abs_error:.3g}"
    return f"{said}: {own.stage}: {failed or apart}".removesuffix(": ")


def _details(result: Result) -> str:
    """Return what else is known of a failure: its signature, its cause, and what was tried."""
    own = result.own
    tried = ", ".join(f"{one.rung} {one.status}" for one in result.attempts[1:])
    told = (("signature", own.signature if own else ""), ("cause", result.cause), ("tried", tried))
    return "\n".join(f"{name}: {_inline(text, 500)}" for name, text in told if text)


@lru_cache(maxsize=10_000)
def _inline(text: str, limit: int) -> str:
    """Return foreign text fit for an attribute, on one line; what XML does not allow is not in `words.line`."""
    return escape(words.line(text, limit))
