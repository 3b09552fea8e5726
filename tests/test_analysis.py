"""The table of results, and what is counted from it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import synthetic

from matrix import analysis, report
from matrix.errors import UsageError
from matrix.model import Status
from matrix.results import Run

RUN = synthetic.run()
TABLE = report.table(RUN)
MEASURED = set("PRDFTC")


def letters(run: Run, old: str, new: str) -> Counter[str]:
    """Count one pair without pandas."""
    return Counter(str(r.status) for r in run.results if (r.cell.writer, r.cell.reader) == (old, new))


def test_the_promised_columns_come_first_and_in_order() -> None:
    """
    `results.csv` starts with the columns of the contract; others are only added behind them.
    """
    promised = "saved_with loaded_with scenario variant format status stage exception signature cause remedy"

    assert list(TABLE.columns)[:13] == [*promised.split(), "max_abs_error", "seconds"]
    assert list(TABLE.columns) == list(analysis.COLUMNS)


def test_every_result_is_one_row() -> None:
    """
    No cell is dropped and none is doubled.
    """
    ids = ["/".join(map(str, row)) for row in TABLE.iloc[:, :5].to_numpy().tolist()]

    assert ids == [result.cell.id for result in RUN.results]


def test_axes_keep_the_order_of_the_run() -> None:
    """
    Versions are ordered as the run orders them, so 2.4 comes before 2.12.
    """
    assert list(TABLE["saved_with"].cat.categories) == [f"tf-{minor}" for minor in synthetic.SMALL]


def test_numbers_of_a_remedied_cell_are_those_of_the_remedy() -> None:
    """
    Stage and exception tell how its own way failed; the error is that of the attempt that agreed.
    """
    row = analysis.rows(TABLE[TABLE["status"] == "R"])[0]

    assert row["exception"] != ""
    assert row["max_abs_error"] == 2e-7
    assert row["attempts"] == 2


def test_counts_add_up() -> None:
    """
    The letters of each pair sum to its cells, and equal a count without pandas.
    """
    for row in analysis.rows(analysis.overview(TABLE)):
        expected = letters(RUN, row["saved_with"], row["loaded_with"])

        assert {letter: row[letter] for letter in analysis.LETTERS if row[letter]} == dict(expected)
        assert row["total"] == expected.total()
        assert row["measured"] == sum(expected[letter] for letter in MEASURED)
        assert row["works"] == expected["P"] + expected["R"]


def test_overview_has_every_pair_once() -> None:
    """
    One row for each pair, also for those of a broken environment.
    """
    assert len(analysis.overview(TABLE)) == len(synthetic.SMALL) ** 2


@pytest.mark.parametrize(
    ("found", "worst"),
    [
        pytest.param("PPR", "R", id="a-change-is-worse-than-none"),
        pytest.param("PRD", "D", id="other-numbers-are-worse-than-a-change"),
        pytest.param("PDF", "F", id="failing-is-worse-than-other-numbers"),
        pytest.param("FTC", "C", id="a-crash-is-the-worst"),
        pytest.param("PUSE.", "P", id="what-was-not-measured-is-not-worse"),
        pytest.param("UE", "E", id="nothing-measured-is-never-a-pass"),
    ],
)
def test_worst_letter(found: str, worst: str) -> None:
    """
    The letter of a pair is its worst measured one.
    """
    cells = [replace(result, status=Status(letter)) for result, letter in zip(RUN.results, found, strict=False)]

    assert list(analysis.overview(analysis.frame(cells))["worst"]) == [worst]


def test_coverage_counts_only_what_a_reader_tried() -> None:
    """
    E, U, S and '.' are part of the plan and are not measured.
    """
    (row,) = analysis.rows(analysis.coverage(TABLE))

    assert row["total"] == len(RUN.results)
    assert row["measured"] == sum(result.status.measured for result in RUN.results)


def test_no_results_give_an_empty_table() -> None:
    """
    A run that was stopped at once can still be counted.
    """
    empty = analysis.frame([])

    assert analysis.rows(analysis.coverage(empty)) == [{"measured": 0, "total": 0}]
    assert analysis.overview(empty).empty
    assert analysis.failures(analysis.pair(empty, "a", "b")).empty
    assert analysis.gaps(empty).empty


def test_stored_table_is_read_back(tmp_path: Path) -> None:
    """
    `load` gives the table that the run had in memory, categories and all.
    """
    report.write(RUN, tmp_path)

    pd.testing.assert_frame_equal(analysis.load(tmp_path), TABLE)


def test_no_cell_of_the_csv_is_a_formula() -> None:
    """
    A spreadsheet sees text; `load` takes the guard away again.
    """
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'quoted"]
    results = [replace(one, reason=text) for one, text in zip(RUN.results, evil, strict=False)]

    lines = b"".join(analysis.csv(analysis.frame(results))).decode().splitlines()[1:]

    for line in lines:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in line.split(","))


def test_csv_is_what_a_csv_reader_expects() -> None:
    """
    Commas, quotes, line breaks and what UTF-8 cannot hold come out as one field each, numbers as they are.
    """
    said = ['a, "b"', "two\nlines", "half \ud800 a pair", "null\x00", "\N{BULLET} dot", ""]
    results = [replace(one, reason=text) for one, text in zip(RUN.results, said, strict=False)]
    table = analysis.frame(results)

    head, *lines = csv.reader(io.StringIO(b"".join(analysis.csv(table)).decode(), newline=""))

    assert head == list(analysis.COLUMNS)
    assert [line[head.index("reason")] for line in lines] == [*said[:2], "half ? a pair", "null ", *said[4:]]
    assert [float(line[head.index("seconds")]) for line in lines] == [one.seconds for one in results]
    assert [line[head.index("argmax_flips")] for line in lines] == [
        "" if pd.isna(n) else str(n) for n in table["argmax_flips"]
    ]


def test_first_bad_version_is_the_first_reader_after_the_writer() -> None:
    """
    Files of 2.12 break at the change of Keras, and no earlier reader is blamed.
    """
    found = analysis.rows(analysis.firsts(TABLE, "tf-2.12"))
    keras = next(row for row in found if row["format"] == "saved_model")

    assert keras["loaded_with"] == "tf-2.16"
    assert keras["cells"] == 17


def test_what_is_broken_at_home_is_not_blamed_on_a_later_version() -> None:
    """
    A cell that fails in its own environment has no first bad version.
    """
    home = [
        replace(one, status=Status.FAIL) if one.cell.writer == one.cell.reader == "tf-2.12" else one
        for one in RUN.results
    ]

    assert analysis.firsts(analysis.frame(home), "tf-2.12").empty


def test_failures_are_grouped_and_none_is_lost() -> None:
    """
    The groups of a pair hold exactly its measured cells that are not P.
    """
    groups = analysis.rows(analysis.failures(analysis.pair(TABLE, *RUN.focus)))
    found = letters(RUN, *RUN.focus)

    assert sum(row["cells"] for row in groups) == sum(found[letter] for letter in "RDFTC")
    assert [row["cells"] for row in groups] == sorted((row["cells"] for row in groups), reverse=True)


def test_a_broken_environment_is_unknown_not_unsupported() -> None:
    """
    Whether it has a format cannot be asked of an environment that could not be built.
    """
    rows = analysis.rows(analysis.offered(TABLE))
    answers = {(row["format"], row["saved_with"]): row["offered"] for row in rows}

    assert answers["export", "tf-2.9"] == "unknown"
    assert answers["export", "tf-2.12"] == "no"
    assert answers["export", "tf-2.13"] == "yes"


def test_rollback_counts_files_not_cells() -> None:
    """
    `bare` and `custom_objects` share a file, so it is counted once.
    """
    (row,) = analysis.rows(analysis.rollback(TABLE, "tf-2.21", "tf-2.15"))
    read = [
        result
        for result in RUN.results
        if (result.cell.writer, result.cell.reader) == ("tf-2.21", "tf-2.15") and result.status.measured
    ]
    working = {result.cell.save for result in read if result.status in {Status.PASS, Status.REMEDIED}}

    assert row["files"] == len({result.cell.save for result in read})
    assert row["as_it_is"] + row["changed"] == len(working)


def test_trouble_on_the_diagonal_is_called_out() -> None:
    """
    Only cells of an environment with its own files, and only those that do not simply work.
    """
    trouble = analysis.own_trouble(TABLE)

    assert len(trouble)
    assert (trouble["saved_with"].astype(str) == trouble["loaded_with"].astype(str)).all()
    assert set(trouble["status"]) <= set("RDFTC")


def test_grid_has_scenarios_down_and_formats_across() -> None:
    """
    The pair table holds the letters themselves.
    """
    grid = analysis.grid(TABLE, *RUN.focus)

    assert grid.loc[("subclassed", "bare"), "h5"] == "S"
    assert list(grid.columns) == ["h5", "keras", "saved_model", "export", "weights_h5"]


def test_parquet_is_the_table(tmp_path: Path) -> None:
    """
    All columns and cells come back, with letters that are in order, also where a text was cut in a character.
    """
    pytest.importorskip("pyarrow")
    results = [replace(RUN.results[0], reason="half \ud800 a pair"), *RUN.results[1:]]
    table = analysis.frame(results)
    path = tmp_path / "results.parquet"

    path.write_bytes(analysis.parquet(table))

    back = pd.read_parquet(path)
    assert list(back.columns) == list(analysis.COLUMNS)
    assert [list(map(str, row)) for row in back.to_numpy()] == [list(map(str, row)) for row in table.to_numpy()]
    assert list(back["status"].cat.categories) == list(table["status"].cat.categories)
    assert back["reason"][0] == "half ? a pair"


def test_what_writes_parquet_is_asked_for_in_a_sentence() -> None:
    """
    Without pyarrow the user learns how to get it, and that the CSV has the same.
    """
    with pytest.raises(UsageError, match=r"pip install 'keras-matrix\[parquet\]'\. results\.csv holds the same"):
        analysis.can_write_parquet(lambda _: None)
    analysis.can_write_parquet(lambda name: name)


def test_what_is_known_is_a_column() -> None:
    """
    Cells of which `known.toml` says nothing have nothing there, and so have runs of an earlier edition.
    """
    first, second = RUN.results[:2]

    table = analysis.frame([first, second], known={second.cell: "expected"})

    assert list(table["known"]) == ["", "expected"]
