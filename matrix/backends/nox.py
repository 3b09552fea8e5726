"""Environments that nox builds: the host's side of `matrix/noxfile.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import contents, interpreters
from ..errors import EnvironmentFailed
from ..folders import DISCARDED, Folder, Mark, read_mark, weight
from ..model import Environment

NOXFILE = Path(__file__).parent.parent / "noxfile.py"
GUARD = Path(__file__).with_name("guard.py")
LOG_SHOWN = 1500
END_SECONDS = 10.0
_NOT_FOR_NOX = ("VIRTUAL_ENV", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH", "PYTHONHOME")
Say = Callable[[str], None]


@dataclass(frozen=True)
class BuiltEnvironment:
    """An environment that is ready: where its Python is, and what its mark says of it."""

    python: Path
    mark: Mark


@dataclass(frozen=True)
class Freed:
    """One folder that `prune` or `evict` would remove.

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
        self._intact: dict[str, Mark] = {}  # looked through by this process
        self._lock = threading.Lock()
        self._stopped = False

    def ensure(self, environment: Environment, say: Say) -> BuiltEnvironment:
        """Build the environment unless it is ready, and anew when it was damaged since.

        Raises:
            EnvironmentFailed: it cannot be had; the message has the reason, `remedy` what would help.
        """
        folder = Folder(self.envdir, environment.id)
        damaged = self._put_aside(environment, folder, say)
        if not self.ready(environment):
            if not interpreters.supported_platform():
                raise EnvironmentFailed(
                    f"{environment.id}: its lock holds packages for Linux on x86-64, which this machine is not.",
                    remedy=interpreters.ELSEWHERE,
                )
            say(f"building, {environment.download / 1e6:.0f} MB of packages")
            self._build(environment, folder, suspect=damaged)
        mark = folder.mark()
        if mark is None or mark.fingerprint != environment.fingerprint:
            raise self._why(environment, folder)
        self._intact[environment.id] = mark
        return BuiltEnvironment(folder.python, mark)

    def ready(self, environment: Environment) -> bool:
        """Whether the environment is built: its mark decides, nothing else; `ensure` and `in_use` look at its files."""
        return Folder(self.envdir, environment.id).ready(environment.fingerprint)

    @contextmanager
    def in_use(self, environment: Environment) -> Iterator[BuiltEnvironment]:
        """Keep the environment from being rebuilt or removed for as long as the block lasts.

        Raises:
            EnvironmentFailed: it is not ready, or was damaged since it was built.
        """
        folder = Folder(self.envdir, environment.id)
        with folder.in_use():
            mark = folder.mark()
            if mark is None or mark.fingerprint != environment.fingerprint:
                raise EnvironmentFailed(f"{environment.id} is not built.", remedy=f"matrix env build {environment.id}")
            damaged = self._damage(folder, mark)
            if damaged:
                raise EnvironmentFailed(
                    f"{environment.id} was damaged after it was built: {damaged}.",
                    remedy=f"matrix env build {environment.id}",
                )
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
            freed.append(_freed(Folder(self.envdir, mark.id if mark else path.name.removeprefix("env-"))))
        for left in self.envdir.glob(f"{DISCARDED}*"):
            shutil.rmtree(left, ignore_errors=True)
        return tuple(freed)

    def evict(self, limit: int, keep: Collection[str]) -> tuple[Freed, ...]:
        """Remove the environments that were not used for longest, until those that are ready fit into a limit.

        Args:
            limit: bytes, as `sizes` counts them.
            keep: ids that stay, as does whatever is in use; so the rest may weigh more than the limit in the end.
        """
        sizes = self.sizes()
        total = sum(sizes.values())
        unused = sorted((Folder(self.envdir, id_) for id_ in sizes if id_ not in keep), key=lambda item: item.used)
        freed = []
        for folder in unused:
            if total <= limit:
                break
            freed.append(_freed(folder))
            total -= sizes[folder.id] if freed[-1].removed else 0
        return tuple(freed)

    def stop(self) -> None:
        """End every build now, with all that it started; no other begins. May be called from another thread."""
        with self._lock:
            self._stopped = True
            children = list(self._children)
        for child in children:
            _ended(child)

    def _put_aside(self, environment: Environment, folder: Folder, say: Say) -> bool:
        """Remove the environment if it is ready but damaged, and return whether it was. Waits for those who use it."""
        if not self.ready(environment):
            return False
        with folder.in_use():
            damaged = self._damage(folder, folder.mark())
        if not damaged:
            return False
        say(f"damaged: {damaged}; building anew")
        with folder.locked(say):
            if self._damage(folder, folder.mark()):  # else another process has built it anew
                folder.discard()
        return True

    def _damage(self, folder: Folder, mark: Mark | None) -> str:
        """Return what happened to a built environment since; its files are looked at once in each process."""
        if mark is None or self._intact.get(folder.id) == mark:
            return ""
        damaged = contents.damage(folder.path, mark)
        if not damaged:
            self._intact[folder.id] = mark
        return damaged

    def _build(self, environment: Environment, folder: Folder, *, suspect: bool) -> None:
        command = [sys.executable, "-m", "nox", "--noxfile", str(NOXFILE), "--envdir", str(self.envdir)]
        command += ["--session", f"env({environment.id})"]
        environ = {
            name: value for name, value in os.environ.items() if name not in _NOT_FOR_NOX and not name.startswith("NOX")
        }
        environ |= {"MATRIX_PROJECT": str(self.project), "NO_COLOR": "1"}
        if suspect or folder.suspect:
            environ["MATRIX_SUSPECT"] = "1"
        self.envdir.mkdir(parents=True, exist_ok=True)
        folder.forget_failure()
        with folder.log.open("wb") as log:
            with self._lock:
                if self._stopped:
                    return
                child = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(GUARD), *command],
                    stdin=subprocess.PIPE,  # nobody writes to it: it tells the guard that we are there
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
                _ended(child)
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


def _freed(folder: Folder) -> Freed:
    """Remove an environment, unless somebody has it."""
    with folder.try_locked() as ours:
        held, own = weight(folder.path)
        if ours:
            folder.discard()
    return Freed(folder.id, ours, held, own if ours else 0)


def _ended(child: subprocess.Popen[bytes]) -> None:
    """Let a guard end its command, with everything that it started."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:  # it was stopped, or hangs in the kernel; nox dies with it
        child.kill()
        child.wait()
