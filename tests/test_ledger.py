"""The local index of results."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from values import CELL

from matrix.errors import StoreFailed
from matrix.ledger import COMMIT_ROWS, EDITION, Ledger
from matrix.model import Cell, Format, Stage, Status
from matrix.results import Attempt, Result

OWN = Attempt(
    rung="own way",
    status=Status.FAIL,
    stage=Stage.CONFIG,
    exception="ValueError",
    message='Unknown layer: "Ä\u2028" \ud800 \x00 end',
    signature="ValueError: Unknown layer",
    traceback="ab" * 32,
    seconds=0.25,
)
HELPED = Attempt(
    rung="custom_objects",
    status=Status.PASS,
    stage=Stage.COMPARE,
    max_abs_error=1e-7,
    max_rel_error=math.inf,
    argmax_flips=0,
    seconds=1e-9,
)
RESULT = Result(cell=CELL, status=Status.REMEDIED, attempts=(OWN, HELPED), remedy="custom_objects", container="hdf5")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger may be."""
    return tmp_path / "ledger.sqlite"


def kept(path: Path, *results: Result) -> None:
    """Keep results under the ids of their cells, and go away."""
    with closing(Ledger(path)) as ledger:
        for result in results:
            ledger.keep(result.cell.id, "judge", result)


def known(ledger: Ledger, *cells: Cell, judge: str = "judge") -> dict[Cell, Result]:
    """What a ledger says of cells."""
    return ledger.results({cell.id: (cell, judge) for cell in cells})


def test_what_was_kept_is_found_by_another_process(path: Path) -> None:
    """
    Every field of every attempt, whatever is in it; only what UTF-8 cannot hold is written out.
    """
    kept(path, RESULT)

    with closing(Ledger(path)) as ledger:
        found = known(ledger, CELL)[CELL]

    said = OWN.message.replace("\ud800", "\\ud800")
    assert found == replace(RESULT, attempts=(replace(OWN, message=said), HELPED))


@pytest.mark.parametrize("status", Status)
def test_every_letter_is_kept(path: Path, status: Status) -> None:
    """
    With its reason, where it has one.
    """
    result = Result(cell=CELL, status=status, reason="because" if not status.measured else "")
    kept(path, result)

    with closing(Ledger(path)) as ledger:
        assert known(ledger, CELL) == {CELL: result}


def test_what_another_judge_said_is_not_known(path: Path) -> None:
    """
    Another tolerance, or another edition of the judge, judges again.
    """
    kept(path, RESULT)

    with closing(Ledger(path)) as ledger:
        assert known(ledger, CELL, judge="another") == {}


def test_the_last_word_counts(path: Path) -> None:
    """
    A cell that is judged again has one row.
    """
    again = replace(RESULT, status=Status.DRIFT)
    kept(path, RESULT, again)

    with closing(Ledger(path)) as ledger:
        assert known(ledger, CELL)[CELL].status is Status.DRIFT
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM results").fetchone() == (1,)


def test_texts_that_cells_share_are_stored_once(path: Path) -> None:
    """
    A thousand cells that fail alike take little more than one.
    """
    cells = [replace(CELL, writer=f"tf-{number}") for number in range(1000)]
    kept(path, *(replace(RESULT, cell=cell) for cell in cells))

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM texts").fetchone()[0] < 10
    with closing(Ledger(path)) as ledger:
        assert len(known(ledger, *cells)) == 1000


def test_tracebacks_and_history(path: Path) -> None:
    """
    A traceback is found by its digest, and all keys of a cell by its id.
    """
    with closing(Ledger(path)) as ledger:
        ledger.keep_traceback("ab", "File \ud800")
        ledger.keep_traceback("ab", "another text under the same digest")
        ledger.keep("one", "judge", RESULT)
        ledger.keep("two", "judge", RESULT)

    with closing(Ledger(path)) as ledger:
        assert ledger.tracebacks(["ab", "ab", "cd"]) == {"ab": "File \\ud800"}
        assert set(ledger.history(CELL.id)) == {"one", "two"}
        assert ledger.history("another") == ()


@pytest.mark.parametrize(
    "row",
    [
        "",
        "no json",
        "[]",
        "[1,2,3,4,5]",
        '["P",0,0,0]',
        '["X",0,0,0,[]]',
        '["P",99,0,0,[]]',
        '["P",0,0,0,[[1]]]',
        "{}",
        "7",
    ],
)
def test_a_row_that_cannot_be_understood_is_not_known(path: Path, row: str) -> None:
    """
    It is judged again from its record, and the others are found.
    """
    other = replace(CELL, format=Format.KERAS)
    kept(path, RESULT, replace(RESULT, cell=other))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE results SET row = ? WHERE cell = ?", (row, CELL.id))

    with closing(Ledger(path)) as ledger:
        assert known(ledger, CELL, other).keys() == {other}


def test_many_threads_write_at_once(path: Path) -> None:
    """
    Nothing is lost or mixed up between them.
    """
    cells = [replace(CELL, writer=f"w{w}", reader=f"r{r}") for w, r in product(range(8), range(100))]
    results = {cell: replace(RESULT, cell=cell, attempts=(replace(OWN, message=cell.id),)) for cell in cells}

    with closing(Ledger(path)) as ledger, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda cell: ledger.keep(cell.id, "judge", results[cell]), cells))
        assert known(ledger, *cells) == results


def test_another_process_sees_what_is_settled_and_waits_for_nobody(path: Path) -> None:
    """
    While a run holds its rows back, whoever looks gets those that were written, at once; what it learns itself stays
    with it.
    """
    other = replace(CELL, format=Format.KERAS)
    with closing(Ledger(path)) as ours:
        ours.keep(CELL.id, "judge", RESULT)
        ours.settle()
        ours.keep(other.id, "judge", replace(RESULT, cell=other))
        with closing(Ledger(path, ours=False)) as theirs:
            assert known(theirs, CELL, other).keys() == {CELL}
            theirs.keep(other.id, "judge", replace(RESULT, cell=other))
            theirs.keep_traceback("ab", "text")
            assert theirs.tracebacks(["ab"]) == {"ab": "text"}
        ours.settle()

    with closing(Ledger(path)) as ledger:
        assert known(ledger, CELL, other).keys() == {CELL, other}
        assert ledger.tracebacks(["ab"]) == {}


def test_who_only_looks_makes_no_file(path: Path) -> None:
    """
    A ledger that is not there, or is damaged, is an empty one to somebody else, who leaves it alone.
    """
    with closing(Ledger(path, ours=False)) as ledger:
        assert known(ledger, CELL) == {}
    assert not path.exists()

    path.write_bytes(b"garbage " * 1000)
    with closing(Ledger(path, ours=False)) as ledger:
        assert known(ledger, CELL) == {}
    assert path.read_bytes() == b"garbage " * 1000


def test_rows_are_written_in_portions(path: Path) -> None:
    """
    So many at a time, also when nobody asks for it.
    """
    with closing(Ledger(path)) as ledger:
        for number in range(COMMIT_ROWS):
            ledger.keep(str(number), "judge", RESULT)
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT count(*) FROM results").fetchone() == (COMMIT_ROWS,)


def test_a_disk_that_is_full_is_said(path: Path) -> None:
    """
    StoreFailed names the place; it is not taken for damage, and the file stays.
    """
    kept(path, RESULT)
    size = path.stat().st_size
    with closing(Ledger(path)) as ledger:
        ledger._database.execute("PRAGMA max_page_count = 1")

        with pytest.raises(StoreFailed, match="full"):
            ledger.keep("big", "judge", replace(RESULT, attempts=(replace(OWN, message="x" * 10_000_000),)))

    assert path.stat().st_size >= size
    with closing(Ledger(path)) as ledger:
        assert CELL in known(ledger, CELL)


def a_folder(path: Path) -> None:
    """Stand in the way."""
    path.mkdir()


def nowhere(path: Path) -> None:
    """Be below something that is no folder."""
    path.parent.rmdir()
    path.parent.write_text("file", "utf-8")


@pytest.mark.parametrize("obstacle", [a_folder, nowhere], ids=lambda item: item.__name__)
def test_a_place_where_no_file_can_be_is_said(tmp_path: Path, obstacle: Callable[[Path], None]) -> None:
    """
    StoreFailed names it.
    """
    path = tmp_path / "root" / "ledger.sqlite"
    path.parent.mkdir()
    obstacle(path)

    with pytest.raises(StoreFailed, match=r"ledger\.sqlite"):
        Ledger(path)


def test_another_edition_is_made_anew(path: Path) -> None:
    """
    It is no error: the records are judged again.
    """
    kept(path, RESULT)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"PRAGMA user_version = {EDITION + 1}")

    with closing(Ledger(path)) as ledger:
        assert known(ledger, CELL) == {}
        ledger.keep(CELL.id, "judge", RESULT)
        assert CELL in known(ledger, CELL)
