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

from .questions import (
    BROKEN,
    CASE,
    LETTERS,
    MEASURED,
    UNCOUNTED,
    causes,
    counts,
    coverage,
    failures,
    firsts,
    formats,
    gaps,
    grid,
    offered,
    overview,
    own_trouble,
    pair,
    readings,
    rollback,
    rows,
)
from .table import COLUMNS, FORMULA, Table, can_write_parquet, csv, frame, load, parquet

__all__ = [
    "BROKEN",
    "CASE",
    "COLUMNS",
    "FORMULA",
    "LETTERS",
    "MEASURED",
    "UNCOUNTED",
    "Table",
    "can_write_parquet",
    "causes",
    "counts",
    "coverage",
    "csv",
    "failures",
    "firsts",
    "formats",
    "frame",
    "gaps",
    "grid",
    "load",
    "offered",
    "overview",
    "own_trouble",
    "pair",
    "parquet",
    "readings",
    "rollback",
    "rows",
]
