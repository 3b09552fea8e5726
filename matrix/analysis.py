"""The one door from results to pandas.

`load` gives a notebook the table of a stored run, and `frame` makes the same table from results in memory.
Every other function takes such a table and returns a table.

    >>> from matrix import analysis
    >>> table = analysis.load("reports/latest")
    >>> analysis.overview(table)

One row is one cell. `stage`, `exception`, `message` and `signature` tell how the scenario's own way of
loading ended (for `S`: how the save ended). `max_abs_error`, `max_rel_error` and `argmax_flips` belong to the
attempt that gave the cell its letter: the own way, or for `R` the remedy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from .model import Format, Stage, Status, Variant
from .results import Attempt, Result

Table: TypeAlias = pd.DataFrame

COLUMNS = (
    *("saved_with", "loaded_with", "scenario", "variant", "format", "status", "stage", "exception"),
    *("signature", "cause", "remedy", "max_abs_error", "seconds"),
    *("message", "reason", "container", "max_rel_error", "argmax_flips", "attempts"),
)
CASE = ("scenario", "variant", "format")
MEASURED = "PRDFTC"
UNCOUNTED = "USE."
LETTERS = (*MEASURED, *UNCOUNTED)
BROKEN = "DFTC"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_RANK = ".USEPRDFTC"  # the worst letter of a group is its last one here; what was measured outranks what was not
_BREAKS = re.compile(r"[\x00\r\ud800-\udfff]")  # what a CSV cannot carry
_NUMBERS = ("max_abs_error", "seconds", "max_rel_error")


def frame(results: Iterable[Result], *, environments: Sequence[str] = (), scenarios: Sequence[str] = ()) -> Table:
    """Return one row per cell.

    Args:
        results: of one run.
        environments: ids in the order of the axes; without them, in the order of the results.
        scenarios: names in the order of the page; without them, in the order of the results.
    """
    records = [_record(result) for result in results]
    table = pd.DataFrame.from_records(records, columns=list(COLUMNS))
    return _typed(table, environments, scenarios)


def load(run: Path | str) -> Table:
    """Return the table of a stored run, from its `results.csv` and the order of its axes in `run.json`."""
    folder = Path(run)
    table = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)
    table = table.apply(lambda column: column.map(_unguarded))
    axes = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return _typed(
        table,
        [report["environment"]["id"] for report in axes["environments"]],
        [scenario["name"] for scenario in axes["scenarios"]],
    )


def csv(table: Table) -> str:
    """Return the table as CSV that no spreadsheet takes for a formula; `load` undoes that."""
    text = table.select_dtypes(exclude="number")
    safe = table.assign(**{str(name): column.astype("object").map(_guard) for name, column in text.items()})
    return str(safe.to_csv(index=False, lineterminator="\n"))


def rows(table: Table) -> list[dict[str, Any]]:
    """Return the table as plain values, for those who print."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def counts(table: Table, by: Sequence[str] = ()) -> Table:
    """Return how many cells each status has, per group: one column a letter, and works, measured, total."""
    groups = [table[name] for name in by] or [pd.Series(0, index=table.index, name="all")]
    counted = pd.crosstab(groups, table["status"].astype(str)) if len(table) else _empty(by)
    counted = counted.reindex(columns=list(LETTERS), fill_value=0)
    if not by:
        counted = counted.reindex([0], fill_value=0)
    counted = counted.astype(int).rename_axis(columns=None)
    counted["works"] = counted["P"] + counted["R"]
    counted["measured"] = counted[list(MEASURED)].sum(axis=1)
    counted["total"] = counted[list(LETTERS)].sum(axis=1)
    return counted.reset_index(drop=not by)


def coverage(table: Table) -> Table:
    """Return one row: how many cells were measured, of how many that were planned."""
    return counts(table)[["measured", "total"]]


def overview(table: Table) -> Table:
    """Return one row per pair that was planned: the counts, and `worst`, the worst letter."""
    pair = ["saved_with", "loaded_with"]
    worst = table.groupby(pair, observed=True)["status"].max().rename("worst").reset_index()
    return counts(table, pair).merge(worst, on=pair)


def pair(table: Table, writer: str, reader: str) -> Table:
    """Return the cells of one pair, with `home`: the letter of the same cell in its own environment."""
    cells = table[(table["saved_with"] == writer) & (table["loaded_with"] == reader)]
    own = table[(table["saved_with"] == writer) & (table["loaded_with"] == writer)]
    home = own[[*CASE, "status"]].rename(columns={"status": "home"})
    merged = cells.merge(home, on=list(CASE), how="left", suffixes=("", ""))
    return merged.assign(home=merged["home"].astype("object").fillna("").astype(str))


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
    saved = table[table["saved_with"] == writer]
    hit = saved[saved["status"].isin(list(letters))]
    home = hit[hit["loaded_with"] == writer]
    start = list(codes.categories).index(writer) if writer in codes.categories else -1
    later = hit[hit["loaded_with"].cat.codes > start]
    later = later[~_cases(later).isin(_cases(home))].sort_values("loaded_with", kind="stable")
    first = later.drop_duplicates(list(CASE))
    found: pd.Series[int] = first.groupby(["format", "loaded_with"], observed=True).size()
    return found.rename("cells").reset_index()


def by_format(table: Table, writer: str, reader: str) -> Table:
    """Return the counts of one pair per format, in the order of the formats."""
    return counts(pair(table, writer, reader), ["format"])


def failures(table: Table) -> Table:
    """Return what was measured and is not P, by stage, exception and signature, the largest group first.

    `message` and `cause` are those of the first cell of the group; one column a letter, `cells` their sum.
    """
    bad = table[table["status"].isin(list("RDFTC"))]
    bad = bad.assign(silent=bad["status"].astype(str).where(bad["exception"].astype(str) == "", ""))
    key = ["stage", "exception", "signature", "silent"]
    bad = bad.assign(**{name: bad[name].astype(str) for name in key})
    samples = bad.groupby(key, observed=True)[["message", "cause"]].first()
    sums = counts(bad, key).set_index(key)[[*MEASURED]]
    grouped = sums.join(samples).assign(cells=sums.sum(axis=1)).reset_index()
    return grouped.sort_values(["cells", *key], ascending=[False, *[True] * len(key)], ignore_index=True)


def gaps(table: Table) -> Table:
    """Return what was not measured, grouped by letter and reason, the largest group first."""
    out = table[table["status"].isin(list(UNCOUNTED))]
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
    diagonal = table[table["saved_with"].astype(str) == table["loaded_with"].astype(str)]
    return diagonal[diagonal["status"].isin(list("RDFTC"))]


def rollback(table: Table, writer: str, reader: str) -> Table:
    """Return one row: of the files that `writer` saved and `reader` tried, how many open there, and how.

    `bare` and `custom_objects` share a file, so a file opens when one of its cells works.
    """
    cells = table[(table["saved_with"] == writer) & (table["loaded_with"] == reader)]
    cells = cells[cells["status"].isin(list(MEASURED))]
    cells = cells.assign(registered=cells["variant"] == Variant.REGISTERED.value)
    files = counts(cells, ["scenario", "format", "registered"])
    as_it_is = files["P"] > 0
    changed = ~as_it_is & (files["R"] > 0)
    return pd.DataFrame({"files": [len(files)], "as_it_is": [int(as_it_is.sum())], "changed": [int(changed.sum())]})


def _empty(by: Sequence[str]) -> Table:
    names = list(by) or ["all"]
    return pd.DataFrame(index=pd.MultiIndex.from_arrays([[]] * len(names), names=names))


def _cases(table: Table) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[list(CASE)].astype(str))


def _record(result: Result) -> tuple[object, ...]:
    cell, own = result.cell, result.own or Attempt(rung="", status=result.status, stage=Stage.IMPORT)
    stage = str(own.stage) if result.own else ""
    decided = next((one for one in result.attempts if one.status is Status.PASS), own)
    return (
        *(cell.writer, cell.reader, cell.scenario, str(cell.variant), str(cell.format), str(result.status)),
        *(stage, own.exception, own.signature, result.cause, result.remedy),
        *(decided.max_abs_error, result.seconds, own.message, result.reason, result.container),
        *(decided.max_rel_error, decided.argmax_flips, len(result.attempts)),
    )


def _typed(table: Table, environments: Sequence[str], scenarios: Sequence[str]) -> Table:
    seen = [*table["saved_with"], *table["loaded_with"]]
    axis = list(dict.fromkeys([*environments, *seen]))
    orders: dict[str, list[str]] = {
        "saved_with": axis,
        "loaded_with": axis,
        "scenario": list(dict.fromkeys([*scenarios, *table["scenario"]])),
        "variant": [str(variant) for variant in Variant],
        "format": [str(format_) for format_ in Format],
        "stage": ["", *map(str, Stage)],
    }
    typed = {name: pd.Categorical(table[name], categories=order) for name, order in orders.items()}
    typed["status"] = pd.Categorical(table["status"], categories=list(_RANK), ordered=True)
    for name in ("exception", "cause", "remedy", "container"):
        typed[name] = pd.Categorical(table[name], categories=sorted(set(table[name])))
    numbers = {name: pd.to_numeric(table[name], errors="coerce").astype("float64") for name in _NUMBERS}
    whole = {"attempts": pd.to_numeric(table["attempts"]).astype("int64")}
    flips = pd.to_numeric(table["argmax_flips"], errors="coerce").astype("Int64")
    return table.assign(**typed, **numbers, **whole, argmax_flips=flips)


def _guard(said: str) -> str:
    text = _BREAKS.sub(" ", said)
    return f"'{text}" if text.startswith((*FORMULA, "'")) else text


def _unguarded(text: str) -> str:
    return text.removeprefix("'")
