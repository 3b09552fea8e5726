"""Keys of results: a hash of everything that decides an outcome, known before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .model import Cell, Environment, Rung, Save, Scenario, digest

GUEST = Path(__file__).parent / "inside"
_NOT_IN_WORKERS = frozenset({"inventory.py"})


def guest_digest(folder: Path = GUEST) -> str:
    """Return one digest of the code that runs inside environments: when it changes, everything is measured again."""
    parts = [
        (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.glob("*.py"))
        if path.name not in _NOT_IN_WORKERS
    ]
    return digest(*parts)


@dataclass(frozen=True)
class Recipes:
    """The keys of all saves and loads of a plan.

    A load's key holds its save's key, not the artifact's bytes: two saves of one model differ in bytes.

    Attributes:
        environments, scenarios: by id and by name.
        backend: where it runs: the same lock in a container is another environment.
        limits: what a child may use (seconds, bytes), for an outcome can be a limit that was hit.
        guest: see `guest_digest`.
    """

    environments: Mapping[str, Environment]
    scenarios: Mapping[str, Scenario]
    backend: str
    limits: tuple[float, int]
    guest: str

    def save(self, save: Save) -> str:
        """Return the key of one artifact."""
        return digest(
            "save",
            save.id,  # equal scripts or environments under two names still write two artifacts
            self._prints[save.writer],
            self._scripts[save.scenario],
            *self._common,
        )

    def load(self, cell: Cell, rungs: Sequence[Rung]) -> str:
        """Return the key of one cell, given the ways of loading that it may try."""
        return digest(
            "load",
            cell.variant,
            [rung.name for rung in rungs],
            self._prints[cell.reader],
            self.save(cell.save),
        )

    @cached_property
    def _common(self) -> tuple[object, ...]:
        return (self.backend, self.limits, self.guest)

    @cached_property
    def _prints(self) -> Mapping[str, str]:
        return {name: environment.fingerprint for name, environment in self.environments.items()}

    @cached_property
    def _scripts(self) -> Mapping[str, str]:
        return {name: scenario.digest for name, scenario in self.scenarios.items()}
