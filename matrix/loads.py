"""Loading: what one reader makes of everybody's artifacts, and which remedy helps where it fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .backends import Worker
from .judge import OWN_WAY, attempt, result, traceback_text
from .model import Cell, Rung, Scenario, Status, Variant, digest
from .plan import ladder, needs_code, own_rung
from .protocol import Code, Facts, Item, ProtocolError, Raised, Request, Transcript
from .recipe import Recipes
from .records import packed, understood, unpacked
from .results import Attempt, Result
from .saves import Artifact, Limits, refuse_trouble
from .store import Store

_CLIMBS = frozenset({Status.FAIL, Status.TIMEOUT, Status.CRASH})
_CODE: Mapping[Variant, Code] = {
    Variant.BARE: "none",
    Variant.CUSTOM_OBJECTS: "load",
    Variant.REGISTERED: "register",
}
Key = TypeVar("Key", bound=Hashable)
Tracebacks = Callable[[str, str], None]


@dataclass
class Trial:
    """One cell while it is measured: what was said of it so far, as it will be kept, and what that means."""

    cell: Cell
    artifact: Artifact
    said: list[dict[str, Any]]
    attempts: list[Attempt]

    @property
    def climbing(self) -> bool:
        """Whether the next rung is worth trying: its own way failed, and nothing has helped yet."""
        return self.attempts[0].status in _CLIMBS and self.attempts[-1].status is not Status.PASS


@dataclass(frozen=True)
class Reader:
    """Loads in one environment, and remembers what was loaded before.

    Attributes:
        tracebacks: takes `(digest, text)` of every traceback that a result refers to.
    """

    store: Store
    recipes: Recipes
    scenarios: Mapping[str, Scenario]
    limits: Limits
    tracebacks: Tracebacks

    def known(self, cell: Cell, written: Artifact) -> Result | None:
        """Return the result of an earlier run, judged again; None when the cell is to be measured."""
        record = self.store.get(self._key(cell))
        if record is None:
            return None
        try:
            attempts = [
                self._judged(cell, written, unpacked(said, self.store.traceback), first=position == 0)
                for position, said in enumerate(record["said"])
            ]
        except ProtocolError:
            return None
        return result(cell, attempts, written.container)

    def read(self, worker: Worker, artifacts: Mapping[Cell, Artifact]) -> Iterator[Result]:
        """Measure cells in groups, and yield each result when its ladder is at an end."""
        damaged = {cell for cell, written in artifacts.items() if not written.intact}
        yield from (_damaged(cell) for cell in damaged)
        intact = [cell for cell in artifacts if cell not in damaged]
        for group in _grouped(intact, lambda cell: (cell.scenario, cell.variant, needs_code(cell))):
            trials = {cell.id: Trial(cell=cell, artifact=artifacts[cell], said=[], attempts=[]) for cell in group}
            self._try(worker, list(trials.values()), own_rung(group[0]), _own_code(group[0]))
            yield from self._finished(trials, [item for item in trials.values() if not item.climbing])
            while trials:
                rung, climbers = self._next_rung(worker, list(trials.values()))
                if rung is not None:
                    self._try(worker, climbers, rung, _CODE[rung.code])
                done = [item for item in trials.values() if rung is None or not item.climbing]
                yield from self._finished(trials, done)

    def _next_rung(self, worker: Worker, trials: Sequence[Trial]) -> tuple[Rung | None, list[Trial]]:
        """Return the first rung that some trial has not tried yet, with all trials that want it."""
        wanted: dict[str, Rung] = {}
        climbers: defaultdict[str, list[Trial]] = defaultdict(list)
        for trial in trials:
            tried = {item.rung for item in trial.attempts}
            for rung in self._ladder(trial.cell, safe_mode=worker.hello.safe_mode):
                if rung.name not in tried:
                    wanted.setdefault(rung.name, rung)
                    climbers[rung.name].append(trial)
        if not wanted:
            return None, []
        name = next(iter(wanted))
        return wanted[name], climbers[name]

    def _try(self, worker: Worker, trials: Sequence[Trial], rung: Rung, code: Code) -> None:
        """Load some artifacts by one rung, in a child that has done nothing else."""
        by_id = {trial.cell.id: trial for trial in trials}
        for line in worker.ask(self._request(trials, rung, code)):
            facts, said = understood(line)
            refuse_trouble(said)
            trial = by_id[said.cell]
            first = not trial.attempts
            trial.said.append(packed(facts, self.store.put_traceback))
            trial.attempts.append(self._judged(trial.cell, trial.artifact, said, first=first))

    def _request(self, trials: Sequence[Trial], rung: Rung, code: Code) -> Request:
        scenario = self.scenarios[trials[0].cell.scenario]
        inputs: dict[str, Facts] = {}
        items = []
        for trial in trials:
            saved, path = trial.artifact.saved, trial.artifact.path
            if saved is None or path is None:
                raise ValueError(f"{trial.cell.id} has no artifact")
            key = digest(saved.inputs)
            inputs[key] = saved.inputs
            items.append(Item(id=trial.cell.id, format=trial.cell.format, path=str(path), inputs=key))
        return Request(
            task="load",
            scenario=scenario.name,
            script=str(scenario.path),
            code=code,
            items=items,
            rungs=(rung,),
            inputs=inputs,
            timeout=self.limits.timeout,
            memory=self.limits.memory,
            isolation=self.limits.isolation,
        )

    def _finished(self, trials: dict[str, Trial], done: Sequence[Trial]) -> Iterator[Result]:
        for trial in done:
            self.store.put(self._key(trial.cell), {"cell": trial.cell.id, "said": trial.said})
            del trials[trial.cell.id]
            yield result(trial.cell, trial.attempts, trial.artifact.container)

    def _judged(self, cell: Cell, written: Artifact, said: Transcript, *, first: bool) -> Attempt:
        if isinstance(said.answer, Raised):
            text = traceback_text(said.answer.chain)
            self.tracebacks(digest(text), text)
        tolerance = self.scenarios[cell.scenario].tolerance
        return attempt(said, written.saved, tolerance, rung=OWN_WAY if first else "")

    def _ladder(self, cell: Cell, *, safe_mode: bool) -> tuple[Rung, ...]:
        return ladder(cell, self.scenarios[cell.scenario].variants, safe_mode=safe_mode)

    def _key(self, cell: Cell) -> str:
        """Return the key of a cell. What a reader cannot do follows from its environment, so it is not in the key."""
        return self.recipes.load(cell, self._ladder(cell, safe_mode=True))


def _own_code(cell: Cell) -> Code:
    """Return what of the scenario a cell's own way sees. Weights need the code that builds the model around them."""
    return "load" if cell.variant is Variant.BARE and needs_code(cell) else _CODE[cell.variant]


def _damaged(cell: Cell) -> Result:
    reason = "the artifact was changed on disk after it was saved; the next run saves it again"
    return Result(cell=cell, status=Status.ENVIRONMENT, reason=reason)


def _grouped(cells: Sequence[Cell], key: Callable[[Cell], Key]) -> list[list[Cell]]:
    groups: defaultdict[Key, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[key(cell)].append(cell)
    return list(groups.values())
