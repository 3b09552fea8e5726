"""What was measured, kept: create-only records under their keys, and the artifacts that saves left behind.

    <root>/results/<ab>/<key>.json      what the workers said about one cell or one save
    <root>/artifacts/<ab>/<key>/        the files of one save
    <root>/tracebacks/<ab>/<key>.txt    each once
    <root>/facts/<ab>/<key>.json        what a worker found in its environment

A record appears whole or not at all: it is written beside its place and renamed. What cannot be read is
measured again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import artifact
from .errors import Incomplete

SCHEMA = 1


class Store:
    """The records below one folder. Safe for several threads; whoever writes a key first wins."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of a key; None when there is none that can be read."""
        try:
            record = json.loads(self._place("results", key, ".json").read_bytes())
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) and record.get("schema") == SCHEMA else None

    def has(self, key: str) -> bool:
        """Whether there is a record, without reading it."""
        return self._place("results", key, ".json").exists()

    def put(self, key: str, record: Mapping[str, object]) -> None:
        """Keep a record; it replaces one that could not be read."""
        self._write(self._place("results", key, ".json"), json.dumps({"schema": SCHEMA, **record}).encode())

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
        try:
            return self._place("tracebacks", key, ".txt").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def put_traceback(self, key: str, text: str) -> None:
        """Keep a traceback once."""
        place = self._place("tracebacks", key, ".txt")
        if not place.exists():
            self._write(place, text.encode("utf-8", "backslashreplace"))

    @contextmanager
    def desk(self) -> Iterator[Path]:
        """Give a new folder for artifacts that are being written; what `keep` did not take is removed afterwards."""
        folder = self.root / "desk" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, path: Path, key: str) -> Path:
        """Move an artifact from a desk to its place, and return the place."""
        place = self._place("artifacts", key) / path.name
        if place.parent.exists():  # of a save whose record was lost
            shutil.rmtree(place.parent)
        place.parent.mkdir(parents=True)
        path.rename(place)
        return place

    def artifact(self, key: str, record: Mapping[str, Any]) -> Path | None:
        """Return where the artifact of a save is, its digest checked; None when it is not what was written."""
        place = self._place("artifacts", key) / str(record["file"])
        try:
            return place if artifact.tree_digest(place) == record["digest"] else None
        except (artifact.ArtifactError, OSError):
            return None

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Let no other run write here while the block lasts, and clear the desks of one that was killed.

        The lock is the kernel's, so it dies with its process.

        Raises:
            Incomplete: another run is at work; says which.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "owner").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Incomplete(f"{self.root} belongs to another run: {file.read().strip()}. Wait for it.") from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
            file.flush()
            shutil.rmtree(self.root / "desk", ignore_errors=True)
            yield

    def prune(self) -> int:
        """Delete everything; return the bytes that this gave back."""
        freed = artifact.size(self.root) if self.root.exists() else 0
        shutil.rmtree(self.root, ignore_errors=True)
        return freed

    def _place(self, kind: str, key: str, ending: str = "") -> Path:
        return self.root / kind / key[:2] / f"{key}{ending}"

    def _write(self, place: Path, data: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
        draft.write_bytes(data)
        draft.rename(place)
