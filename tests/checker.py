"""What holds after every fault: the nine invariants, checked from the outside.

    1  no lost ack          what the engine called done has a whole record, whatever killed it afterwards
    2  no false pass        behind each P and R are a child that ended well, equal numbers, and an unchanged artifact
    3  completeness         each planned cell has one result, and only a stopped run leaves cells that were not run
    4  resume equivalence   the same command again gives what a calm run gives, and measures nothing twice
    5  store integrity      what stands under a key is whole and has its digest; no draft is left
    6  no leftovers         no process, no temporary folder, no lock
    7  non-interference     cells that the fault did not touch are as they are in a calm run
    8  bounded              no file descriptor is left open
    9  blame                no letter about TensorFlow comes from a fault of ours: what differs is `E` or `.`

Nothing here uses the engine's own words about itself where there is another way to know.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from matrix.artifact import ArtifactError, tree_digest
from matrix.model import Cell, Status, digest
from matrix.protocol import ProtocolError
from matrix.records import unpacked
from matrix.results import Attempt, Result
from matrix.store import SCHEMA

Told = Mapping[str, tuple[object, ...]]
DEATH_SECONDS = 15.0
PASSED = {Status.PASS, Status.REMEDIED}
OURS = {str(Status.ENVIRONMENT), str(Status.NOT_RUN)}


def told(results: Sequence[Result]) -> Told:
    """Return all that a report says of each cell, by its id, but how long it took."""
    return {
        one.cell.id: (
            str(one.status),
            one.reason,
            one.remedy,
            one.container,
            tuple(_timeless(attempt) for attempt in (*one.attempts, *filter(None, [one.writer_error]))),
        )
        for one in results
    }


def _timeless(attempt: Attempt) -> tuple[object, ...]:
    return astuple(replace(attempt, seconds=0.0))


@dataclass(frozen=True)
class Records:
    """The records of a store, by the ids in them, read without its code."""

    root: Path

    @cached_property
    def all(self) -> dict[Path, Any]:
        """What stands in each file of a record; None where it is no JSON."""
        return {path: _json(path) for path in sorted((self.root / "results").glob("*/*"))}

    @cached_property
    def saves(self) -> dict[str, tuple[Path, Mapping[str, Any]]]:
        """Save → its file and its record."""
        return {one["save"]: (path, one) for path, one in self.all.items() if isinstance(one, dict) and "save" in one}

    @cached_property
    def cells(self) -> dict[str, tuple[Path, Mapping[str, Any]]]:
        """Cell → its file and its record."""
        return {one["cell"]: (path, one) for path, one in self.all.items() if isinstance(one, dict) and "cell" in one}

    def artifact(self, save: str) -> Path:
        """Return where the artifact of a save has to be."""
        path, record = self.saves[save]
        return self.root / "artifacts" / path.stem[:2] / path.stem / str(record["file"])


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


def unsound(root: Path) -> list[str]:
    """Return what is wrong with a store: half of something, a wrong digest, a draft, or an index that is damaged."""
    return [*_drafts(root), *_torn_records(root), *_torn_files(root), *_damaged_index(root)]


def _drafts(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        if path.name.startswith(".") or path.parent == root / "desk":
            yield f"{path} is a draft"


def _torn_records(root: Path) -> Iterator[str]:
    records = Records(root)
    for path, record in records.all.items():
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            yield f"{path} is no record"
            continue
        said = record["said"] if isinstance(record["said"], list) else [record["said"]]
        try:
            for facts in said:
                unpacked(facts, lambda key: (root / "tracebacks" / key[:2] / f"{key}.txt").read_text("utf-8"))
        except (ProtocolError, OSError) as error:
            yield f"{path}: {error}"
    for save, (_, record) in records.saves.items():
        if record["file"] and _digest(records.artifact(save)) != record["digest"]:
            yield f"the artifact of {save} is not what its writer left"


def _digest(path: Path) -> str:
    try:
        return tree_digest(path)
    except (ArtifactError, OSError) as error:
        return str(error)


def _torn_files(root: Path) -> Iterator[str]:
    for path in root.glob("tracebacks/*/*"):
        if digest(path.read_text("utf-8")) != path.stem:
            yield f"{path} is not the traceback of its name"
    for path in root.glob("facts/*/*"):
        if not isinstance(_json(path), dict):
            yield f"{path} holds no facts"
    kept = {path.stem for path in root.glob("results/*/*")}
    for path in root.glob("artifacts/*/*"):
        if path.name not in kept:
            yield f"{path} has no record"


def _damaged_index(root: Path) -> Iterator[str]:
    path = root / "ledger.sqlite"
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as database:
        try:
            found = [row[0] for row in database.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:
            found = [str(error)]
    if found != ["ok"]:
        yield f"{path}: {found}"


def false_passes(root: Path, results: Sequence[Result]) -> list[str]:
    """Return what speaks against some of the passes, by what the workers said and by the bytes of the artifacts."""
    records = Records(root)
    return [doubt for one in results if one.status in PASSED for doubt in _doubts(records, one)]


def _doubts(records: Records, result: Result) -> Iterator[str]:
    cell = result.cell
    (_, read), (_, written) = records.cells[cell.id], records.saves[cell.save.id]
    passed = [number for number, one in enumerate(result.attempts) if one.status is Status.PASS]
    if not passed:
        yield f"{cell.id}: nothing passed"
    if _digest(records.artifact(cell.save.id)) != written["digest"]:
        yield f"{cell.id}: its artifact was changed"
    for number in passed:
        said = read["said"][number]
        if said["ending"] != "exited" or "loaded" not in (said["answer"] or {}):
            yield f"{cell.id}: its child {said['ending']} and said {said['answer']}"
        elif not _equal(written["said"]["answer"]["saved"]["outputs"], said["answer"]["loaded"]["outputs"]):
            yield f"{cell.id}: the numbers differ"


def _equal(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    one, other = (
        np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"]).reshape(packed["shape"])
        for packed in (ours, theirs)
    )
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-4, atol=1e-5))


def processes(cookie: Path) -> list[str]:
    """Return the processes of this machine in whose variables a folder stands."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(cookie).encode() in (path / "environ").read_bytes():
                found.append(f"{path.name} {(path / 'cmdline').read_bytes()!r}")
        except OSError:  # it ended while we looked
            continue
    return [one for one in found if not one.startswith(f"{os.getpid()} ")]


def survivors(cookie: Path, seconds: float = DEATH_SECONDS) -> list[str]:
    """Return the processes that a run has left behind, some seconds after it ended."""
    end = time.monotonic() + seconds
    while (alive := processes(cookie)) and time.monotonic() < end:
        time.sleep(0.02)
    return alive


def folders(cookie: Path) -> list[str]:
    """Return the folders of workers that nobody has cleared away."""
    return [str(path) for path in cookie.rglob("matrix-*") if path.is_dir()]


def locked(root: Path) -> bool:
    """Whether some process owns a store."""
    if not (root / "owner").exists():
        return False
    with (root / "owner").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def descriptors() -> int:
    """Return how many file descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@dataclass
class Checker:
    """The invariants of one run that is disturbed and then goes on.

    Attributes:
        root: of the store.
        cookie: a folder that stands in the variables of each of its processes.
        calm: what an undisturbed run says.
        touched: cells that the fault may change for good, e.g. one that kills its worker each time.
        done: ids that were acknowledged so far.
    """

    root: Path
    cookie: Path
    calm: Told
    touched: frozenset[str] = frozenset()
    done: set[str] = field(default_factory=set)
    open_before: int = field(default_factory=descriptors)

    def survived(self, acknowledged: Sequence[str] = ()) -> None:
        """Check what holds at any time after a run has ended, however it did: 1, 6, 8."""
        self.done |= set(acknowledged)
        records = Records(self.root)
        there = {**records.cells, **records.saves}
        _none(name for name in self.done if name not in there)
        _none(survivors(self.cookie))
        assert not locked(self.root)
        assert descriptors() <= self.open_before

    def blamed(self, results: Sequence[Result]) -> None:
        """Check what holds for the results of any run, also of one that was cut short: 2, 7, 9."""
        found = told(results)
        _none(
            f"{name}: {found[name]} instead of {self.calm[name]}"
            for name in found
            if name not in self.touched and found[name] != self.calm[name] and found[name][0] not in OURS
        )
        _none(false_passes(self.root, results))

    def settled(self, results: Sequence[Result], planned: Sequence[Cell], asked: Sequence[str] = ()) -> None:
        """Check what holds when the run has come to its end at last: all nine.

        Args:
            results: what it says of every cell.
            planned: the cells of its plan.
            asked: ids of what was measured since the last `survived`.
        """
        self.survived()
        self.blamed(results)
        assert [one.cell for one in results] == list(planned)
        _none(set(asked) & self.done)
        found = told(results)
        _none({name for name in found if found[name] != self.calm[name]} - self.touched)
        _none(unsound(self.root))
        _none(folders(self.cookie))


def _none(complaints: Iterable[str]) -> None:
    found = sorted(complaints)
    assert not found, "\n".join(found)
