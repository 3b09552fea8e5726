"""Records and their index are damaged: what cannot be understood is measured again, and the rest is found."""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from checker import Records, told
from ordeals import Ordeal, measured
from small import Small

from matrix.backends.process import WorkerProcess
from matrix.model import Format
from matrix.protocol import Request

BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: data[:0],
    "cut-off": lambda data: data[:99],
    "no-text": lambda data: b"\xff" + data,
    "a-digit": lambda data: data.replace(b"0", b"1", 1),
    "another-cell": lambda data: data.replace(b"plain_fake", b"other_fake"),
    "without-its-sum": lambda data: data.rpartition(b", ")[0] + b"}",
}
SAID: tuple[object, ...] = (None, "well", 7, [], {}, ["well"], [[]], [None])
ANSWERS: tuple[object, ...] = (
    "well",
    [1],
    {"saved": {}, "loaded": {}},
    {"loaded": {"outputs": 7, "state": 1}},
    {"saved": {"inputs": 7, "outputs": {"list": []}, "state": 1}},
    {"raised": "well"},
    {"raised": 7},
    {"raised": [1, 2]},
    {"raised": [{"frames": 7}]},
)


def changed(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Everything that can happen to a record, by name: to its bytes, or by a matrix that writes another form."""
    record = json.loads(data)
    record.pop("sum")
    yield from ((name, change(data)) for name, change in BYTES.items())
    yield "another-schema", sealed({**record, "schema": 99})
    yield "a-list", sealed([record])
    yield "nothing-said", sealed({name: value for name, value in record.items() if name != "said"})
    for said in SAID:
        yield f"said {said}", sealed({**record, "said": said})
    for answer in ANSWERS:
        yield f"answer {answer}", sealed({**record, "said": _answering(record["said"], answer)})


def sealed(record: object) -> bytes:
    """Return a record as a matrix of another edition would have written it: with its sum."""
    data = json.dumps(record).encode()
    return data[:-1] + b', "sum": %d}' % zlib.crc32(data[:-1])


def _answering(said: Any, answer: object) -> object:
    return [{**one, "answer": answer} for one in said] if isinstance(said, list) else {**said, "answer": answer}


@pytest.mark.parametrize("kind", ["cells", "saves"])
def test_fault_24_a_record_that_cannot_be_understood_is_measured_again(
    fake_environment: Path, tmp_path: Path, kind: str
) -> None:
    """
    Whatever was done to it, nobody believes it; the run measures that cell or save again, keeps what is found, and
    ends as a calm one.
    """
    ordeal = Ordeal(measured(Small(tmp_path, fake_environment, formats=(Format.H5,))))
    (ordeal.small.store / "ledger.sqlite").unlink()  # it would answer for a cell
    records = Records(ordeal.small.store)
    ((id_, (path, _)),) = (records.cells if kind == "cells" else records.saves).items()
    whole = path.read_bytes()

    def known() -> set[str]:
        saves, cells = ordeal.small.engine().known
        return {save.id for save in saves} | {cell.id for cell in cells}

    assert id_ in known()
    for name, data in changed(whole):
        path.write_bytes(data)
        assert id_ not in known(), name

    outcome = ordeal.here()

    assert told(outcome.results) == ordeal.calm
    assert id_ in ordeal.small.journal.read("asked")
    ordeal.settled_here(outcome)


SPOILED: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"garbage " * 4000),
    "cut-off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "deleted": Path.unlink,
    "a-bit": lambda path: _overwritten(path, 4200),
    "zeros-inside": lambda path: _overwritten(path, 100, b"\0" * 12000),
    "another-edition": lambda path: _sql(path, "PRAGMA user_version = 99"),
    "a-table-less": lambda path: _sql(path, "DROP TABLE results"),
    "a-column-less": lambda path: _sql(path, "ALTER TABLE results DROP COLUMN judge"),
    "other-rows": lambda path: _sql(path, "UPDATE results SET row = '[1]'"),
    "other-texts": lambda path: _sql(path, "DELETE FROM texts"),
    "no-write-ahead": lambda path: path.with_name(path.name + "-wal").write_bytes(b"garbage " * 4000),
}


def _overwritten(path: Path, at: int, data: bytes = b"\xff" * 64) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def _sql(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_fault_25_a_spoiled_index_is_made_anew_from_the_records(
    fake_environment: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    """
    The same report as before, and nothing is measured again.
    """
    ordeal = Ordeal(measured(Small(tmp_path, fake_environment, formats=(Format.H5,))))
    spoil(ordeal.small.store / "ledger.sqlite")

    outcome = ordeal.here()

    assert told(outcome.results) == ordeal.calm
    assert ordeal.small.journal.read("asked") == []
    ordeal.settled_here(outcome)


@pytest.mark.parametrize("name", ["garbage", "cut-off", "empty", "deleted", "zeros-inside"])
def test_fault_25_an_index_that_is_spoiled_during_a_run_costs_nothing(
    fake_environment: Path, tmp_path: Path, name: str
) -> None:
    """
    The run ends as a calm one, and so does the next.
    """
    ordeal = Ordeal(Small(tmp_path, fake_environment))
    requests: list[Request] = []

    def fate(_name: str, _worker: WorkerProcess, request: Request) -> None:
        requests.append(request)
        if len(requests) == 2:
            SPOILED[name](ordeal.small.store / "ledger.sqlite")

    outcome = ordeal.here(ordeal.perilous(fate))

    assert told(outcome.results) == ordeal.calm
    ordeal.survived()
    ordeal.ends()
