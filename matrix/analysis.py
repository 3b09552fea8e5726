"""The one door from results to pandas.

`load` gives a notebook the table of a stored run, and `frame` makes the same table from results in memory.
Every other function takes such a table and returns a table.

    >>> from matrix import analysis
    >>> table = analysis.load("reports/latest")
    >>> analysis.overview(table)

One row is one cell. `stage`, `exception`, `message` and `signature` tell how the scenario's own way of
loading ended (for `S`: how the save ended). `max_abs_error`, `max_rel_error`, `argmax_flips` and `lost` belong to the
attempt that gave the cell its letter: the own way, or for `R` the remedy.
"""

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

from .errors import UsageError
from .model import Cell, Format, Stage, Status, Variant
from .results import Attempt, Result

Table: TypeAlias = pd.DataFrame
pd.set_option(
    "mode.string_storage", "python"
)  # Arrow, which pandas takes where it is installed, has no half characters

COLUMNS = (
    *("saved_with", "loaded_with", "scenario", "variant", "format", "status", "stage", "exception"),
    *("signature", "cause", "remedy", "max_abs_error", "seconds"),
    *("message", "reason", "container", "max_rel_error", "argmax_flips", "attempts", "lost", "known"),
)
CASE = ("scenario", "variant", "format")
MEASURED = "PRDFTC"
UNCOUNTED = "USE."
LETTERS = (*MEASURED, *UNCOUNTED)
BROKEN = "DFTC"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_RANK = ".USEPRDFTC"  # the worst letter of a group is its last one here; what was measured outranks what was not
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


def rows(table: Table) -> list[dict[str, Any]]:
    """Return the table as plain values, for those who print."""
    names = [str(name) for name in table.columns]
    columns = [column.tolist() for _, column in table.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def counts(table: Table, by: Sequence[str] = ()) -> Table:
    """Return how many cells each status has, per group: one column a letter, and works, measured, total."""
    hits = pd.get_dummies(table["status"], dtype="int64")
    hits = hits.set_axis(hits.columns.astype(str), axis=1).reindex(columns=list(LETTERS), fill_value=0)
    counted = hits.groupby([table[name] for name in by], observed=True).sum() if by else hits.sum().to_frame().T
    counted["works"] = counted["P"] + counted["R"]
    counted["measured"] = counted[list(MEASURED)].sum(axis=1)
    counted["total"] = counted[list(LETTERS)].sum(axis=1)
    return counted.reset_index(drop=not by)


def coverage(table: Table) -> Table:
    """Return one row: how many cells were measured, of how many that were planned."""
    return counts(table)[["measured", "total"]]


def overview(table: Table) -> Table:
    """Return one row per pair that was planned: the counts, and `worst`, the worst letter."""
    counted = counts(table, ["saved_with", "loaded_with"])
    worst = (counted[list(reversed(_RANK))] > 0).idxmax(axis=1).tolist() if len(counted) else []
    return counted.assign(worst=pd.Categorical(worst, categories=list(_RANK), ordered=True))


def formats(table: Table) -> list[str]:
    """Return the formats that occur, in the order of the formats."""
    return [str(name) for name in table["format"].cat.remove_unused_categories().cat.categories]


def pair(table: Table, writer: str, reader: str) -> Table:
    """Return the cells of one pair, with `home`: the letter of the same cell in its own environment."""
    cells = table[(table["saved_with"] == writer) & (table["loaded_with"] == reader)]
    own = table[(table["saved_with"] == writer) & (table["loaded_with"] == writer)]
    home = own[[*CASE, "status"]].rename(columns={"status": "home"})
    merged = cells.merge(home, on=list(CASE), how="left", suffixes=("", ""))
    return merged.assign(home=merged["home"].astype("object").fillna("").astype(str))


def readings(table: Table, writer: str) -> Table:
    """Return one row per reader of what `writer` saved: the counts, `lost` and `changed`.

    `lost` is how many cells do not work there and are not known to fail in the writer's own environment, `changed` how
    many need a change there and none at home.
    """
    cells = table.loc[table["saved_with"] == writer, [*CASE, "loaded_with", "status"]]
    own = cells.loc[cells["loaded_with"] == writer, [*CASE, "status"]].rename(columns={"status": "home"})
    merged = cells.merge(own, on=list(CASE), how="left")
    lost = merged["status"].isin(list(BROKEN)) & ~merged["home"].isin(list(BROKEN))
    changed = (merged["status"] == "R") & (merged["home"] != "R")
    marks = merged.assign(lost=lost.astype("int64"), changed=changed.astype("int64"))
    sums = marks.groupby("loaded_with", observed=True)[["lost", "changed"]].sum().reset_index()
    return counts(merged, ["loaded_with"]).merge(sums, on="loaded_with")


def causes(table: Table) -> Table:
    """Return the causes of all that does not simply work, the most frequent first: counts, and how many `pairs`.

    A cause that is not known has the empty name.
    """
    bad = table.loc[table["status"].isin(list("RDFTCS")), ["saved_with", "loaded_with", "cause", "status"]]
    bad = bad.assign(cause=bad["cause"].astype("object").fillna(""))
    places = bad.drop_duplicates(["saved_with", "loaded_with", "cause"]).groupby("cause").size()
    counted = counts(bad, ["cause"])
    ranked = counted.assign(pairs=[int(places[name]) for name in counted["cause"]])
    return ranked.sort_values(["total", "cause"], ascending=[False, True], ignore_index=True)


def grid(table: Table, writer: str, reader: str) -> Table:
    """Return the pair table: scenario and variant down, formats across, letters in the squares."""
    cells = pair(table, writer, reader)
    letters = cells.assign(status=cells["status"].astype(str))
    return letters.pivot_table(
        index=["scenario", "variant"], columns="format", values="status", aggfunc="first", observed=True
    )


def firsts(table: Table, writer: str, letters: str = BROKEN) -> Table:
    """Return, per format, in which reader after the writer its cells first got one of these letters.

    One row per format and such reader, with the number of `cells`. A cell that has the letter in its own
    environment already is not the doing of a later one, and is left out.
    """
    codes = table["loaded_with"].cat
    saved = table.loc[table["saved_with"] == writer, [*CASE, "loaded_with", "status"]]
    hit = saved[saved["status"].isin(list(letters))]
    home = hit[hit["loaded_with"] == writer]
    start = list(codes.categories).index(writer) if writer in codes.categories else -1
    later = hit[hit["loaded_with"].cat.codes > start]
    later = later[~_cases(later).isin(_cases(home))].sort_values("loaded_with", kind="stable")
    first = later.drop_duplicates(list(CASE))
    found: pd.Series[int] = first.groupby(["format", "loaded_with"], observed=True).size()
    return found.rename("cells").reset_index()


def failures(table: Table) -> Table:
    """Return what was measured and is not P, by stage, exception and signature, the largest group first.

    `message` and `cause` are those of the first cell of the group; one column a letter, `cells` their sum.
    """
    needed = ["status", "stage", "exception", "signature", "message", "cause"]
    bad = table.loc[table["status"].isin(list("RDFTC")), needed]
    bad = bad.assign(silent=bad["status"].astype("object").where(bad["exception"].astype("object") == "", ""))
    key = ["stage", "exception", "signature", "silent"]
    bad = bad.assign(**{name: bad[name].astype("object") for name in key})
    samples = bad.groupby(key, observed=True)[["message", "cause"]].first()  # in the same order as the counts
    sums = counts(bad, key)
    grouped = sums[[*key, *MEASURED]].assign(message=samples["message"].array, cause=samples["cause"].array)
    grouped["cells"] = sums["measured"]
    return grouped.sort_values(["cells", *key], ascending=[False, *[True] * len(key)], ignore_index=True)


def gaps(table: Table) -> Table:
    """Return what was not measured, grouped by letter and reason, the largest group first."""
    out = table.loc[table["status"].isin(list(UNCOUNTED)), ["status", "exception", "message", "reason"]]
    said = (out["exception"].astype(str) + ": " + out["message"].astype(str)).str.strip(": ")
    why = out["reason"].astype(str).where(out["reason"].astype(str) != "", said)
    grouped = out.assign(status=out["status"].astype(str), why=why).groupby(["status", "why"]).size()
    named = grouped.rename("cells").reset_index()
    return named.sort_values(["cells", "status", "why"], ascending=[False, True, True], ignore_index=True)


def offered(table: Table) -> Table:
    """Return per writer and format whether the writer has it: `yes`, `no`, or `unknown` if nobody asked."""
    counted = counts(table, ["format", "saved_with"])
    known = counted["measured"] + counted["S"]
    answer = pd.Series("unknown", index=counted.index).mask(counted["U"] > 0, "no").mask(known > 0, "yes")
    return counted[["format", "saved_with"]].assign(offered=answer)


def own_trouble(table: Table) -> Table:
    """Return the cells that do not simply work in the environment that saved them."""
    diagonal = table[table["saved_with"].astype("object") == table["loaded_with"].astype("object")]
    return diagonal[diagonal["status"].isin(list("RDFTC"))]


def rollback(table: Table, writer: str, reader: str) -> Table:
    """Return one row: of the files that `writer` saved and `reader` tried, how many open there, and how.

    `bare` and `custom_objects` share a file, so a file opens when one of its cells works.
    """
    there = (table["saved_with"] == writer) & (table["loaded_with"] == reader) & table["status"].isin(list(MEASURED))
    cells = table.loc[there, [*CASE, "status"]]
    cells = cells.assign(registered=cells["variant"] == Variant.REGISTERED.value)
    files = counts(cells, ["scenario", "format", "registered"])
    as_it_is = files["P"] > 0
    changed = ~as_it_is & (files["R"] > 0)
    return pd.DataFrame({"files": [len(files)], "as_it_is": [int(as_it_is.sum())], "changed": [int(changed.sum())]})


def _cases(table: Table) -> pd.Series[int]:
    """Return a number for each row: equal for equal cases."""
    scenario, variant, format_ = (table[name].cat.codes.astype("int64") for name in CASE)
    return (scenario * len(Variant) + variant) * len(Format) + format_


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
        "status": [Status(letter) for letter in _RANK],
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
