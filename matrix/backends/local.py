"""Virtual environments that nox builds, and workers as child processes on this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import EnvironmentFailed, Untrusted
from ..model import Environment
from ..recipe import GUEST
from . import Say, Worker
from .nox import NoxEnvironments
from .process import WorkerProcess, scrubbed


class LocalBackend:
    """The default backend. Not a boundary against files that nobody trusts: a worker runs as the user.

    Args:
        environments: where workers run.
        desk: where their folders are made: what a killed run left there, the next one clears.
    """

    name = "nox"
    sandboxed = False

    def __init__(self, environments: NoxEnvironments, desk: Path) -> None:
        self.environments = environments
        self.desk = desk
        self._workers: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def ready(self, environment: Environment) -> bool:
        """Whether the environment is built."""
        return self.environments.ready(environment)

    def prepare(self, environment: Environment, say: Say) -> None:
        """Let nox build the environment unless it is ready. Raises EnvironmentFailed."""
        if environment.image:
            raise EnvironmentFailed(
                f"{environment.id} is the image {environment.image}, which needs containers.", remedy="--backend docker"
            )
        self.environments.ensure(environment, say)

    @contextmanager
    def worker(self, environment: Environment, *, foreign: bool = False) -> Iterator[Worker]:
        """Run a worker; the environment is locked against rebuilding for as long as it lives. Raises Untrusted."""
        if foreign:
            raise Untrusted(environment.id)
        with self.environments.in_use(environment) as built:
            self.desk.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix="matrix-", dir=self.desk))
            worker = WorkerProcess(
                [str(built.python), "-I", "-B", str(GUEST)],
                scrubbed(os.environ, environment, scratch),
                scratch,
            )
            try:
                self._started(worker)
                worker.greet(environment)
                yield worker
            finally:
                with self._lock:
                    self._workers.discard(worker)
                worker.close()
                shutil.rmtree(scratch, ignore_errors=True)

    def stop(self) -> None:
        """End every build and every worker now."""
        with self._lock:
            self._stopped = True
            workers = list(self._workers)
        self.environments.stop()
        for worker in workers:
            worker.kill()

    def _started(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._workers.add(worker)
            stopped = self._stopped
        if stopped:  # between our last look and now
            worker.kill()
