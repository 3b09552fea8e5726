"""Saving: what one writer leaves behind for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artifact
from .backends import Worker
from .errors import EnvironmentFailed
from .judge import attempt, traceback_text, trouble
from .model import Format, Save, Scenario, Tolerance
from .protocol import Facts, Isolation, Item, ProtocolError, Raised, Request, Saved, Transcript, Unsupported
from .recipe import Recipes
from .records import packed, understood, unpacked
from .results import Attempt
from .store import Store

# Tracing a model for these changes it; they come after the formats that only read it.
_INVASIVE = (Format.SAVED_MODEL, Format.EXPORT)
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
        traceback: of that, as text.
    """

    save: Save
    key: str
    path: Path | None = None
    digest: str = ""
    saved: Saved | None = None
    container: str = ""
    unsupported: str = ""
    failed: Attempt | None = None
    traceback: str = ""

    @property
    def intact(self) -> bool:
        """Whether the files are still those that were written."""
        try:
            return self.path is not None and artifact.tree_digest(self.path) == self.digest
        except (artifact.ArtifactError, OSError):
            return False


@dataclass(frozen=True)
class Writer:
    """Saves in one environment, and remembers what was saved before."""

    store: Store
    recipes: Recipes
    scenarios: Mapping[str, Scenario]
    limits: Limits

    def known(self, save: Save) -> Artifact | None:
        """Return how a save ended in an earlier run; None when it is to be done (again)."""
        key = self.recipes.save(save)
        record = self.store.get(key)
        if record is None:
            return None
        path = None
        if record["file"]:
            path = self.store.artifact(key, record)
            if path is None:  # deleted or changed since: save it again
                return None
        try:
            return self._artifact(save, record, path)
        except ProtocolError:
            return None

    def write(self, worker: Worker, saves: Sequence[Save]) -> Iterator[Artifact]:
        """Save in groups of one scenario each, and yield every artifact as it is there."""
        for (name, registered), group in _groups(saves).items():
            if registered and not worker.hello.register:
                for save in group:
                    yield self._keep(save, _refusal(save), None)
                continue
            with self.store.desk() as desk:
                yield from self._written(worker, self.scenarios[name], group, desk)

    def _written(self, worker: Worker, scenario: Scenario, group: Sequence[Save], desk: Path) -> Iterator[Artifact]:
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
            timeout=self.limits.timeout,
            memory=self.limits.memory,
            isolation=self.limits.isolation,
        )
        for line in worker.ask(request):
            facts, said = understood(line)
            refuse_trouble(said)
            yield self._keep(wanted[said.cell], facts, places[said.cell])

    def _keep(self, save: Save, facts: Facts, place: Path | None) -> Artifact:
        """Move the artifact to its place, write the record, and return what is known now."""
        key = self.recipes.save(save)
        record: dict[str, Any] = {
            "said": packed(facts, self.store.put_traceback),
            "file": "",
            "digest": "",
            "container": "",
        }
        path = None
        if place is not None and "saved" in (facts["answer"] or {}):
            try:
                record.update(digest=artifact.tree_digest(place), container=artifact.container(place), file=place.name)
                path = self.store.keep(place, key)
            except artifact.ArtifactError as error:
                record["said"] = {**facts, "answer": None, "ending": "no result", "noise": str(error)}
        self.store.put(key, record)
        return self._artifact(save, record, path)

    def _artifact(self, save: Save, record: Mapping[str, Any], path: Path | None) -> Artifact:
        key = self.recipes.save(save)
        said = unpacked(record["said"], self.store.traceback)
        match said:
            case Transcript(ending="exited", answer=Saved() as saved):
                return Artifact(
                    save=save,
                    key=key,
                    path=path,
                    digest=record["digest"],
                    saved=saved,
                    container=record["container"],
                )
            case Transcript(ending="exited", answer=Unsupported(reason=reason)):
                return Artifact(save=save, key=key, unsupported=reason)
            case _:
                text = traceback_text(said.answer.chain) if isinstance(said.answer, Raised) else ""
                return Artifact(
                    save=save, key=key, failed=attempt(said, None, Tolerance(), rung="save"), traceback=text
                )


def refuse_trouble(said: Transcript) -> None:
    """Let nothing be kept that says more about this machine than about a model. Raises EnvironmentFailed."""
    wrong = trouble(said)
    if wrong:
        raise EnvironmentFailed(
            f"{said.cell} met a fault of this machine: {wrong}.",
            remedy="Mend it (matrix doctor shows the disk), then run the same command: what was measured stays.",
        )


def _groups(saves: Sequence[Save]) -> dict[tuple[str, bool], list[Save]]:
    """Return the saves that share a model, each group from the cleanest format to the most invasive."""
    groups: defaultdict[tuple[str, bool], list[Save]] = defaultdict(list)
    for save in sorted(saves, key=lambda item: item.format in _INVASIVE):
        groups[save.scenario, save.registered].append(save)
    return dict(sorted(groups.items()))


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
