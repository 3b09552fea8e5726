"""`known.toml`: failures that are known, with a reason and an end, and what a run says of them.

    [[expect]]
    cells = "tf-2.1?/tf-2.19/custom_layer/*/h5"     # a glob over the ids of cells; `*` takes slashes too
    letters = "F"                                   # one or more of R D F T C S
    signature = "Could not locate function"         # of the failure, or a part of it
    reason = "Keras 3 does not find a loss by its name"
    link = "https://example.com/issues/1"
    expires = 2027-05-01                            # the last day that counts, at most 180 days from today

Of what no entry names, this file says nothing: there a baseline decides.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fnmatch import translate
from pathlib import Path
from types import MappingProxyType

from .errors import UsageError, unknown
from .model import Cell, Status
from .results import Expectation, Result, Run

NAME = "known.toml"
DAYS = 180
LETTERS = "RDFTCS"
_RAISING = "RFS"  # what ends with an exception, as a rule
_NEEDED = ("cells", "letters", "reason", "link", "expires")
_OPTIONS = (*_NEEDED, "signature")
_TABLE = re.compile(r"^[ \t]*\[\[[ \t]*expect[ \t]*\]\]", re.MULTILINE)
_WORKS = frozenset({Status.PASS, Status.REMEDIED})


class Finding(StrEnum):
    """What a run says of a cell that an entry names."""

    EXPECTED = "expected"  # it fails as it was said
    PASSES = "unexpected pass"  # it works: the entry can go
    OTHER = "another reason"  # it fails with another letter or signature
    EXPIRED = "expired"  # it fails, and the entry counts no more


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """An entry, and what came of it in one cell."""

    finding: Finding
    entry: Expectation


Found = Mapping[Cell, Known]
NOTHING: Found = MappingProxyType({})


def read(path: Path, today: date) -> tuple[Expectation, ...]:
    """Return the entries of a file.

    Raises:
        UsageError: it cannot be read, or an entry is not understood, has no reason or link, or holds for too long;
            says in which line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    for name in table:
        if name != "expect":
            raise UsageError(f"{path}: {unknown('table', name, ['expect'])}")
    entries = table.get("expect", [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise UsageError(f"{path}: `expect` must be tables: [[expect]].")
    lines = [text.count("\n", 0, match.start()) + 1 for match in _TABLE.finditer(text)]
    where = [f"{path}, line {line}" for line in lines] if len(lines) == len(entries) else [str(path)] * len(entries)
    return tuple(_entry(one, place, today) for one, place in zip(entries, where, strict=True))


def _entry(table: Mapping[str, object], where: str, today: date) -> Expectation:
    for name in table:
        if name not in _OPTIONS:
            raise UsageError(f"{where}: {unknown('option', name, _OPTIONS)}")
    for name in _NEEDED:
        if name not in table:
            raise UsageError(f"{where}: this entry has no `{name}`; each needs {', '.join(_NEEDED)}.")
    texts = {name: _text(table.get(name, ""), f"{where}: {name}") for name in _OPTIONS if name != "expires"}
    for name in ("cells", "reason", "link"):
        if not texts[name]:
            raise UsageError(f"{where}: {name} is empty.")
    _check(texts, where)
    return Expectation(**texts, expires=_day(table["expires"], where, today))


def _check(texts: Mapping[str, str], where: str) -> None:
    if not re.match(r"https?://[^\s/]", texts["link"]):
        raise UsageError(f"{where}: link is {texts['link']!r}; it must begin with https://, and lead to more about it.")
    if texts["cells"].count("/") != 4 and "*" not in texts["cells"]:
        raise UsageError(
            f"{where}: cells is {texts['cells']!r}; a cell is WRITER/READER/SCENARIO/VARIANT/FORMAT, with `*` and `?`."
        )
    letters = texts["letters"]
    if not letters or not set(letters) <= set(LETTERS):
        raise UsageError(f"{where}: letters is {letters!r}; it must be some of {', '.join(LETTERS)}.")
    if set(letters) & set(_RAISING) and not texts["signature"]:
        raise UsageError(
            f"{where}: {letters} needs a `signature` (that of results.csv, or a part of it), so that a failure for "
            "another reason is noticed."
        )


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} is {value!r}; it must be a string.")
    return value.strip()


def _day(value: object, where: str, today: date) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise UsageError(f"{where}: expires is {value!r}; it must be a day such as {today + timedelta(DAYS)}.")
    if value > today + timedelta(DAYS):
        raise UsageError(
            f"{where}: expires is {value}, more than {DAYS} days from today; the last day is {today + timedelta(DAYS)}."
        )
    return value.isoformat()


def judged(run: Run) -> Found:
    """Return the cells that entries name and about which a run says something, with what it says.

    A cell is `expected` if one entry that has not expired says how it ended; an expired one is heard where no other
    names the cell. Of what was not measured nothing is said. The day is that of the run, so a stored run says the
    same for ever.
    """
    if not run.known:
        return NOTHING
    day = run.started[:10]
    entries = [(re.compile(translate(one.cells)).match, one, one.expires < day) for one in run.known]
    some = re.compile("|".join(translate(one.cells) for one in run.known)).match
    found: dict[Cell, Known] = {}
    for result in run.results:
        name = result.cell.id
        if str(result.status) not in "PRDFTCS" or not some(name):
            continue
        told = _told(result, [(one, over) for matches, one, over in entries if matches(name)])
        if told is not None:
            found[result.cell] = told
    return found


def _told(result: Result, entries: Sequence[tuple[Expectation, bool]]) -> Known | None:
    live = [one for one, over in entries if not over]
    fitting = next((one for one in live if _fits(result, one)), None)
    if fitting is not None:
        return Known(finding=Finding.EXPECTED, entry=fitting)
    if live:
        return Known(finding=Finding.PASSES if result.status in _WORKS else Finding.OTHER, entry=live[0])
    if result.status in _WORKS:
        return None
    return Known(finding=Finding.EXPIRED, entry=entries[0][0])


def _fits(result: Result, entry: Expectation) -> bool:
    own = result.own
    raised = own is not None and bool(own.exception)
    return str(result.status) in entry.letters and (not raised or own is None or entry.signature in own.signature)


def surprises(found: Found) -> dict[Cell, Known]:
    """Return what is not as the entries say, the failures first."""
    kinds = (Finding.OTHER, Finding.EXPIRED, Finding.PASSES)
    return {cell: one for kind in kinds for cell, one in found.items() if one.finding is kind}


def expired(run: Run) -> tuple[Expectation, ...]:
    """Return the entries that counted no more when a run was done."""
    return tuple(one for one in run.known if one.expires < run.started[:10])


def sentences(found: Found) -> Iterable[str]:
    """Yield what is not as the entries say: one sentence for each kind, with an example."""
    said = {
        Finding.OTHER: "{} not as known.toml says, e.g. {}: look at the failure, then at the entry ({}).",
        Finding.EXPIRED: "{} whose entry in known.toml has expired, e.g. {}: mend it, or renew the entry ({}).",
        Finding.PASSES: "{} against known.toml, e.g. {}: delete the entry ({}).",
    }
    for finding, sentence in said.items():
        cells = [cell for cell, one in found.items() if one.finding is finding]
        if cells:
            verb = "work" if finding is Finding.PASSES else "fail"
            number = f"1 cell {verb}s" if len(cells) == 1 else f"{len(cells):,} cells {verb}"
            yield sentence.format(number, cells[0].id, found[cells[0]].entry.reason)
