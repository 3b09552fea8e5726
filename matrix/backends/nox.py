"""Environments that nox builds: the host's side of `matrix/noxfile.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from .. import interpreters
from ..errors import EnvironmentFailed
from ..folders import DISCARDED, Folder, Mark, read_mark, weight
from ..model import Environment

NOXFILE = Path(__file__).parent.parent / "noxfile.py"
LOG_SHOWN = 1500
_NOT_FOR_NOX = ("VIRTUAL_ENV", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH", "PYTHONHOME")
Say = Callable[[str], None]


@dataclass(frozen=True)
class BuiltEnvironment:
    """An environment that is ready: where its Python is, and what its mark says of it."""

    python: Path
    mark: Mark


@dataclass(frozen=True)
class Freed:
    """One folder that `prune` looked at.

    Attributes:
        id: of the environment.
        removed: False when it is in use, and stays.
        size: bytes of its files.
        freed: what the disk got back; the rest is linked from uv's cache, and goes with
            `uv cache clean tensorflow tensorflow-cpu` or the like.
    """

    id: str
    removed: bool
    size: int
    freed: int


class NoxEnvironments:
    """All environments of one folder. May be used from several threads.

    Args:
        project: whose `locks/` count beside the package's.
        envdir: where environments are kept, e.g. `.nox` of the project.
    """

    def __init__(self, project: Path, envdir: Path) -> None:
        self.project = project.absolute()
        self.envdir = envdir.absolute()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def ensure(self, environment: Environment, say: Say) -> BuiltEnvironment:
        """Build the environment unless it is ready.

        Raises:
            EnvironmentFailed: it cannot be had; the message has the reason, `remedy` what would help.
        """
        folder = Folder(self.envdir, environment.id)
        if not self.ready(environment):
            if not interpreters.supported_platform():
                raise EnvironmentFailed(
                    f"{environment.id}: its lock holds packages for Linux on x86-64, which this machine is not.",
                    remedy=interpreters.ELSEWHERE,
                )
            say(f"building, {environment.download / 1e6:.0f} MB of packages")
            self._build(environment, folder)
        mark = folder.mark()
        if mark is None or mark.fingerprint != environment.fingerprint:
            raise self._why(environment, folder)
        return BuiltEnvironment(folder.python, mark)

    def ready(self, environment: Environment) -> bool:
        """Whether the environment can be used as it is: its mark decides, nothing else."""
        return Folder(self.envdir, environment.id).ready(environment.fingerprint)

    @contextmanager
    def in_use(self, environment: Environment) -> Iterator[BuiltEnvironment]:
        """Keep the environment from being rebuilt or removed for as long as the block lasts.

        Raises:
            EnvironmentFailed: it is not ready.
        """
        folder = Folder(self.envdir, environment.id)
        with folder.in_use():
            mark = folder.mark()
            if mark is None or mark.fingerprint != environment.fingerprint:
                raise EnvironmentFailed(f"{environment.id} is not built.", remedy=f"matrix env build {environment.id}")
            yield BuiltEnvironment(folder.python, mark)

    def discard(self, environment: Environment, say: Say) -> None:
        """Remove the environment, so that the next `ensure` builds it anew. Waits for those who use it."""
        folder = Folder(self.envdir, environment.id)
        with folder.locked(say):
            folder.discard()

    def sizes(self) -> dict[str, int]:
        """Return id → bytes of every environment that is ready. What uv shares between them is counted in each."""
        marks = [read_mark(path) for path in sorted(self.envdir.glob("env-*"))]
        return {mark.id: mark.size for mark in marks if mark is not None}

    def prune(self, keep: Collection[str]) -> tuple[Freed, ...]:
        """Remove every environment whose id is not in `keep`, and what broken builds left; never one in use."""
        kept = {Folder(self.envdir, id_).name for id_ in keep}
        freed = []
        for lock in sorted(self.envdir.glob("env-*.lock")):
            path = lock.with_suffix("")
            if path.name in kept or not path.is_dir():
                continue
            mark = read_mark(path)
            folder = Folder(self.envdir, mark.id if mark else path.name.removeprefix("env-"))
            with folder.try_locked() as ours:
                held, own = weight(path)
                if ours:
                    folder.discard()
            freed.append(Freed(folder.id, ours, held, own if ours else 0))
        for left in self.envdir.glob(f"{DISCARDED}*"):
            shutil.rmtree(left, ignore_errors=True)
        return tuple(freed)

    def stop(self) -> None:
        """End every build now, with all that it started; no other begins. May be called from another thread."""
        with self._lock:
            self._stopped = True
            children = list(self._children)
        for child in children:
            _killed(child)

    def _build(self, environment: Environment, folder: Folder) -> None:
        command = [sys.executable, "-m", "nox", "--noxfile", str(NOXFILE), "--envdir", str(self.envdir)]
        command += ["--session", f"env({environment.id})"]
        environ = {
            name: value for name, value in os.environ.items() if name not in _NOT_FOR_NOX and not name.startswith("NOX")
        }
        environ |= {"MATRIX_PROJECT": str(self.project), "NO_COLOR": "1"}
        self.envdir.mkdir(parents=True, exist_ok=True)
        folder.forget_failure()
        with folder.log.open("wb") as log:
            with self._lock:
                if self._stopped:
                    return
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environ,
                    cwd=self.project,
                    start_new_session=True,
                )
                self._children.add(child)
            try:
                child.wait()
            finally:
                _killed(child)
                with self._lock:
                    self._children.discard(child)

    def _why(self, environment: Environment, folder: Folder) -> EnvironmentFailed:
        """Return why there is no ready environment: the build's own word, and the end of its log."""
        if self._stopped:
            return EnvironmentFailed(f"{environment.id}: stopped before it was built.")
        message, remedy = folder.failure() or (
            f"{environment.id}: the build ended without an environment.",
            f"Look at {folder.log}, then: matrix env build {environment.id}",
        )
        told = " ".join(line for line in _tail(folder.log) if not line.startswith("nox > "))[-LOG_SHOWN:]
        known = told[-100:] in " ".join(message.split())  # some messages end with the log already
        return EnvironmentFailed(message if known else f"{message} {told}".strip(), remedy=remedy)


def _tail(log: Path) -> list[str]:
    try:
        text = log.read_bytes().decode("utf-8", "backslashreplace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines()[-20:]]


def _killed(child: subprocess.Popen[bytes]) -> None:
    """End a child and everything below it."""
    below = []
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(child.pid).children(recursive=True)
    for process in below:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, 9)
    child.wait()
