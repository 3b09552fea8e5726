"""Editions of the stored files, and the way from each one to the next.

`data/schemas/` has a JSON schema for each edition of `run.json`, `results.jsonl`, `verdict.json`, and of what
`matrix diff --json` says. A step is a pure function from what one edition holds to what the next one would hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
RUN = 4
RESULTS = 2
VERDICT = 2
DIFF = 1
Told = dict[str, Any]
_LONG = ("exception", "message", "signature", "traceback")
_FINDINGS = ("expected", "unexpected pass", "another reason", "expired")


def run(told: Told, where: Path) -> Told:
    """Return what this edition would have stored in `run.json`, from that of any earlier one.

    Raises:
        UsageError: it is of a later edition, or of none.
    """
    return _upgraded(told, where, RUN, {1: _noted, 2: _expecting, 3: _comparing})


def verdict(told: Told, where: Path) -> Told:
    """Return what this edition would have stored in `verdict.json`, from that of any earlier one.

    Raises:
        UsageError: it is of a later edition, or of none.
    """
    return _upgraded(told, where, VERDICT, {1: _judging})


def results(head: Told, where: Path) -> None:
    """Raise UsageError when the first line of `results.jsonl` tells of a later edition, or of none."""
    _edition(head, where, RESULTS)


def line(told: Told) -> tuple[Told, list[str]]:
    """Return a cell of the first edition of `results.jsonl` as the second one has it, and the texts that it names."""
    texts: dict[str, int] = {}

    def number(text: str) -> int:
        return texts.setdefault(text, len(texts))

    def attempt(one: Told) -> Told:
        said = {name: part for name, part in one.items() if part is not None and part != ""}
        return {name: number(part) if name in _LONG else part for name, part in said.items()}

    new = {name: part for name, part in told.items() if part}
    new |= {"reason": number(told["reason"])} if told.get("reason") else {}
    new |= {"attempts": list(map(attempt, told["attempts"]))} if told.get("attempts") else {}
    new |= {"writer_error": attempt(told["writer_error"])} if told.get("writer_error") else {}
    return new, list(texts)


def _upgraded(told: Told, where: Path, newest: int, steps: Mapping[int, Callable[[Told], Told]]) -> Told:
    for edition in range(_edition(told, where, newest), newest):
        told = {**steps[edition](told), "schema": edition + 1}
    return told


def _edition(told: object, where: Path, newest: int) -> int:
    found = told.get("schema") if isinstance(told, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise UsageError(f"{where} was not written by the matrix: it names no edition (`schema`).")
    if found > newest:
        raise UsageError(
            f"{where} was written by a newer matrix (schema {found}; this one reads those up to {newest}). "
            "Read it with that one, or update this one: pip install --upgrade keras-matrix"
        )
    return found


def _noted(told: Told) -> Told:
    """The second edition has a sentence beside the answer."""
    return {**told, "note": ""}


def _expecting(told: Told) -> Told:
    """The third edition has what was known to fail, and the scripts of its scenarios."""
    return {**told, "known": [], "sources": []}


def _comparing(told: Told) -> Told:
    """The fourth edition names the run that it is compared to, and the images of containers."""
    environments = [
        {**one, "environment": {**one["environment"], "image": ""}, "image": ""} for one in told["environments"]
    ]
    return {**told, "baseline": "", "environments": environments}


def _judging(told: Told) -> Told:
    """The second edition says what came of what was known to fail, and always has a note, facts, and causes."""
    known = {"counts": dict.fromkeys(_FINDINGS, 0), "surprises": [], "entries": []}
    reasons = [{"causes": [], **one} for one in told["reasons"]]
    return {"note": "", **told, "reasons": reasons, "known": known, "facts": {}}
