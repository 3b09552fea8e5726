"""The places of one project: where its environments, measurements and reports are kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from . import catalog
from .config import Config

if TYPE_CHECKING:  # they bring numpy, and not every verb needs them
    from .backends import Backend
    from .backends.nox import NoxEnvironments
    from .store import Store

WORKER_BYTES = 2 << 30  # what TensorFlow takes before a child begins


@dataclass(frozen=True)
class Project:
    """A configuration and the folders that belong to it."""

    config: Config

    @classmethod
    def found(cls, here: Path) -> Self:
        """Return the project around a folder. UsageError when its configuration is not understood."""
        return cls(Config.found(here))

    @cached_property
    def built(self) -> NoxEnvironments:
        """Its built environments, in nox's own folder: `.nox`, or what `NOX_ENVDIR` says."""
        from .backends.nox import NoxEnvironments  # noqa: PLC0415 - see above

        return NoxEnvironments(self.config.project, self.config.project / os.environ.get("NOX_ENVDIR", ".nox"))

    def backend(self, name: str) -> Backend:
        """Return where its environments are built and workers run: `nox` or `docker`.

        Raises:
            Incomplete: no Docker engine answers. UsageError: it is on another machine.
        """
        if name == "docker":
            return self._containers
        from .backends.local import LocalBackend  # noqa: PLC0415 - see above

        return LocalBackend(self.built, self.store.root / "desk")

    @cached_property
    def _containers(self) -> Backend:
        from .backends.docker import DockerBackend, daemon  # noqa: PLC0415 - see above
        from .backends.docker.containers import Walls  # noqa: PLC0415

        asked = self.config.docker
        return DockerBackend(
            daemon.connected(os.environ),
            {entry.id: entry for entry in catalog.locked(self.config.project)},
            desk=self.store.root / "desk",
            shelf=self.built.envdir,
            walls=Walls(memory=self.config.memory + WORKER_BYTES, runtime=asked.runtime),
            base=asked.base,
            registry=asked.registry,
        )

    @cached_property
    def store(self) -> Store:
        """What was measured."""
        from .store import Store  # noqa: PLC0415 - see above

        return Store(self.config.project / ".matrix")

    def reports(self, output: Path | None) -> Path:
        """Return where runs are kept: `reports`, unless the command line says otherwise."""
        return output or self.config.project / "reports"
