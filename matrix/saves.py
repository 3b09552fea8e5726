"""Saving: what one writer leaves behind for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import artifact
from .backends import Worker
from .errors import MEND, EnvironmentFailed
from .judge import attempt, traceback_text, trouble
from .model import Format, Save, Scenario, Tolerance, digest
from .protocol import (
    Facts,
    Isolation,
    Item,
    ProtocolError,
    Raised,
    Request,
    Saved,
    Transcript,
    Unsupported,
    transcript,
)
from .recipe import Recipes
from .records import anonymous, packed, understood, unpacked
from .results import Attempt
from .shared import Shared
from .store import Store

# From those that only read a model to those that change it. 2.13 marks a model that it saved as .h5 and writes another
# .keras file of it from then on: `use_legacy_config` in
# https://github.com/keras-team/keras/blob/v2.13.1/keras/saving/legacy/hdf5_format.py. The last two trace it.
_ORDER = (Format.WEIGHTS_H5, Format.KERAS, Format.H5, Format.SAVED_MODEL, Format.EXPORT)
NO_REGISTRY = "its Keras has no register_keras_serializable"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one cell may use, and whether it shares a child with its group."""

    timeout: float
    memory: int
    isolation: Isolation = "group"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """How one save ended.

    Attributes:
        save, key: which one, and its key.
        path: where the artifact is; None when there is none.
        digest: of its files when they were written.
        saved: what its writer fed and predicted; None when there is none.
        container: what was really written.
        unsupported: why the writer has no such format; empty when it has.
        failed: how the save went wrong; None when it did not.
        fault: what on our side kept it from being saved; empty when nothing did. Never stored.
    """

    save: Save
    key: str
    path: Path | None = None
    digest: str = ""
    saved: Saved | None = None
    container: str = ""
    unsupported: str = ""
    failed: Attempt | None = None
    fault: str = ""

    @property
    def intact(self) -> bool:
        """Whether the files are still those that were written."""
        try:
            return self.path is not None and artifact.tree_digest(self.path) == self.digest
        except (artifact.ArtifactError, OSError):
            return False

    @property
    def inode(self) -> int:
        """Tells its files from those of another save, which come to the same place; 0 where none are."""
        try:
            return self.path.stat().st_ino if self.path is not None else 0
        except OSError:
            return 0


@dataclass(frozen=True)
class Writer:
    """Saves in one environment, and remembers what was saved before.

    Attributes:
        shared: where other checkouts keep what they saved; None when nothing is shared.
    """

    store: Store
    recipes: Recipes
    scenarios: Mapping[str, Scenario]
    limits: Limits
    shared: Shared | None = None

    def known(self, saves: Sequence[Save]) -> dict[Save, Artifact]:
        """Return how saves ended in an earlier run, here or elsewhere, without looking at their files."""
        found = {save: artifact for save in saves if (artifact := self._recorded(save)) is not None}
        missing = {self.recipes.save(save): save for save in saves if save not in found}
        if self.shared is not None and missing:
            for key, record in self.shared.records(missing):
                self._learn(key, record)
                artifact = self._recorded(missing[key])
                if artifact is not None:
                    found[missing[key]] = artifact
        return found

    def at_hand(self, written: Artifact) -> bool:
        """Whether the files of an artifact are here as they were written; fetches them where they can be had."""
        if written.intact:
            return True
        if self.shared is None or written.path is None:
            return False
        with self.store.desk() as desk:
            if not self.shared.artifact(written.key, written.digest, desk):
                return False
            if not replace(written, path=desk / written.path.name).intact:
                return False
            self.store.keep(desk / written.path.name, written.key)
        return True

    def write(self, worker: Worker, saves: Sequence[Save], *, alone: Collection[Save] = ()) -> Iterator[Artifact]:
        """Save in groups of one scenario each, and yield every artifact as it is there.

        Args:
            worker: of the writer.
            saves: what to save.
            alone: those that a worker died of: each gets a child of its own.
        """
        for group in _groups(saves, alone):
            if group[0].registered and not worker.hello.register:
                for save in group:
                    yield self._keep(save, _refusal(save), None)
                continue
            with self.store.desk() as desk:
                limits = replace(self.limits, isolation="cell") if group[0] in alone else self.limits
                yield from self._written(worker, group, desk, limits)

    def _written(self, worker: Worker, group: Sequence[Save], desk: Path, limits: Limits) -> Iterator[Artifact]:
        scenario = self.scenarios[group[0].scenario]
        wanted = {save.id: save for save in group}
        places = {save.id: desk / save.format / artifact.FILE_NAMES[save.format] for save in group}
        for place in places.values():
            place.parent.mkdir()
        request = Request(
            task="save",
            scenario=scenario.name,
            script=str(scenario.path),
            code="register" if group[0].registered else "load",
            items=[Item(id=save.id, format=save.format, path=str(places[save.id])) for save in group],
            inputs={},
            timeout=limits.timeout,
            memory=limits.memory,
            isolation=limits.isolation,
        )
        for line in worker.ask(request):
            facts, said = understood(anonymous(line, desk))
            refuse_trouble(said)
            yield self._keep(wanted[said.cell], facts, places[said.cell])

    def _keep(self, save: Save, facts: Facts, place: Path | None) -> Artifact:
        """Move the artifact to its place, write the record, and return what is known now."""
        key = self.recipes.save(save)
        record: dict[str, Any] = {
            "save": save.id,
            "recipe": self.recipes.of_save(save),
            "said": facts,
            "file": "",
            "digest": "",
            "container": "",
        }
        if place is not None and "saved" in (facts["answer"] or {}):
            try:
                record.update(digest=artifact.tree_digest(place), container=artifact.container(place), file=place.name)
                place = self.store.keep(place, key)
            except artifact.ArtifactError as error:
                record["said"] = {**facts, "answer": None, "ending": "no result", "noise": str(error)}
        self.store.put(key, {**record, "said": packed(record["said"], self.store.put_traceback)})
        if self.shared is not None:
            files = (record["digest"], place) if record["file"] and place else None
            self.shared.publish(key, record, files)
        return self._artifact(save, record, transcript(record["said"]))

    def _learn(self, key: str, record: Mapping[str, Any]) -> None:
        """Keep what another checkout said of a save, when it can be understood."""
        try:
            transcript(record["said"])
            self.store.put(key, {**record, "said": packed(record["said"], self.store.put_traceback)})
        except (ProtocolError, LookupError, TypeError):
            return

    def _recorded(self, save: Save) -> Artifact | None:
        record = self.store.get(self.recipes.save(save))
        if record is None:
            return None
        try:
            return self._artifact(save, record, unpacked(record["said"], self.store.traceback))
        except (ProtocolError, LookupError, TypeError):
            return None

    def _artifact(self, save: Save, record: Mapping[str, Any], said: Transcript) -> Artifact:
        key = self.recipes.save(save)
        match said:
            case Transcript(ending="exited", answer=Saved() as saved):
                return Artifact(
                    save=save,
                    key=key,
                    path=self.store.place(key, Path(record["file"]).name),
                    digest=record["digest"],
                    saved=saved,
                    container=record["container"],
                )
            case Transcript(ending="exited", answer=Unsupported(reason=reason)):
                return Artifact(save=save, key=key, unsupported=reason)
            case _:
                if isinstance(said.answer, Raised):
                    text = traceback_text(said.answer.chain)
                    self.store.ledger.keep_traceback(digest(text), text)
                return Artifact(save=save, key=key, failed=attempt(said, None, Tolerance(), rung="save"))


def refuse_trouble(said: Transcript) -> None:
    """Let nothing be kept that says more about this machine than about a model. Raises EnvironmentFailed."""
    wrong = trouble(said)
    if wrong:
        raise EnvironmentFailed(
            f"{said.cell} met a fault of this machine: {wrong}.",
            remedy=MEND,
        )


def _groups(saves: Sequence[Save], alone: Collection[Save]) -> list[list[Save]]:
    """Return the saves that share a model, each group from the cleanest format to the most invasive."""
    groups: defaultdict[tuple[bool, str, bool], list[Save]] = defaultdict(list)
    for save in sorted(saves, key=lambda item: _ORDER.index(item.format)):
        groups[save in alone, save.scenario, save.registered].append(save)
    return [group for _, group in sorted(groups.items())]


def _refusal(save: Save) -> dict[str, object]:
    """Return the transcript of a save that its writer has no API for."""
    return {
        "cell": save.id,
        "rung": "",
        "stage": "import",
        "ending": "exited",
        "seconds": 0.0,
        "noise": "",
        "answer": {"unsupported": NO_REGISTRY},
    }
