"""Keys of results: a hash of everything that decides an outcome, known before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .model import Cell, Environment, Save, Scenario, digest

GUEST = Path(__file__).parent / "inside"
_NOT_IN_WORKERS = frozenset({"inventory.py"})


def sources_digest(paths: Iterable[Path]) -> str:
    """Return one digest of some source files, whatever folder they are in."""
    return digest(*((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted(paths)))


def guest_digest(folder: Path = GUEST) -> str:
    """Return one digest of the code that runs inside environments: when it changes, everything is measured again."""
    return sources_digest(path for path in folder.glob("*.py") if path.name not in _NOT_IN_WORKERS)


def host_digest(folder: Path = GUEST.parent) -> str:
    """Return one digest of the code and data of ours that decide a letter: what runs inside, and what judges it here.

    It is generous, for it has code in it that decides nothing: that two runs have the same one means that nothing of
    ours can have made a difference, and that they have not means little.
    """
    inside = folder / "inside"
    judging = (*folder.glob("*.py"), *inside.glob("*.py"), *folder.glob("diagnosis/*.py"))
    return sources_digest([*judging, *folder.glob("data/causes/*.toml"), folder / "data" / "translation.toml"])


@dataclass(frozen=True)
class Recipes:
    """The keys of all saves and loads of a plan.

    A load's key holds its save's key, not the artifact's bytes: two saves of one model differ in bytes.

    Attributes:
        environments, scenarios: by id and by name.
        backend: where it runs: the same lock in a container is another environment.
        limits: what a child may use (seconds, bytes), for an outcome can be a limit that was hit.
        guest: see `guest_digest`.
        brought: save → the key of the file from elsewhere that stands for it; what that does is told of nothing else.
    """

    environments: Mapping[str, Environment]
    scenarios: Mapping[str, Scenario]
    backend: str
    limits: tuple[float, int]
    guest: str
    brought: Mapping[Save, str] = field(default_factory=dict)
    _saves: dict[Save, str] = field(default_factory=dict, repr=False, compare=False)

    def save(self, save: Save) -> str:
        """Return the key of one artifact."""
        known = self._saves.get(save)
        if known is None:
            # the id too: equal scripts or environments under two names still write two artifacts
            known = _key("save", save.id, *self.of_save(save).values())
            self._saves[save] = known
        return known

    def load(self, cell: Cell, rungs: str) -> str:
        """Return the key of one cell, given the names of the ways of loading that it may try."""
        return _key("load", cell.variant.value, rungs, self._prints[cell.reader], self.save(cell.save))

    def of_save(self, save: Save) -> dict[str, str]:
        """Return what decides how a save ends, by the name of the ingredient."""
        if save in self.brought:
            return {"file": self.brought[save], "scenario": self._scripts[save.scenario], **self._common}
        origin = {"origin": self.save(save.origin[0]), "rung": save.origin[1].name} if save.origin else {}
        return {"writer": self._prints[save.writer], "scenario": self._scripts[save.scenario], **self._common, **origin}

    def of_load(self, cell: Cell, rungs: str) -> dict[str, str]:
        """Return what decides how a cell ends, by the name of the ingredient."""
        return {**self.of_save(cell.save), "reader": self._prints[cell.reader], "rungs": rungs}

    @cached_property
    def _common(self) -> Mapping[str, str]:
        timeout, memory = self.limits
        return {"backend": self.backend, "timeout": f"{timeout:g}", "memory": str(memory), "guest": self.guest}

    @cached_property
    def _prints(self) -> Mapping[str, str]:
        return {name: environment.fingerprint for name, environment in self.environments.items()}

    @cached_property
    def _scripts(self) -> Mapping[str, str]:
        return {name: scenario.digest for name, scenario in self.scenarios.items()}


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
