"""The table of a run: made from results, read from a stored run, and written for others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice, repeat
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import pandas as pd

from ..errors import UsageError
from ..model import Cell, Format, Stage, Status, Variant
from ..results import Attempt, Result

Table: TypeAlias = pd.DataFrame
pd.set_option("mode.string_storage", "python")  # Arrow, taken where it is installed, has no half characters

COLUMNS = (
    *("saved_with", "loaded_with", "scenario", "variant", "format", "status", "stage", "exception"),
    *("signature", "cause", "remedy", "max_abs_error", "seconds"),
    *("message", "reason", "container", "max_rel_error", "argmax_flips", "attempts", "lost", "known"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
RANK = ".USEPRDFTC"  # the worst letter of a group is its last one here; what was measured outranks what was not
_BREAKS = re.compile(r"[\x00\r\ud800-\udfff]")  # what a CSV cannot carry
_SPECIAL = re.compile(r'[",\n]')  # what makes a CSV put quotes around a text
_PASS = Status.PASS  # Python 3.11 takes its time to look a member up, and there are many attempts
_NOTHING = Attempt(rung="", status=Status.NOT_RUN, stage=Stage.IMPORT)  # of a cell that nobody tried
_FOREIGN = ("exception", "signature", "cause", "remedy", "message", "reason", "container", "lost")
_NUMBERS = ("max_abs_error", "seconds", "max_rel_error")


def frame(
    results: Iterable[Result],
    *,
    environments: Sequence[str] = (),
    scenarios: Sequence[str] = (),
    known: Mapping[Cell, str] = MappingProxyType({}),
) -> Table:
    """Return one row per cell.

    Args:
        results: of one run.
        environments: ids in the order of the axes; without them, in the order of the results.
        scenarios: names in the order of the page; without them, in the order of the results.
        known: what `known.toml` says of a cell, `expected` for one; of most it says nothing.
    """
    found = tuple(results)
    return _assembled({**_columns(found), "known": [known.get(one.cell, "") for one in found]}, environments, scenarios)


def load(run: Path | str) -> Table:
    """Return the table of a stored run, from its `results.csv` and the order of its axes in `run.json`."""
    folder = Path(run)
    stored = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)
    axes = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    columns = {str(name): [text.removeprefix("'") for text in column] for name, column in stored.items()}
    columns |= {name: [""] * len(stored) for name in COLUMNS if name not in columns}  # of an earlier edition
    numeric = (*_NUMBERS, "argmax_flips", "attempts")
    numbers = {name: pd.to_numeric(stored[name], errors="coerce").tolist() for name in numeric}
    return _assembled(
        {**columns, **numbers},
        [report["environment"]["id"] for report in axes["environments"]],
        [scenario["name"] for scenario in axes["scenarios"]],
    )


def csv(table: Table) -> Iterator[bytes]:
    """Yield the table as CSV, some lines at a time, that no spreadsheet takes for a formula; `load` undoes that."""
    yield b",".join([_quoted(str(name)) for name in table.columns]) + b"\n"
    lines = map(b",".join, zip(*[_printed(column) for _, column in table.items()], strict=True))
    while block := list(islice(lines, 1_000)):
        yield b"\n".join([*block, b""])


def parquet(table: Table) -> bytes:
    """Return the table as Parquet, with the columns of `results.csv`.

    Raises:
        UsageError: pyarrow is not installed.
    """
    can_write_parquet()
    return bytes(table.to_parquet(None, engine="pyarrow", index=False))


def can_write_parquet(find: Callable[[str], object] = find_spec) -> None:
    """Raise UsageError when this Python lacks what writes Parquet: when `find` finds no such module."""
    if find("pyarrow") is None:
        raise UsageError(
            "results.parquet needs pyarrow, which is not installed here: pip install 'keras-matrix[parquet]'. "
            "results.csv holds the same."
        )


def _columns(results: Sequence[Result]) -> dict[str, list[Any]]:
    """Return the results column by column: that is how a table is made fastest."""
    cells = [one.cell for one in results]
    first = [one.attempts[0] if one.attempts else one.writer_error or _NOTHING for one in results]
    decided = list(map(_decided, results, first))
    columns: dict[str, list[Any]] = {
        "saved_with": [cell.writer for cell in cells],
        "loaded_with": [cell.reader for cell in cells],
        "scenario": [cell.scenario for cell in cells],
        "variant": [cell.variant for cell in cells],
        "format": [cell.format for cell in cells],
        "status": [one.status for one in results],
        "stage": ["" if one is _NOTHING else one.stage for one in first],
        "exception": [one.exception for one in first],
        "signature": [one.signature for one in first],
        "cause": [one.cause for one in results],
        "remedy": [one.remedy for one in results],
        "max_abs_error": [one.max_abs_error for one in decided],
        "seconds": [one.seconds for one in results],
        "message": [one.message for one in first],
        "reason": [one.reason for one in results],
        "container": [one.container for one in results],
        "max_rel_error": [one.max_rel_error for one in decided],
        "argmax_flips": [one.argmax_flips for one in decided],
        "attempts": [len(one.attempts) for one in results],
        "lost": [one.lost for one in decided],
    }
    return columns | {name: _encodable(columns[name]) for name in _FOREIGN}


def _decided(result: Result, own: Attempt) -> Attempt:
    """Return the attempt that gave a cell its letter."""
    if len(result.attempts) < 2:
        return own
    return next((one for one in result.attempts if one.status is _PASS), own)


def _assembled(columns: Mapping[str, Sequence[Any]], environments: Sequence[str], scenarios: Sequence[str]) -> Table:
    """Return columns as a table in which every column has its type."""
    axis = list(dict.fromkeys([*environments, *columns["saved_with"], *columns["loaded_with"]]))
    orders: dict[str, Sequence[str]] = {
        "saved_with": axis,
        "loaded_with": axis,
        "scenario": list(dict.fromkeys([*scenarios, *columns["scenario"]])),
        "variant": list(Variant),
        "format": list(Format),
        "status": [Status(letter) for letter in RANK],
        "stage": ["", *Stage],
        **{name: sorted(set(columns[name])) for name in ("exception", "cause", "remedy", "container", "lost", "known")},
    }
    typed: dict[str, Any] = {name: _categorical(columns[name], order, name) for name, order in orders.items()}
    typed |= {name: pd.Series(columns[name], dtype="float64") for name in _NUMBERS}
    typed |= {"attempts": pd.Series(columns["attempts"], dtype="int64")}
    typed |= {"argmax_flips": pd.Series(columns["argmax_flips"], dtype="Int64")}
    return pd.DataFrame({name: typed.get(name, columns[name]) for name in COLUMNS})


def _categorical(values: Sequence[str], order: Sequence[str], name: str) -> pd.Categorical[str]:
    places = {key: place for place, one in enumerate(order) for key in (one, str(one))}  # members, or stored as text
    codes = list(map(places.get, values, repeat(-1)))
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(map(str, order))), ordered=name == "status")


def _encodable(texts: list[str]) -> list[str]:
    """Return texts that UTF-8 can hold. pandas gives them to pyarrow where that is installed, which takes no others."""
    clean = {text: text if text.isascii() else text.encode("utf-8", "replace").decode() for text in set(texts)}
    return [clean[text] for text in texts]


def _printed(column: pd.Series[Any]) -> list[bytes]:
    """Return a column as it stands in the CSV. What repeats is looked at once: `to_csv` takes five times as long."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = [*(_quoted(_guard(str(name))) for name in column.cat.categories), b""]  # what is missing has code -1
        return [names[code] for code in column.cat.codes.tolist()]
    values = column.astype("object").tolist()
    if column.hasnans:
        values = ["" if missing else value for value, missing in zip(values, column.isna().tolist(), strict=True)]
    if pd.api.types.is_numeric_dtype(column.dtype):
        printed = {value: str(value).encode() for value in set(values)}
    else:
        printed = {value: _quoted(_guard(value)) for value in set(values)}
    return [printed[value] for value in values]


def _quoted(text: str) -> bytes:
    return ('"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text).encode()


def _guard(said: str) -> str:
    text = said if said.replace("\n", "").isprintable() else _BREAKS.sub(" ", said)  # nothing printable is a break
    return f"'{text}" if text.startswith((*FORMULA, "'")) else text
