"""`badge.svg`: the answer for the pair of the run, in one line, to stand in a README."""

from __future__ import annotations

from typing import assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined

from . import words
from .answer import Answer, Verdict, version

_WIDTH = 7  # of a letter on average, in the face and size of the template; `textLength` makes up for the rest
_LIMIT = 40


def svg(answer: Answer) -> str:
    """Return the badge: on the left the versions, on the right the answer with its count."""
    left = f"TensorFlow {version(answer.writer)}"
    if answer.reader is not answer.writer:
        left += f" \N{RIGHTWARDS ARROW} {version(answer.reader)}"
    works = sum(share.number for share in answer.totals if share.look.letter in "PR")
    right = f"{answer.headline.split(',')[0].rstrip('.').lower()}, {works:,} of {answer.measured:,} work"
    sides = [words.line(text, _LIMIT) for text in (left, right)]
    widths = [_WIDTH * len(text) + 12 for text in sides]
    templates = Environment(
        loader=PackageLoader("matrix.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    said = templates.get_template("badge.svg.j2")
    return said.render(sides=sides, widths=widths, colour=_colour(answer.verdict)) + "\n"


def _colour(verdict: Verdict) -> str:
    """Return a colour on which white text has a contrast of 4.5 or more."""
    match verdict:
        case Verdict.YES:
            return "#1a7f37"
        case Verdict.CHANGES:
            return "#0969da"
        case Verdict.LOSS:
            return "#9a6700"
        case Verdict.NO:
            return "#b3261e"
        case Verdict.UNKNOWN:
            return "#57606a"
        case never:
            assert_never(never)
