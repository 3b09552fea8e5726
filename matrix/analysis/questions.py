"""Questions to the table of a run. Each takes a table and returns one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..model import Format, Variant
from .table import RANK, Table

CASE = ("scenario", "variant", "format")
MEASURED = "PRDFTC"
UNCOUNTED = "USE."
LETTERS = (*MEASURED, *UNCOUNTED)
BROKEN = "DFTC"


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
    worst = (counted[list(reversed(RANK))] > 0).idxmax(axis=1).tolist() if len(counted) else []
    return counted.assign(worst=pd.Categorical(worst, categories=list(RANK), ordered=True))


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
