"""What was measured, kept: create-only records under their keys, and the artifacts that saves left behind.

    <root>/results/<ab>/<key>.json      what the workers said about one cell or one save
    <root>/artifacts/<ab>/<key>/        the files of one save
    <root>/tracebacks/<ab>/<key>.txt    each once
    <root>/facts/<ab>/<key>.json        what a worker found in its environment
    <root>/quarantine/<key>/            artifacts that were damaged after they were saved
    <root>/ledger.sqlite                the judged results, an index that is rebuilt from the records

A record appears whole or not at all: it is written on a desk, synchronised and renamed. What cannot be read, or has
another sum than when it was written, is measured again. With a shared cache, what is not here is looked for there, and
what is new goes there too.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from . import artifact
from .errors import Incomplete, StoreFailed
from .failpoints import reach
from .ledger import Ledger

SCHEMA = 1
SUM = b', "sum": '


class Store:
    """The records below one folder. Safe for several threads.

    Whatever cannot be written raises StoreFailed: nothing is called done that is not on the disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._owned = False
        self._tracebacks: dict[str, str] = {}

    @cached_property
    def ledger(self) -> Ledger:
        """The judged results; only the run that owns this store writes there."""
        return Ledger(self.root / "ledger.sqlite", ours=self._owned)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of a key; None when there is none that can be read."""
        try:
            data = self._place("results", key, ".json").read_bytes()
            record = json.loads(data)
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(record, dict) or record.get("schema") != SCHEMA or record.pop("sum", 0) != _sum(data):
            return None
        return record

    def keys(self) -> frozenset[str]:
        """Return the keys of all records, by one look at each folder."""
        found: set[str] = set()
        try:
            for folder in os.scandir(self.root / "results"):
                found.update(item.name[:-5] for item in os.scandir(folder) if item.name.endswith(".json"))
        except FileNotFoundError:
            return frozenset()
        return frozenset(found)

    def put(self, key: str, record: Mapping[str, object]) -> None:
        """Keep a record; it replaces one that could not be read."""
        data = json.dumps({"schema": SCHEMA, **record}).encode()
        self._write(self._place("results", key, ".json"), data[:-1] + SUM + f"{_sum(data)}}}".encode())

    def facts(self, key: str) -> dict[str, Any] | None:
        """Return what a worker found in the environment with this fingerprint; None when none has looked."""
        try:
            found = json.loads(self._place("facts", key, ".json").read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put_facts(self, key: str, facts: Mapping[str, object]) -> None:
        """Keep what a worker found in an environment."""
        self._write(self._place("facts", key, ".json"), json.dumps(facts).encode())

    def traceback(self, key: str) -> str:
        """Return a traceback by its digest; empty when it is not there, or cannot be read."""
        if key not in self._tracebacks:
            try:
                text = self._place("tracebacks", key, ".txt").read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return ""
            self._tracebacks[key] = text
        return self._tracebacks[key]

    def put_traceback(self, key: str, text: str) -> None:
        """Keep a traceback once; it replaces one that was damaged."""
        if key in self._tracebacks:
            return
        if self.traceback(key) != text:
            self._write(self._place("tracebacks", key, ".txt"), text.encode("utf-8", "backslashreplace"))
        self._tracebacks[key] = text

    @contextmanager
    def desk(self) -> Iterator[Path]:
        """Give a new folder for artifacts that are being written; what `keep` did not take is removed afterwards."""
        folder = self.root / "desk" / uuid.uuid4().hex
        with _kept(folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, path: Path, key: str) -> Path:
        """Move an artifact from a desk to its place, and return the place."""
        place = self.place(key, path.name)
        with _kept(place):
            if place.parent.exists():  # of a save whose record was lost
                shutil.rmtree(place.parent)
            place.parent.mkdir(parents=True)
            reach("store.before_move")
            path.rename(place)
            reach("store.after_move")
        return place

    def place(self, key: str, name: str) -> Path:
        """Return where the artifact of a save is kept, under the name that its writer gave it."""
        return self._place("artifacts", key) / name

    def quarantine(self, key: str) -> None:
        """Take a damaged artifact out of the way, to be looked at, and forget that it was saved."""
        with _kept(self.root):
            aside = self.root / "quarantine" / f"{key}-{uuid.uuid4().hex[:8]}"
            aside.parent.mkdir(exist_ok=True)
            if self._place("artifacts", key).exists():
                self._place("artifacts", key).rename(aside)
            self._place("results", key, ".json").unlink(missing_ok=True)

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Let no other run write here while the block lasts, and clear the desks of one that was killed.

        The lock is the kernel's, so it dies with its process.

        Raises:
            Incomplete: another run is at work; says which.
        """
        with _kept(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "owner").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Incomplete(f"{self.root} belongs to another run: {file.read().strip()}. Wait for it.") from None
            with _kept(self.root):
                file.truncate(0)
                file.write(
                    f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
                )
                file.flush()
            shutil.rmtree(self.root / "desk", ignore_errors=True)
            self.close()
            self._owned = True
            try:
                yield
            finally:
                self.close()
                self._owned = False

    def begin(self, command: str) -> None:
        """Leave word which command is at work, for `matrix report running`."""
        facts = {"command": command, "started": datetime.now(UTC).isoformat()}
        self._write(self.root / "running.json", json.dumps(facts).encode())

    def begun(self) -> tuple[str, str] | None:
        """Return command and start of the run that is going on, or that was killed; None when there is none."""
        try:
            facts = json.loads((self.root / "running.json").read_bytes())
            return str(facts["command"]), str(facts["started"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def end(self) -> None:
        """Take back the word that a run is going on: its report is there."""
        (self.root / "running.json").unlink(missing_ok=True)

    def recipes(self, cell: str) -> Iterator[Mapping[str, str]]:
        """Yield the recipes under which a cell, by its id, was ever measured, the newest last."""
        keys = self.ledger.history(cell) or self.keys()  # the index may be a new one
        places = [self._place("results", key, ".json") for key in keys]
        for place in sorted((place for place in places if place.exists()), key=lambda place: place.stat().st_mtime):
            key = place.stem
            record = self.get(key)
            if record is not None and record.get("cell") == cell and isinstance(record.get("recipe"), dict):
                yield record["recipe"]

    def close(self) -> None:
        """Write what the index has not written yet."""
        if "ledger" in self.__dict__:
            self.ledger.close()
            del self.__dict__["ledger"]

    def prune(self) -> int:
        """Delete everything; return the bytes that this gave back."""
        freed = artifact.size(self.root) if self.root.exists() else 0
        shutil.rmtree(self.root, ignore_errors=True)
        return freed

    def _place(self, kind: str, key: str, ending: str = "") -> Path:
        return self.root / kind / key[:2] / f"{key}{ending}"

    def _write(self, place: Path, data: bytes) -> None:
        draft = self.root / "desk" / uuid.uuid4().hex  # where the next run clears what a killed one left
        with _kept(place):
            draft.parent.mkdir(parents=True, exist_ok=True)
            place.parent.mkdir(exist_ok=True, parents=True)
            try:
                with draft.open("wb") as file:
                    file.write(data)
                    file.flush()
                    reach("store.before_fsync")
                    os.fsync(file.fileno())
                reach("store.before_rename")
                draft.rename(place)
                reach("store.after_rename")
            except OSError:
                draft.unlink(missing_ok=True)
                raise


def _sum(data: bytes) -> int:
    """Return the check sum of a record, with or without the one that stands at its end."""
    return zlib.crc32(data.rpartition(SUM)[0] or data[:-1])


@contextmanager
def _kept(place: Path) -> Iterator[None]:
    """Turn what the disk refuses into the error that stops a run."""
    try:
        yield
    except OSError as error:
        raise StoreFailed(place, error) from None
