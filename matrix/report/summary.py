"""The same answer without a page: Markdown for a CI job, lines for a terminal, JSON for a machine."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator

from ..known import NOTHING, Found
from ..model import Status
from ..results import Run
from . import editions, expectations, words
from .answer import Answer, keras, version
from .reasons import Reason, Share

LIMIT = 1_000_000  # bytes; a CI job summary ends at 1 MiB


def markdown(run: Run, answer: Answer, found: Found = NOTHING, *, limit: int = LIMIT) -> str:
    """Return the answer as Markdown, cut at a line when it grows over the limit."""
    kept: list[str] = []
    size = 0
    lines = list(_lines(run, answer, found))
    for position, text in enumerate(lines):
        size += len(text.encode("utf-8", "replace")) + 1
        if size > limit - 200:
            kept.append(f"\n**Cut here:** {len(lines) - position} more lines. The whole report is in `index.html`.")
            break
        kept.append(text)
    return "\n".join(kept) + "\n"


def terminal(run: Run, answer: Answer, found: Found = NOTHING) -> str:
    """Return the answer as plain text, without any colour."""
    lines = [answer.question, f"  {facts(run, answer)}", ""]
    lines[2:2] = [f"  {warning}" for warning in _warnings(run)]
    lines += [f"  {answer.headline.upper()}  {sentence(answer.shares)}"]
    lines += [f"  Not counted: {sentence(answer.uncounted)}"] if answer.uncounted else []
    lines += [f"  {note}" for note in answer.notes]
    lines += ["", *_format_lines(answer)]
    if answer.reasons:
        lines += ["", f"  Why ({explained(answer)})"]
        lines += [text for reason in answer.reasons[:8] for text in _reason_lines(reason)]
        lines += [f"    and {len(answer.reasons) - 8} more: see index.html"] if len(answer.reasons) > 8 else []
    lines += ["", *(f"  {fact.name}: {fact.says}" for fact in answer.facts)] if answer.facts else []
    lines += ["", f"  If you must roll back: {answer.rollback}"] if answer.rollback else []
    told = list(expectations.lines(run, found))
    lines += ["", *(f"  {one}" for one in told)] if told else []
    return "\n".join(lines) + "\n"


def verdict(run: Run, answer: Answer, found: Found = NOTHING) -> str:
    """Return the answer as JSON. CI reads this, and never the words of a page."""
    numbers = {share.look.letter: share.number for share in answer.totals}
    told = {
        "schema": editions.VERDICT,
        "run": run.id,
        "complete": run.complete,
        "note": run.note,
        "from": run.focus[0],
        "to": run.focus[1],
        "verdict": str(answer.verdict),
        "headline": answer.headline,
        "counts": numbers,
        "measured": answer.measured,
        "total": answer.total,
        "notes": list(answer.notes),
        "formats": [
            {"format": row.name, **{share.look.letter: share.number for share in row.numbers}} for row in answer.formats
        ],
        "reasons": [
            {
                "id": reason.anchor,
                "stage": reason.stage,
                "exception": reason.title,
                "signature": reason.signature,
                "cells": reason.cells,
                "causes": [cause.slug for cause in reason.causes],
                "remedies": {remedy.name: remedy.cells for remedy in reason.remedies},
            }
            for reason in answer.reasons
        ],
        "rollback": answer.rollback,
        "known": expectations.machine(run, found),
        "facts": {fact.name: fact.says for fact in answer.facts},
    }
    return json.dumps(told, indent=1) + "\n"


def facts(run: Run, answer: Answer) -> str:
    """Return the line under the question: versions, time, coverage."""
    pair = f"{run.focus[0]} (TF {version(answer.writer)}, {keras(answer.writer)})"
    if run.focus[0] != run.focus[1]:
        pair += f" to {run.focus[1]} (TF {version(answer.reader)}, {keras(answer.reader)})"
    spent = f"{words.when(run.started)}, {words.duration(run.seconds)}"
    return f"{pair} - {spent} - {answer.measured:,} of {answer.total:,} cells measured"


def sentence(shares: Iterable[Share]) -> str:
    """Return parts of a whole as one line."""
    return " \N{MIDDLE DOT} ".join(f"{share.number:,} {share.text}" for share in shares) or "nothing"


def incomplete(run: Run) -> str:
    """Return the warning of a run that did not finish."""
    done = sum([result.status is not Status.NOT_RUN for result in run.results])
    return f"INCOMPLETE: {done:,} of {len(run.results):,} cells were done when this run stopped."


def _warnings(run: Run) -> list[str]:
    """Return what must be known beside the answer, line by line."""
    return [*([] if run.complete else [incomplete(run)]), *([words.line(run.note, 400)] if run.note else [])]


def explained(answer: Answer) -> str:
    """Return how many reasons explain how many cells."""
    cells = sum(reason.cells for reason in answer.reasons)
    return f"{words.counted(len(answer.reasons), 'reason')} for {words.counted(cells, 'measured cell')} not P"


def _format_lines(answer: Answer) -> Iterator[str]:
    head = [share.look.letter for share in answer.totals]
    yield "  " + "format".ljust(14) + "".join(letter.rjust(5) for letter in head) + "   first breaks in"
    for row in answer.formats:
        numbers = "".join(str(share.number).rjust(5) for share in row.numbers)
        yield f"  {row.label.ljust(14)}{numbers}   {row.first_bad or '-'}"


def _reason_lines(reason: Reason) -> Iterator[str]:
    said = words.line(reason.signature or reason.message, 100)
    number = words.counted(reason.cells, "cell").rjust(10)
    yield f"  {number}  {reason.stage}: {reason.title}{': ' if said else ''}{said}"
    yield from (f"{' ' * 14}because: {words.line(cause.title)}" for cause in reason.causes)
    for remedy in reason.remedies:
        needs = f"; needs {remedy.needs}" if remedy.needs else ""
        yield f"{' ' * 14}works after: {remedy.words} ({remedy.cells}{needs})  {remedy.code}".rstrip()


def _lines(run: Run, answer: Answer, found: Found) -> Iterator[str]:
    yield f"## {_text(answer.question)}"
    yield ""
    yield _text(facts(run, answer))
    yield ""
    for warning in _warnings(run):
        yield f"> **{_text(warning)}**"
        yield ""
    yield f"**{_text(answer.headline)}** {sentence(answer.shares)}"
    yield ""
    if answer.uncounted:
        yield f"Not counted: {sentence(answer.uncounted)}"
        yield ""
    for note in answer.notes:
        yield f"- {_text(note)}"
    yield ""
    yield ("| format | " + " | ".join(share.look.letter for share in answer.totals) + " | first change | first break |")
    yield "|---" + "|--:" * len(answer.totals) + "|---|---|"
    for row in answer.formats:
        numbers = " | ".join(str(share.number) for share in row.numbers)
        yield f"| {row.label} | {numbers} | {row.first_change or '-'} | {row.first_bad or '-'} |"
    yield ""
    yield from _known(run, found)
    yield from _why(answer)
    for fact in answer.facts:
        yield f"**{fact.name}:** {_text(fact.says)}"
        yield ""
    if answer.rollback:
        yield f"**If you must roll back:** {_text(answer.rollback)}"
        yield ""
    yield "Letters: " + ", ".join(f"{share.look.letter} {share.look.word}" for share in answer.totals) + "."


def _known(run: Run, found: Found) -> Iterator[str]:
    told = list(expectations.lines(run, found))
    if told:
        yield f"### {_text(told[0])}"
        yield ""
        yield from (f"- {_text(one)}" for one in told[1:])
        yield ""


def _why(answer: Answer) -> Iterator[str]:
    if not answer.reasons:
        return
    yield f"### Why ({explained(answer)})"
    yield ""
    yield "| cells | stage | exception | says | cause | works after |"
    yield "|--:|---|---|---|---|---|"
    for reason in answer.reasons:
        fixes = "; ".join(f"{_code(one.code or one.words)} ({one.cells})" for one in reason.remedies)
        said = _code(words.line(reason.message or reason.signature, 200))
        causes = "; ".join(_text(cause.title) for cause in reason.causes) or "not known"
        yield f"| {reason.cells} | {reason.stage} | {_code(reason.title)} | {said} | {causes} | {fixes or '-'} |"
    yield ""


def _text(foreign: str) -> str:
    """Foreign text that Markdown and HTML leave alone."""
    plain = html.escape(words.line(foreign), quote=False)
    return "".join(f"\\{one}" if one in "\\`*_{}[]|#!~" else one for one in plain)


def _code(foreign: str) -> str:
    """Foreign text in a code span of a table."""
    plain = words.line(foreign).replace("`", "'").replace("|", "\\|").replace("\\\\|", "\\|")
    return f"`{plain}`" if plain else ""
