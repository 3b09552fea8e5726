"""Containers: an image for each environment, and a worker in each that sees nothing of this machine."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from multiprocessing.pool import ThreadPool
from pathlib import Path

import docker

from ...entries import Entry
from ...errors import EnvironmentFailed
from ...model import Environment
from .. import Say, Worker
from ..conversation import variables
from . import daemon
from .containers import HOME, Walls, WorkerContainer, user
from .images import Images
from .leftovers import swept
from .parcels import Parcels

GLANCE_SECONDS = 0.5
DEFAULT_BASE = "python:{python}-slim"


class DockerBackend:
    """The backend for files that nobody trusts.

    Args:
        client: of the engine.
        entries: id → what is locked.
        desk: where the folders of containers are made: what a killed run left there, the next one clears.
        shelf: where packages are kept that had to be built from source.
        walls: what a container may use.
        base, registry: see `Images`.
    """

    sandboxed = True

    def __init__(
        self,
        client: docker.APIClient,
        entries: Mapping[str, Entry],
        *,
        desk: Path,
        shelf: Path,
        walls: Walls,
        base: str = DEFAULT_BASE,
        registry: str = "",
    ) -> None:
        self.client = client
        self.images = Images(client, entries, shelf, desk, base, registry)
        self.desk = desk
        self.walls = walls
        self._workers: set[WorkerContainer] = set()
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def name(self) -> str:
        """Part of every key: another base is another environment."""
        return "docker" if self.images.base == DEFAULT_BASE else f"docker on {self.images.base}"

    def ready(self, environment: Environment) -> bool:
        """Whether the image of an environment is there. EnvironmentFailed when the engine does not say."""
        with daemon.speaking(environment.id):
            return self.images.ready(environment) is not None

    def prepare(self, environment: Environment, say: Say) -> None:
        """Build or fetch the image unless it is there. Raises EnvironmentFailed, also when it was stopped meanwhile."""
        # The engine's answers cannot be broken off; when the process ends, the connection does, and the build with it.
        pool = ThreadPool(1)
        told = pool.apply_async(self.images.ensure, (environment, say))
        pool.close()
        with daemon.speaking(environment.id):
            while not told.ready():
                if self._stopped:
                    raise EnvironmentFailed(f"{environment.id}: stopped before it was built.")
                told.wait(GLANCE_SECONDS)
            told.get()

    @contextmanager
    def worker(self, environment: Environment, *, foreign: bool = False) -> Iterator[Worker]:
        """Run a worker in a container of its own; one for a foreign file can save nothing."""
        _ = self._cleared
        with daemon.speaking(environment.id):
            image = daemon.persistent(lambda: self.images.ready(environment))
        if image is None:
            raise EnvironmentFailed(f"{environment.id} has no image any more.", remedy="Run the same command again.")
        self.desk.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="matrix-", dir=self.desk, ignore_cleanup_errors=True) as name:
            parcels = _parcels(Path(name), self._user, saves=not foreign)
            told = variables(os.environ, environment, HOME)
            with daemon.speaking(environment.id):
                worker = daemon.persistent(lambda: WorkerContainer(self.client, image, told, parcels, self.walls))
            try:
                self._started(worker)
                worker.hello = replace(worker.greet(environment), image=image.origin)
                yield worker
            finally:
                with self._lock:
                    self._workers.discard(worker)
                if foreign:
                    worker.kill()  # it has nothing to finish, and might not want to end
                worker.close()

    def stop(self) -> None:
        """End every build and every worker now."""
        with self._lock:
            self._stopped = True
            workers = list(self._workers)
        for worker in workers:
            worker.kill()

    @cached_property
    def _cleared(self) -> tuple[str, ...]:
        """The containers of runs that were killed, removed once."""
        with daemon.speaking("docker"):
            return swept(self.client)

    @cached_property
    def _user(self) -> int:
        """Who runs in containers."""
        with daemon.speaking("docker"):
            return user(rootless=daemon.rootless(self.client))

    def _started(self, worker: WorkerContainer) -> None:
        with self._lock:
            self._workers.add(worker)
            stopped = self._stopped
        if stopped:  # between our last look and now
            worker.kill()


def _parcels(folder: Path, inside: int, *, saves: bool) -> Parcels:
    """Return the folders of a container: whoever runs inside can enter both."""
    folder.chmod(0o711)
    inbox, outbox = folder / "inbox", folder / "outbox"
    for one in (inbox, outbox):
        one.mkdir(mode=0o755)
    return Parcels(inbox, outbox if saves else None, inside)
