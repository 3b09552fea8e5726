"""One cell while it is measured: what was tried, what is worth trying next, and with whom it can share a child.

What a child has seen of the scenario decides what its loads can find: nothing, the module, or the registered classes.
So cells share a child when their next way of loading needs the same of the same scenario; those that need nothing but
the file share one whatever their scenario is. Own ways and remedies never share, for all own ways come first.

Two cells of one file can come to the same call: what `custom_objects` finds is what `bare` finds when it is handed the
classes. Such a call is done once, and both have its answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from .artifact import Artifact
from .diagnosis.stages import uncompiled, unopened, unread
from .model import Cell, Rung, Save, Stage, Status, Variant, Way
from .plan import OPENED_BY_LOAD_MODEL, own_rung
from .protocol import Code, Facts, Hello, Raised, Transcript, seen
from .results import Attempt

Call = tuple[Save, Code, Way, tuple[bool, ...]]
Answers = dict[Call, tuple[Facts, Transcript]]
BATCH = 200  # cells of one child: what they leave behind in its memory counts against its limit
_CLIMBS = frozenset({Status.FAIL, Status.TIMEOUT, Status.CRASH})
_BY_TENSORFLOW = frozenset({Way.TFSM, Way.RAW_SAVED_MODEL})
_OF_CLASSES = frozenset({Stage.CONFIG, Stage.BUILD})


@dataclass
class Trial:
    """One cell on its ladder.

    Attributes:
        cell, artifact: what is loaded.
        ladder: what may be tried when its own way fails.
        order: the same, what to try first in front.
        said: what was said of it so far, as it will be kept.
        attempts: what that means.
        unsafe: whether Keras refused it for the sake of safety.
        unread: whether `load_model` could not read the file at all: with other classes or options it could not either.
        unopened: whether TensorFlow itself could not open the folder when Keras asked for it.
        unserved: whether it could not when nobody but us did.
        unfit: whether a translated config was understood, or had never been read: classes change nothing then.
        uncompiled: ways that failed before anything was compiled: without compiling they would fail the same.
        loaded: ways that loaded, and raised when asked to predict.
    """

    cell: Cell
    artifact: Artifact
    ladder: tuple[Rung, ...]
    said: list[Facts] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    unsafe: bool = False
    unread: bool = False
    unopened: bool = False
    unserved: bool = False
    unfit: bool = False
    uncompiled: list[Rung] = field(default_factory=list)
    loaded: list[Rung] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inode = self.artifact.inode
        self.order = self.ladder

    @property
    def believable(self) -> bool:
        """Whether all rungs have read what the writer left: nobody has damaged it, or put it aside, meanwhile."""
        return self._inode != 0 and self._inode == self.artifact.inode and self.artifact.intact

    def heard(self, rung: Rung, facts: Facts, said: Transcript, attempt: Attempt) -> None:
        """Take the answer to one way of loading: as it is kept, as it was said, and as it is judged."""
        self.said.append(facts)
        self.attempts.append(attempt)
        if isinstance(said.answer, Raised):
            # Whatever `safe_mode` forbids says so by name (https://github.com/keras-team/keras/blob/v3.10.0/keras/src/
            # saving/serialization_lib.py, and layers/core/lambda_layer.py), so for other failures it cannot help.
            self.unsafe = self.unsafe or any("safe_mode" in problem.message for problem in said.answer.chain)
            frames = [frame for problem in said.answer.chain for frame in problem.frames]
            closed = unopened(problem.frames for problem in said.answer.chain)
            # Only what `load_model` met itself says what it would meet again: the other ways read more than it does.
            self.unread = self.unread or (rung.way is Way.OWN and unread(attempt.stage, frames))
            self.unopened = self.unopened or (rung.way is Way.OWN and closed)
            self.unserved = self.unserved or closed
            self.unfit = self.unfit or (rung.way is Way.CONFIG_PATCH and attempt.stage not in _OF_CLASSES)
            if uncompiled(attempt.stage, frames):
                self.uncompiled.append(rung)
            if attempt.stage is Stage.PREDICT:
                self.loaded.append(rung)

    def next(self, able: Hello) -> Rung | None:
        """Return the way of loading to try now; None when nothing is left, or needed.

        Args:
            able: what the reader's Keras can do.
        """
        if not self.attempts:
            return own_rung(self.cell)
        if self.attempts[0].status not in _CLIMBS or self.attempts[-1].status is Status.PASS:
            return None
        tried = {attempt.rung for attempt in self.attempts}
        left = (rung for rung in self.order if rung.name not in tried)
        return next((rung for rung in left if _possible(rung, able) and self._telling(rung)), None)

    def _telling(self, rung: Rung) -> bool:
        """Whether what was said so far leaves open how this way would end."""
        if rung.call:
            return replace(rung, call=False) in self.loaded
        if rung.way in _BY_TENSORFLOW:
            return not self.unserved
        if rung.way is not Way.OWN:
            return not (rung.way is Way.CONFIG_PATCH and self.unfit)
        by_options = rung.compile or replace(rung, compile=True) not in self.uncompiled
        return by_options and (rung.safe_mode or self.unsafe) and not (self.unread or self.unopened)

    def call(self, rung: Rung) -> Call:
        """Return what is really done: equal calls have one answer."""
        loaded = self.cell.format in OPENED_BY_LOAD_MODEL
        options = (rung.code is Variant.CUSTOM_OBJECTS, rung.compile, rung.safe_mode) if loaded else ()
        return self.cell.save, self.code(rung), rung.way, (*options, rung.call)

    def code(self, rung: Rung) -> Code:
        """Return what of the scenario a way of loading sees."""
        return seen(self.cell.format, rung)


def _possible(rung: Rung, able: Hello) -> bool:
    """Whether a reader has what a way of loading calls. Own ways are tried all the same."""
    return (
        (rung.safe_mode or able.safe_mode)
        and (rung.code is not Variant.REGISTERED or able.register)
        and (rung.way is not Way.TFSM or able.tfsm)
    )


@dataclass(frozen=True)
class Batch:
    """Cells that share a child, each with its way of loading. `alone`: each in a child of its own all the same."""

    code: Code
    steps: tuple[tuple[Trial, Rung], ...]
    alone: bool


def batches(trials: Iterable[Trial], alone: Collection[Cell], able: Hello) -> Iterator[Batch]:
    """Yield the next step of every trial that has one, those together that can share a child; equal calls once.

    Args:
        trials: the cells.
        alone: those that a worker died of.
        able: see `Trial.next`.
    """
    groups: defaultdict[tuple[bool, Code, str], list[tuple[Trial, Rung]]] = defaultdict(list)
    calls: set[Call] = set()
    for trial in trials:
        rung = trial.next(able)
        if rung is not None and trial.call(rung) not in calls:
            calls.add(trial.call(rung))
            code = trial.code(rung)
            groups[trial.cell in alone, code, "" if code == "none" else trial.cell.scenario].append((trial, rung))
    for (apart, code, _), steps in groups.items():
        for start in range(0, len(steps), BATCH):
            yield Batch(code, tuple(steps[start : start + BATCH]), apart)
