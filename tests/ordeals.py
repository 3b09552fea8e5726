"""A small run that something happens to: started, disturbed, started again, and checked after each step."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from checker import Checker, Told, told
from fakes import FakeBackend, Overheard
from programs import Program, ready, small
from small import Acknowledged, Small

from matrix.backends import Worker
from matrix.backends.process import WorkerProcess
from matrix.engine import Outcome
from matrix.model import Environment, Format
from matrix.protocol import Facts, Hello, Request

EXIT_CODES = (0, 4, 129, 130, 143)  # whole, incomplete, and ended by a signal that it has answered
Fate = Callable[[str, WorkerProcess, Request], None]


@cache
def calm(
    python: Path,
    versions: tuple[str, ...] = ("2.0.0",),
    scenarios: tuple[str, ...] = ("plain_fake",),
    formats: tuple[Format, ...] = (Format.H5, Format.KERAS),
) -> Told:
    """Return what such a run says when nothing happens to it. Its store stays beside the interpreter."""
    run = Small(python, python, versions, scenarios, formats)
    return told(replace(run, folder=_place(run)).run().results)


def measured(run: Small) -> Small:
    """Give a run the store of a calm one, as if it had run already; return it."""
    calm(run.python, run.versions, run.scenarios, run.formats)
    shutil.copytree(_place(run) / ".matrix", run.store)
    return run


def _place(run: Small) -> Path:
    names = (*run.versions, *(Path(name).name for name in run.scenarios), *run.formats)
    return run.python.parents[2] / f"calm-{'-'.join(names)}"


@dataclass
class Mortal:
    """A worker that something happens to when it is asked."""

    worker: WorkerProcess
    asked: list[Request]
    fate: Callable[[WorkerProcess, Request], None]

    @property
    def hello(self) -> Hello:
        """What the worker found."""
        return self.worker.hello

    def ask(self, request: Request) -> Iterator[Facts]:
        """Meet its fate, and ask."""
        self.asked.append(request)
        self.fate(self.worker, request)
        return self.worker.ask(request)


@dataclass
class Perilous(FakeBackend):
    """Workers that meet a fate: a function of the environment, the worker, and what it is asked."""

    fate: Fate = field(default=lambda *_: None)

    @contextmanager
    def worker(self, environment: Environment, *, foreign: bool = False) -> Iterator[Worker]:
        """Start a real worker."""
        with super().worker(environment, foreign=foreign) as overheard:
            assert isinstance(overheard, Overheard)
            yield Mortal(overheard.worker, self.asked, lambda one, request: self.fate(environment.id, one, request))


class Ordeal:
    """One small run, and what is known of it from outside.

    Args:
        small: the run.
        touched: ids of cells that the fault changes for good.
        known: how the run ends when nothing happens; asked of a calm one when not given.
    """

    def __init__(self, small: Small, touched: frozenset[str] = frozenset(), known: Told | None = None) -> None:
        self.small = small
        self.calm = known or calm(small.python, small.versions, small.scenarios, small.formats)
        small.scratch.mkdir(parents=True, exist_ok=True)
        ready()
        self.checker = Checker(small.store, small.folder, self.calm, touched)
        self._heard = self._forgotten = 0

    def started(self, failpoint: str = "", before: Callable[[], None] | None = None) -> Program:
        """Start the run as a program of its own, which goes on from where the last one ended."""
        self._heard = len(self.small.journal.read("asked"))
        (self.small.folder / "results").unlink(missing_ok=True)
        return small(self.small, failpoint, before)

    def disturbed(self, failpoint: str = "", before: Callable[[], None] | None = None) -> int:
        """Run it as a program, check what must hold however it ended, and return its exit code."""
        return self.ended(self.started(failpoint, before))

    def ended(self, program: Program) -> int:
        """Wait for a program that was started, check what must hold however it ended, and return its exit code."""
        self.last = program
        code = program.ended()
        assert code in EXIT_CODES or code < 0, program.said
        if (self.small.folder / "results").exists():
            self.checker.blamed(self.small.results)
        if code:
            self.survived()
        return code

    def survived(self) -> None:
        """Check what must hold after any end."""
        self.checker.survived(self.small.journal.read("done")[self._forgotten :])

    def forget(self) -> None:
        """Expect nothing of what was acknowledged so far: it was taken away."""
        self._forgotten = len(self.small.journal.read("done"))
        self.checker.done.clear()

    def settled(self) -> None:
        """Check all, after a run that came to its end by itself."""
        results, planned = self.small.results, self.small.engine().plan.cells
        self.checker.settled(results, planned, self.small.journal.read("asked")[self._heard :])

    def settled_here(self, outcome: Outcome) -> None:
        """Check all, after a run in this process."""
        planned = self.small.engine().plan.cells
        self.checker.settled(outcome.results, planned, self.small.journal.read("asked")[self._heard :])

    def ends(self) -> None:
        """Run it once more with nothing in its way, and check all."""
        assert self.disturbed() == 0
        self.settled()

    def here(self, backend: FakeBackend | None = None, listener: Acknowledged | None = None) -> Outcome:
        """Run it in this process and check all that can be; return the outcome."""
        self._heard = len(self.small.journal.read("asked"))
        outcome = self.small.run(backend, listener)
        self.checker.blamed(outcome.results)
        return outcome

    def perilous(self, fate: Fate) -> Perilous:
        """Return a backend for `here` whose workers meet a fate."""
        calm_one = self.small.backend()
        return Perilous(calm_one.python, asked=calm_one.asked, scratch=calm_one.scratch, fate=fate)
