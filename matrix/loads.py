"""Loading: what one reader makes of everybody's artifacts, and which remedy helps where it fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from .artifact import Artifact
from .backends import Worker
from .diagnosis.causes import FOLDER as CAUSES
from .diagnosis.naming import Namer
from .judge import OWN_WAY, attempt, result, traceback_text, trouble
from .model import Cell, Format, Rung, Save, Scenario, Variant, digest
from .order import Order
from .plan import ladder, own_rung
from .protocol import Facts, Hello, Item, ProtocolError, Raised, Request, Transcript
from .recipe import Recipes, sources_digest
from .records import anonymous, packed, understood, unpacked, whole
from .results import Attempt, Result
from .saves import Limits, refuse_trouble
from .shared import Shared
from .store import Store
from .trials import Answers, Batch, Trial, batches


@dataclass(frozen=True)
class Reader:
    """Loads in one environment, and remembers what was loaded before.

    Attributes:
        namer: names the causes of what fails.
        shared: where other checkouts keep what they measured; None when nothing is shared.
        go_on: asked between two requests; when it says no, what is not finished stays unfinished.
    """

    store: Store
    recipes: Recipes
    scenarios: Mapping[str, Scenario]
    limits: Limits
    namer: Namer
    shared: Shared | None = None
    go_on: Callable[[], bool] = lambda: True
    _ladders: dict[tuple[str, Variant, Format], tuple[tuple[Rung, ...], str]] = field(default_factory=dict, repr=False)

    def known(self, cells: Iterable[Cell], artifacts: Mapping[Save, Artifact]) -> dict[Cell, Result]:
        """Return the results of earlier runs: judged then, or judged again from what was said, here or elsewhere."""
        wanted = {self.key(cell): (cell, self._judge(cell.scenario)) for cell in cells}
        found = self.store.ledger.results(wanted)
        missing = {key: cell for key, (cell, _) in wanted.items() if cell not in found}
        for key in missing.keys() & self.store.keys() if missing else ():
            record = self.store.get(key)
            if record is not None and self._judged_again(key, missing[key], record, artifacts, found):
                del missing[key]
        if self.shared is not None and missing:
            for key, record in self.shared.records(missing):
                with suppress(ProtocolError, LookupError, TypeError):  # of another edition, or of nobody
                    learned = self._learned(record)
                    if self._judged_again(key, missing[key], learned, artifacts, found):
                        self.store.put(key, learned)
        return found

    def read(
        self, worker: Worker, artifacts: Mapping[Cell, Artifact], *, alone: Collection[Cell] = ()
    ) -> Iterator[Result]:
        """Measure cells in groups, and yield each result when its ladder is at an end.

        Args:
            worker: of the reader.
            artifacts: what each cell is to load.
            alone: those that a worker died of: each gets a child of its own.
        """
        able = worker.hello
        trials = [Trial(cell, written, self.rungs(cell)) for cell, written in artifacts.items()]
        trials.sort(key=_in_rows)
        answers: Answers = {}
        order = Order(self.namer.suggested)
        while trials:
            turn = order.turn(trials)
            heard = [trial for trial in turn if self._recall(trial, answers, able)]
            yield from self._ended(heard, able)
            for batch in [] if heard else list(batches(turn, alone, able)):
                if not self.go_on():
                    return
                yield from self._ended(self._tried(worker, batch, answers), able)
            trials = [trial for trial in trials if trial.next(able)]

    def _ended(self, trials: Iterable[Trial], able: Hello) -> Iterator[Result]:
        """Yield the results of those that are at an end, each at once: who is killed loses what is running."""
        for trial in trials:
            if trial.next(able) is None:
                yield from self._finished(trial)

    def repeated(self, worker: Worker, cell: Cell, written: Artifact, rungs: Sequence[str]) -> list[Attempt]:
        """Return how a cell ends by its own way and by some rungs of its ladder, keeping nothing."""
        trial = Trial(cell, written, self.rungs(cell))
        for rung in (own_rung(cell), *(rung for rung in trial.ladder if rung.name in rungs)):
            list(self._tried(worker, Batch(trial.code(rung), ((trial, rung),), alone=False), {}))
        return trial.attempts

    def _recall(self, trial: Trial, answers: Answers, able: Hello) -> bool:
        """Let a trial hear the answer to a call that was done for another cell; return whether there is one."""
        rung = trial.next(able)
        known = answers.get(trial.call(rung)) if rung is not None else None
        if rung is not None and known is not None:
            self._hear(trial, rung, *known)
        return known is not None

    def _tried(self, worker: Worker, batch: Batch, answers: Answers) -> Iterator[Trial]:
        """Load some artifacts in a child that has done nothing else; yield each when it has answered."""
        steps = {trial.cell.id: (trial, rung) for trial, rung in batch.steps}
        for line in worker.ask(self._request(batch)):
            trial, rung = steps[str(line.get("cell"))]
            facts, said = understood(
                line if trial.artifact.path is None else anonymous(line, trial.artifact.path.parent)
            )
            if trial.artifact.foreign:
                facts, said = _confined(facts, said)
            else:
                refuse_trouble(said)
            call = trial.call(rung)  # before the trial has heard of it
            answers[call] = packed(facts, self.store.put_traceback), said
            self._hear(trial, rung, *answers[call])
            yield trial

    def _hear(self, trial: Trial, rung: Rung, facts: Facts, said: Transcript) -> None:
        said = replace(said, cell=trial.cell.id, rung=rung.name)
        judged = self._judged(trial.cell, trial.artifact, said, first=not trial.said)
        trial.heard(rung, {**facts, "cell": trial.cell.id, "rung": rung.name}, said, judged)

    def _request(self, batch: Batch) -> Request:
        scenario = self.scenarios[batch.steps[0][0].cell.scenario]
        inputs: dict[str, Facts] = {}
        items = []
        for trial, rung in batch.steps:
            saved, path = trial.artifact.saved, trial.artifact.path
            if saved is None or path is None:
                raise ValueError(f"{trial.cell.id} has no artifact")
            key = digest(saved.inputs)
            inputs[key] = saved.inputs
            items.append(
                Item(
                    id=trial.cell.id,
                    format=trial.cell.format,
                    path=str(path),
                    inputs=key,
                    registered=trial.cell.save.registered,
                    rung=rung,
                )
            )
        return Request(
            task="load",
            scenario=scenario.name,
            script=str(scenario.path),
            code=batch.code,
            items=items,
            inputs=inputs,
            timeout=self.limits.timeout,
            memory=self.limits.memory,
            isolation="cell" if batch.alone else self.limits.isolation,
        )

    def _finished(self, trial: Trial) -> Iterator[Result]:
        """Keep what was said of a cell, and yield what it means; nothing when its artifact was damaged meanwhile."""
        if not trial.believable:
            return
        cell, key = trial.cell, self.key(trial.cell)
        record = {"cell": cell.id, "recipe": self.recipe(cell), "said": trial.said}
        self.store.put(key, record)
        if (
            self.shared is not None and not trial.artifact.brought
        ):  # where tracebacks are not shared, they go with the record
            self.shared.publish(key, {**record, "said": [whole(facts, self.store.traceback) for facts in trial.said]})
        found = self.namer.named(result(cell, trial.attempts, trial.artifact.container))
        self.store.ledger.keep(key, self._judge(cell.scenario), found)
        yield found

    def _learned(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record as it is kept here: its tracebacks put aside."""
        return {**record, "said": [packed(facts, self.store.put_traceback) for facts in record["said"]]}

    def _judged_again(
        self,
        key: str,
        cell: Cell,
        record: Mapping[str, Any],
        artifacts: Mapping[Save, Artifact],
        found: dict[Cell, Result],
    ) -> bool:
        """Judge what was said of a cell, into `found`; return False when it cannot be understood any more."""
        written = artifacts[cell.save]
        try:
            attempts = [
                self._judged(cell, written, unpacked(said, self.store.traceback), first=position == 0)
                for position, said in enumerate(record["said"])
            ]
        except (ProtocolError, LookupError, TypeError):
            return False
        if not attempts:
            return False
        found[cell] = self.namer.named(result(cell, attempts, written.container))
        self.store.ledger.keep(key, self._judge(cell.scenario), found[cell])
        return True

    def _judged(self, cell: Cell, written: Artifact, said: Transcript, *, first: bool) -> Attempt:
        if isinstance(said.answer, Raised):
            text = traceback_text(said.answer.chain)
            self.store.ledger.keep_traceback(digest(text), text)
        tolerance = self.scenarios[cell.scenario].tolerance
        return attempt(said, written.saved, tolerance, rung=OWN_WAY if first else "")

    def _judge(self, scenario: str) -> str:
        """Name who judged: another tolerance, or another edition of the judge, judges again."""
        tolerance = self.scenarios[scenario].tolerance
        return f"{_judges()}:{tolerance.absolute:g}:{tolerance.relative:g}"

    def rungs(self, cell: Cell) -> tuple[Rung, ...]:
        """Return what may be tried when a cell's own way fails."""
        return self._climb(cell)[0]

    def _climb(self, cell: Cell) -> tuple[tuple[Rung, ...], str]:
        """Return the whole ladder of a cell, and its names.

        What a reader cannot do of it follows from its environment, so it is not in the key.
        """
        kind = cell.scenario, cell.variant, cell.format
        known = self._ladders.get(kind)
        if known is None:
            rungs = ladder(cell, self.scenarios[cell.scenario].variants, safe_mode=True)
            known = self._ladders[kind] = rungs, ", ".join(rung.name for rung in rungs)
        return known

    def recipe(self, cell: Cell) -> dict[str, str]:
        """Return what decides how a cell ends, by the name of the ingredient."""
        return self.recipes.of_load(cell, self._climb(cell)[1])

    def key(self, cell: Cell) -> str:
        """Return the key of a cell."""
        return self.recipes.load(cell, self._climb(cell)[1])


def _confined(facts: Facts, said: Transcript) -> tuple[Facts, Transcript]:
    """Return what was said in a sandbox: that there is no room is its wall, and no fault of this machine."""
    wrong = trouble(said)
    if not wrong:
        return facts, said
    return understood({**facts, "answer": None, "ending": "no result", "noise": f"stopped by its sandbox: {wrong}"})


def _in_rows(trial: Trial) -> tuple[str, ...]:
    """Order cells by themselves, not by who saved first. What fails comes in rows then, and costs the next one time."""
    cell = trial.cell
    return cell.format, cell.scenario, cell.variant, cell.writer


@cache
def _judges() -> str:
    """Return one digest of the code that turns words into letters."""
    here = Path(__file__).parent
    names = ("judge.py", "protocol.py", "records.py", "results.py")
    return sources_digest([*(here / name for name in names), *here.glob("diagnosis/*.py"), *CAUSES.glob("*.toml")])[:16]
