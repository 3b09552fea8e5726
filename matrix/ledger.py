"""The local index of results: judged once, found by thousands at once.

A SQLite file beside the records. It holds nothing that the records do not say, so it may be lost, damaged or of
another edition: then it is made anew, from the records that are asked for. Texts that thousands of cells share stand
in it once. Only the run that owns the store writes; others look, and wait for nobody.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import StoreFailed
from .failpoints import reach
from .model import Cell, Stage, Status
from .results import Attempt, Result

EDITION = 3
COMMIT_ROWS = 256
COMMIT_SECONDS = 1.0
_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, judge TEXT NOT NULL, cell TEXT NOT NULL, row TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tracebacks (digest TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
"""
# https://www.sqlite.org/rescode.html
_DISK = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_DAMAGE = {sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_READONLY_DBMOVED}  # it was cut off, or is another file
_STATUS = {str(status): status for status in Status}
_STAGE = {str(stage): stage for stage in Stage}
Row = list[Any]


class Ledger:
    """Results by the keys of their cells. Safe for several threads; other processes may read meanwhile.

    Args:
        path: of the SQLite file.
        ours: whether we are the one who writes it; else what we are told is remembered by this process only.
    """

    def __init__(self, path: Path, *, ours: bool = True) -> None:
        self.path = path
        self.ours = ours
        self._lock = threading.Lock()
        self._texts: dict[int, str] = {}
        self._ids: dict[str, int] = {}
        self._tracebacks: dict[str, str] = {}
        self._pending = 0
        self._since = time.monotonic()
        self._database = self._opened()

    def results(self, wanted: Mapping[str, tuple[Cell, str]]) -> dict[Cell, Result]:
        """Return what is known of some cells.

        Args:
            wanted: key → the cell, and the name of the judge; what another judge said is not known.
        """
        query = "SELECT results.key, judge, row FROM json_each(?) AS asked JOIN results ON results.key = asked.value"
        rows = self._asked(query, json.dumps(list(wanted)))
        self._learn()
        found = {}
        for key, judge, row in rows:
            cell, now = wanted[key]
            if judge == now:
                with suppress(LookupError, ValueError, TypeError):  # a row of another edition: judged again
                    found[cell] = self._result(cell, json.loads(row))
        return found

    def keep(self, key: str, judge: str, result: Result) -> None:
        """Remember a result. Raises StoreFailed when the disk does not take it."""

        def write() -> None:
            row = json.dumps(self._row(result), separators=(",", ":"))
            self._database.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", (key, judge, result.cell.id, row)
            )

        self._write(write)

    def keep_traceback(self, digest: str, text: str) -> None:
        """Remember a traceback as people read it, once. Raises StoreFailed when the disk does not take it."""
        if digest not in self._tracebacks:
            stored = text.encode("utf-8", "backslashreplace").decode()
            insert = "INSERT OR IGNORE INTO tracebacks VALUES (?, ?)"
            self._write(lambda: self._database.execute(insert, (digest, stored)))
            self._tracebacks[digest] = stored

    def tracebacks(self, digests: Iterable[str]) -> dict[str, str]:
        """Return tracebacks by their digests."""
        query = "SELECT digest, text FROM json_each(?) AS asked JOIN tracebacks ON digest = asked.value"
        wanted = set(digests)
        heard = {digest: text for digest, text in self._tracebacks.items() if digest in wanted}
        return dict(self._asked(query, json.dumps(sorted(wanted)))) | heard

    def history(self, cell: str) -> tuple[str, ...]:
        """Return the keys under which a cell, by its id, was ever measured."""
        rows = self._asked("SELECT key FROM results WHERE cell = ?", cell)
        return tuple(key for (key,) in rows)

    def settle(self) -> None:
        """Write what is pending, so that others may."""
        with self._lock, suppress(sqlite3.DatabaseError):  # what was not written is in the records
            self._commit()

    def close(self) -> None:
        """Write what is pending."""
        self.settle()
        with self._lock:
            self._database.close()

    def _asked(self, query: str, value: str | int) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._database.execute(query, (value,)).fetchall()
            except sqlite3.DatabaseError as error:
                self._anew(error)
                return []

    def _write(self, do: Callable[[], object]) -> None:
        if not self.ours:
            return
        with self._lock:
            try:
                do()
                self._pending += 1
                if self._pending >= COMMIT_ROWS or time.monotonic() - self._since > COMMIT_SECONDS:
                    self._commit()
            except sqlite3.DatabaseError as error:
                self._anew(error)

    def _commit(self) -> None:
        reach("ledger.before_commit")
        self._database.commit()
        self._pending, self._since = 0, time.monotonic()

    def _opened(self) -> sqlite3.Connection:
        try:
            return _prepared(str(self.path) if self.ours else f"{self.path.absolute().as_uri()}?mode=ro")
        except sqlite3.DatabaseError as error:
            return self._empty(error)

    def _anew(self, error: sqlite3.DatabaseError) -> None:
        """Begin with nothing: the file is damaged. Raises StoreFailed when it is the disk instead."""
        with suppress(sqlite3.DatabaseError):
            self._database.close()
        self._database = self._empty(error)
        self._texts, self._ids, self._tracebacks, self._pending = {}, {}, {}, 0

    def _empty(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        if not self.ours:
            return _prepared(":memory:")
        try:
            if _of_the_disk(error):
                raise error
            for ending in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
            return _prepared(str(self.path))
        except (sqlite3.DatabaseError, OSError) as problem:
            raise StoreFailed(self.path, problem) from None

    # Rows

    def _learn(self) -> None:
        last = max(self._texts, default=0)
        rows = self._asked("SELECT id, text FROM texts WHERE id > ?", last)
        self._texts.update(dict(rows))

    def _id(self, text: str) -> int:
        """Return the number of a text; 0 for none. Called with the lock held."""
        if not text:
            return 0
        known = self._ids.get(text)
        if known is None:
            stored = text.encode("utf-8", "backslashreplace").decode()
            self._database.execute("INSERT OR IGNORE INTO texts (text) VALUES (?)", (stored,))
            (known,) = self._database.execute("SELECT id FROM texts WHERE text = ?", (stored,)).fetchone()
            self._ids[text] = known
        return int(known)

    def _row(self, result: Result) -> Row:
        attempts = [self._attempt_row(one) for one in result.attempts]
        words = [self._id(text) for text in (result.reason, result.remedy, result.container, result.cause)]
        return [str(result.status), *words, attempts]

    def _attempt_row(self, one: Attempt) -> Row:
        words = [
            self._id(text) for text in (one.rung, one.exception, one.message, one.signature, one.traceback, one.lost)
        ]
        numbers = [one.max_abs_error, one.max_rel_error, one.argmax_flips, one.seconds]
        return [str(one.status), str(one.stage), *words, *numbers]

    def _result(self, cell: Cell, row: Row) -> Result:
        status, reason, remedy, container, cause, attempts = row
        texts = self._texts
        return Result(
            cell=cell,
            status=_STATUS[status],
            attempts=tuple([self._attempt(one) for one in attempts]),
            reason=texts[reason] if reason else "",
            remedy=texts[remedy] if remedy else "",
            container=texts[container] if container else "",
            cause=texts[cause] if cause else "",
        )

    def _attempt(self, row: Row) -> Attempt:
        status, stage, rung, exception, message, signature, traceback, lost, *numbers = row
        largest, relative, flips, seconds = numbers
        texts = self._texts
        return Attempt(
            rung=texts[rung],
            status=_STATUS[status],
            stage=_STAGE[stage],
            exception=texts[exception] if exception else "",
            message=texts[message] if message else "",
            signature=texts[signature] if signature else "",
            traceback=texts[traceback] if traceback else "",
            max_abs_error=largest,
            max_rel_error=relative,
            argmax_flips=flips,
            lost=texts[lost] if lost else "",
            seconds=seconds,
        )


def _prepared(place: str) -> sqlite3.Connection:
    """Open a database of this edition, its tables made where there are none yet. Raises DatabaseError."""
    database = sqlite3.connect(place, timeout=30, check_same_thread=False, uri=place.startswith("file:"))
    try:
        (edition,) = database.execute("PRAGMA user_version").fetchone()
        if not edition:
            database.executescript(f"{_TABLES}PRAGMA user_version = {EDITION};")
        database.execute("SELECT 1 FROM results, texts LIMIT 1").fetchone()
    except sqlite3.DatabaseError:
        database.close()
        raise
    if edition not in {0, EDITION}:
        database.close()
        raise sqlite3.DatabaseError(f"edition {edition}")
    return database


def _of_the_disk(error: sqlite3.DatabaseError) -> bool:
    """Whether it is not the file that is damaged: the disk is full, say, or somebody holds the lock."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _DISK and code not in _DAMAGE
