"""Saving: what one writer leaves behind for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from . import artifact
from .artifact import Artifact
from .backends import Worker
from .errors import MEND, EnvironmentFailed
from .judge import attempt, traceback_text, trouble
from .model import Format, Save, Scenario, Status, digest
from .protocol import (
    Code,
    Facts,
    Isolation,
    Item,
    ProtocolError,
    Raised,
    Request,
    Saved,
    Transcript,
    Unsupported,
    seen,
    transcript,
)
from .recipe import Recipes
from .records import anonymous, packed, understood, unpacked
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
        ready = []
        for save in saves:
            lost = self._lost(save)
            if lost is None:
                ready.append(save)
            else:
                yield lost
        for group in _groups(ready, alone):
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
        places = {save.id: desk / str(n) / artifact.FILE_NAMES[save.format] for n, save in enumerate(group)}
        for place in places.values():
            place.parent.mkdir()
        inputs: dict[str, Facts] = {}
        request = Request(
            task="load" if group[0].origin else "save",
            scenario=scenario.name,
            script=str(scenario.path),
            code=_seen(group[0]),
            items=[self._item(save, places[save.id], inputs) for save in group],
            inputs=inputs,
            timeout=limits.timeout,
            memory=limits.memory,
            isolation=limits.isolation,
        )
        for line in worker.ask(request):
            origin = self._origin(wanted[str(line.get("cell"))])
            folders = [desk, *([origin.path.parent] if origin and origin.path else [])]
            facts, said = understood(reduce(anonymous, folders, line))
            refuse_trouble(said)
            yield self._keep(wanted[said.cell], facts, places[said.cell])

    def _item(self, save: Save, place: Path, inputs: dict[str, Facts]) -> Item:
        """Return what a worker is to save. Where it loads the model for that, what to feed it goes into `inputs`."""
        origin = self._origin(save)
        if not save.origin or origin is None or origin.saved is None:
            return Item(id=save.id, format=save.format, path=str(place))
        source, rung = save.origin
        key = digest(origin.saved.inputs)
        inputs[key] = origin.saved.inputs
        return Item(
            id=save.id,
            format=source.format,
            path=str(origin.path),
            inputs=key,
            registered=source.registered,
            rung=rung,
            resave=(save.format, str(place)),
        )

    def _origin(self, save: Save) -> Artifact | None:
        """Return what a model is loaded from before it is saved again; None when it is built, or nothing is known."""
        return self._recorded(save.origin[0]) if save.origin else None

    def _lost(self, save: Save) -> Artifact | None:
        """Return how a save ends whose model cannot be had; None when nothing speaks against it."""
        origin = self._origin(save)
        if not save.origin or (origin is not None and origin.saved is not None and self.at_hand(origin)):
            return None
        if origin is not None and origin.failed is not None:
            return Artifact(save=save, key=self.recipes.save(save), failed=origin.failed)
        return Artifact(save=save, key="", fault=f"{save.origin[0].id} is not there any more")

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
        if place is not None and {"saved", "loaded"} & (facts["answer"] or {}).keys():
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
        if said.ending == "exited" and isinstance(said.answer, Unsupported):
            return Artifact(save=save, key=key, unsupported=said.answer.reason)
        origin = self._origin(save)
        reference = origin.saved if origin else None
        judged = attempt(said, reference, self.scenarios[save.scenario].tolerance, rung="save")
        saved = reference or said.answer
        if judged.status is not Status.PASS or not isinstance(saved, Saved):
            if isinstance(said.answer, Raised):
                text = traceback_text(said.answer.chain)
                self.store.ledger.keep_traceback(digest(text), text)
            return Artifact(save=save, key=key, failed=judged)
        return Artifact(
            save=save,
            key=key,
            path=self.store.place(key, Path(record["file"]).name),
            digest=record["digest"],
            saved=saved,
            container=record["container"],
        )


def refuse_trouble(said: Transcript) -> None:
    """Let nothing be kept that says more about this machine than about a model. Raises EnvironmentFailed."""
    wrong = trouble(said)
    if wrong:
        raise EnvironmentFailed(
            f"{said.cell} met a fault of this machine: {wrong}.",
            remedy=MEND,
        )


def _groups(saves: Sequence[Save], alone: Collection[Save]) -> list[list[Save]]:
    """Return the saves that share a model, each group from the cleanest format to the most invasive.

    Those that load a model first share a child, when they see the same of the scenario.
    """
    groups: defaultdict[tuple[bool, bool, str, bool, Code], list[Save]] = defaultdict(list)
    for save in sorted(saves, key=lambda item: _ORDER.index(item.format)):
        groups[save in alone, bool(save.origin), save.scenario, save.registered, _seen(save)].append(save)
    return [group for _, group in sorted(groups.items())]


def _seen(save: Save) -> Code:
    """Return what of the scenario's code a save needs."""
    if save.origin:
        source, rung = save.origin
        return seen(source.format, rung)
    return "register" if save.registered else "load"


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
