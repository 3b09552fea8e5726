"""Proves that shortcuts change no answer: repeats a sample of cells the slow way and compares letters and numbers.

The engine forks children from a warm worker, shares them within a group, and hands `predict` a dataset. The audit gives
each rung of each cell a fresh process, which hands `predict` the arrays as a user would.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from .artifact import Artifact
from .backends import Backend, Worker, WorkerDied
from .errors import EnvironmentFailed
from .lives import Listener
from .loads import Reader
from .model import Environment, Save
from .results import Attempt, Result
from .saves import Writer

CHANCE = 20261123


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What came of an audit: how many cells were repeated, and each difference in a sentence."""

    repeated: int
    differences: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For the page and the terminal."""
        said = f"Audit: {self.repeated} cells repeated in fresh processes"
        if not self.differences:
            return f"{said}, none differs."
        return f"{said}, {len(self.differences)} differences: {'; '.join(self.differences[:5])}."


def sample(results: Sequence[Result], count: int) -> list[Result]:
    """Return some measured cells, the same for the same run: every reader and every letter has its share."""
    chance = random.Random(CHANCE)  # noqa: S311 - a sample, no secret
    kinds: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.status.measured:
            kinds[result.cell.reader, str(result.status)].append(result)
    piles = [chance.sample(pile, len(pile)) for _, pile in sorted(kinds.items())]
    chance.shuffle(piles)
    rounds = (pile[turn] for turn in range(max(map(len, piles), default=0)) for pile in piles if turn < len(pile))
    return [result for result, _ in zip(rounds, range(count), strict=False)]


@dataclass(frozen=True, kw_only=True)
class Auditor:
    """Repeats cells as nobody would who is in a hurry.

    Attributes:
        environments: by id.
        artifacts: what was saved.
        backend, writer, reader: as the engine uses them.
        listener: who hears how it goes on.
        jobs: environments at work at once.
    """

    environments: Mapping[str, Environment]
    artifacts: Mapping[Save, Artifact]
    backend: Backend
    writer: Writer
    reader: Reader
    listener: Listener
    jobs: int

    def audit(self, results: Sequence[Result], count: int) -> Audit:
        """Repeat a sample of some results, and compare."""
        chosen = sample(results, count)
        by_reader: defaultdict[str, list[Result]] = defaultdict(list)
        for result in chosen:
            by_reader[result.cell.reader].append(result)
        self.listener.phase("auditing", len(chosen))
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                found = [said for part in pool.map(self._in, by_reader, by_reader.values()) for said in part]
            except BaseException:
                self.backend.stop()
                pool.shutdown(cancel_futures=True)
                raise
        return Audit(repeated=len(chosen), differences=tuple(found))

    def _in(self, name: str, results: Sequence[Result]) -> list[str]:
        """Repeat what one environment read."""
        found: list[str] = []
        try:
            self.backend.prepare(self.environments[name], lambda message: self.listener.working(name, message))
            with self.backend.worker(self.environments[name]) as worker:
                self.listener.working(name, "auditing")
                for result in results:
                    found += self._repeated(worker, result)
                    self.listener.done("load")
        except (EnvironmentFailed, WorkerDied) as error:
            found.append(f"{name} could not be audited: {error}")
        finally:
            self.listener.working(name, "")
        return found

    def _repeated(self, worker: Worker, result: Result) -> Iterator[str]:
        cell = result.cell
        written = self.artifacts[cell.save]
        if not self.writer.at_hand(written):
            yield f"{cell.id}: its artifact is not there any more"
            return
        slow = replace(self.reader, limits=replace(self.reader.limits, isolation="fresh"), go_on=lambda: True)
        rungs = {rung.name for rung in self.reader.rungs(cell)} & {result.remedy}  # a detour leads elsewhere
        before = [one for first, one in enumerate(result.attempts) if not first or one.rung in rungs]
        after = slow.repeated(worker, cell, written, list(rungs))
        for one, again in zip(before, after, strict=True):
            for what, then, now in zip(("letter", "failure", "largest error"), _facts(one), _facts(again), strict=True):
                if then != now:
                    yield f"{cell.id} ({one.rung}): its {what} was {then}, and is {now} in a fresh process"


def _facts(one: Attempt) -> tuple[str, str, float | None]:
    """Return what must not depend on how a cell was run."""
    return str(one.status), one.signature if one.exception else "", one.max_abs_error
