"""The folders that environments live in: whose turn it is, and whether one is ready.

An environment is ready when its mark says so, and the mark is written last. Host and noxfile both read this file, so:
the standard library, and Python 3.10.

    <envdir>/env-tf-2-12/                     the environment
    <envdir>/env-tf-2-12/matrix-ready.json    its mark
    <envdir>/env-tf-2-12.lock                 flock: exclusive while it is built or removed, shared while workers live;
                                              its time of change is when the environment was last built or used
    <envdir>/env-tf-2-12.error.json           why the last build failed
    <envdir>/env-tf-2-12.log                  what nox and uv said
    <envdir>/wheels/                          what had to be built from source
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO

MARK = "matrix-ready.json"
DISCARDED = ".discarded-"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What is known of a ready environment.

    Attributes:
        id: e.g. `tf-2.12`.
        fingerprint: of the Environment that it was built for.
        python: its full version, e.g. `3.11.7`.
        interpreter: what it was made from.
        packages: distribution → version, as found after the build.
        size: bytes of its files; what uv links from its cache is counted in full.
        created: ISO 8601, UTC.
        seconds: how long the build took.
    """

    id: str
    fingerprint: str
    python: str
    interpreter: str
    packages: Mapping[str, str]
    size: int
    created: str
    seconds: float


@dataclass(frozen=True)
class Folder:
    """The place of one environment, built or not."""

    envdir: Path
    id: str

    @property
    def name(self) -> str:
        """The folder's name, as nox would call it for the session `env(<id>)`."""
        return "env-" + re.sub(r"[^\w]+", "-", self.id.lower()).strip("-")

    @property
    def path(self) -> Path:
        """Where the environment is."""
        return self.envdir / self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / "python"

    @property
    def log(self) -> Path:
        """What its last build said."""
        return self.envdir / f"{self.name}.log"

    @property
    def used(self) -> float:
        """When it was last built or used, in seconds since 1970; 0 when never."""
        return self._lock.stat().st_mtime if self._lock.exists() else 0.0

    def mark(self) -> Mark | None:
        """Return its ready mark; None when it is not ready, or its interpreter is gone."""
        return read_mark(self.path)

    def ready(self, fingerprint: str) -> bool:
        """Whether it holds exactly what is wanted."""
        mark = self.mark()
        return mark is not None and mark.fingerprint == fingerprint

    def siblings(self, interpreter: str) -> list[Path]:
        """Return the site-packages of all ready environments that were made from the same interpreter."""
        marks = {path: read_mark(path) for path in sorted(self.envdir.glob("env-*"))}
        alike = [path for path, mark in marks.items() if mark is not None and mark.interpreter == interpreter]
        return [site for path in alike for site in path.glob("lib/python*/site-packages")]

    def finish(self, mark: Mark) -> None:
        """Write the mark: the last step of a build."""
        _written(self.path / MARK, json.dumps(asdict(mark), indent=1, sort_keys=True))
        self._error.unlink(missing_ok=True)

    def fail(self, message: str, remedy: str, *, damaged: bool = False) -> None:
        """Leave word why the build failed, and whether what it left had damaged files."""
        _written(self._error, json.dumps({"message": message, "remedy": remedy, "damaged": damaged}))

    def failure(self) -> tuple[str, str] | None:
        """Return message and remedy of the last build; None when it did not fail, or died without a word."""
        said = self._said()
        return (str(said["message"]), str(said["remedy"])) if "message" in said and "remedy" in said else None

    @property
    def suspect(self) -> bool:
        """Whether the last build failed for damaged files: where they came from may be damaged still."""
        return self._said().get("damaged") is True

    def forget_failure(self) -> None:
        """Forget why an earlier build failed."""
        self._error.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the environment. It is renamed first, so that nothing half removed is left under its name."""
        aside = Path(tempfile.mkdtemp(prefix=DISCARDED, dir=self.envdir))
        if os.path.lexists(self.path):
            self.path.rename(aside / self.name)
        shutil.rmtree(aside, ignore_errors=True)

    @contextmanager
    def locked(self, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the environment alone, to build or to remove it. `waiting` is told whom we wait for."""
        with self._turn() as file:
            if not _tried(file, fcntl.LOCK_EX):
                waiting(f"waiting for {_holder(file)}")
                fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    @contextmanager
    def try_locked(self) -> Iterator[bool]:
        """Hold the environment alone if nobody has it; yields whether that is so."""
        with self._turn() as file:
            yield _tried(file, fcntl.LOCK_EX)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Hold the environment together with other users, so that nobody rebuilds or removes it."""
        with self._turn() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            os.utime(file.fileno())
            yield

    @property
    def _error(self) -> Path:
        return self.envdir / f"{self.name}.error.json"

    def _said(self) -> dict[str, object]:
        try:
            said = json.loads(self._error.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    @property
    def _lock(self) -> Path:
        return self.envdir / f"{self.name}.lock"

    @contextmanager
    def _turn(self) -> Iterator[IO[str]]:
        self.envdir.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+", encoding="utf-8") as file:
            yield file


def read_mark(path: Path) -> Mark | None:
    """Return the mark in an environment's folder; None when it is not ready, or its interpreter is gone.

    Raises:
        OSError: the mark cannot be read, which says nothing of the environment (too many open files, say).
    """
    try:
        facts = json.loads((path / MARK).read_text(encoding="utf-8"))
        mark = Mark(**{item.name: facts[item.name] for item in fields(Mark)})
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None
    return mark if (path / "bin" / "python").exists() else None


def weight(path: Path) -> tuple[int, int]:
    """Return the bytes of all files below a folder, and of those that exist nowhere else.

    Uv links files from its cache (https://docs.astral.sh/uv/reference/settings/#link-mode): what is linked stays on the
    disk when the environment goes.
    """
    total = own = 0
    for folder, _, names in os.walk(path):
        for name in names:
            facts = Path(folder, name).lstat()
            total += facts.st_size
            own += facts.st_size if facts.st_nlink == 1 else 0
    return total, own


def _tried(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    pid = file.read().strip()
    return f"process {pid}, which builds it" if pid else "the runs that use it"


def _written(path: Path, text: str) -> None:
    """Write a file that is whole or not there, also after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
