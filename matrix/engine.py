"""Runs a plan: builds and saves in every writer, then loads in every reader, some environments at once."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from typing import Protocol, TypeVar

from .backends import Backend, Worker, WorkerDied
from .errors import EnvironmentFailed
from .loads import Reader
from .model import Cell, Environment, Format, Save, Status
from .plan import Plan
from .protocol import Hello
from .recipe import Recipes
from .results import Attempt, EnvironmentReport, Result
from .saves import Artifact, Limits, Writer
from .store import Store

Work = TypeVar("Work")
LIVES = 2  # a worker that dies by itself is started once more
INTERRUPTED = "the run was interrupted before this cell"


class Listener(Protocol):
    """Who is told how a run goes on. Called from several threads."""

    def phase(self, name: str, total: int) -> None:
        """Tell that so many cells are to be saved, or loaded, from now on."""

    def done(self, count: int = 1) -> None:
        """Tell that cells of the phase are finished."""

    def working(self, environment: str, what: str) -> None:
        """Tell what an environment is at; empty when it has finished."""

    def problem(self, message: str) -> None:
        """Tell of an environment that cannot be had."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run measured: a result for each cell of the plan, in its order."""

    results: tuple[Result, ...]
    environments: tuple[EnvironmentReport, ...]
    tracebacks: tuple[tuple[str, str], ...]
    cached: int
    complete: bool


@dataclass
class Engine:
    """One run of one plan. Threads supervise; all work is done by child processes of the backend."""

    plan: Plan
    backend: Backend
    store: Store
    recipes: Recipes
    limits: Limits
    jobs: int
    listener: Listener
    fresh: bool = False
    artifacts: dict[Save, Artifact] = field(default_factory=dict)
    results: dict[Cell, Result] = field(default_factory=dict)
    broken: dict[str, EnvironmentFailed] = field(default_factory=dict)
    hellos: dict[str, Hello] = field(default_factory=dict)
    tracebacks: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Outcome:
        """Measure every cell that has no result yet. Ctrl-C ends it early, with what there is."""
        try:
            self._everywhere(self._save_in, "saving", self._unsaved())
            self._everywhere(self._load_in, "loading", self._unloaded())
        except KeyboardInterrupt:
            self.stopping.set()
            self._unloaded()  # what earlier runs know is known, however early this one ended
        complete = not self.stopping.is_set()
        return Outcome(
            results=tuple(self.results.get(cell) or _not_run(cell) for cell in self.plan.cells),
            environments=tuple(self._report(item) for item in self.plan.environments),
            tracebacks=tuple(sorted(self.tracebacks.items())),
            cached=self.cached,
            complete=complete,
        )

    def _everywhere(
        self,
        do: Callable[[Environment, Sequence[Work]], None],
        name: str,
        work: dict[str, list[Work]],
    ) -> None:
        """Do some work in its environments, `jobs` of them at once; stop everything on Ctrl-C or a bug of ours."""
        self.listener.phase(name, sum(len(items) for items in work.values()))
        pool = ThreadPoolExecutor(max_workers=self.jobs)
        try:
            waiting: set[Future[None]] = {
                pool.submit(do, environment, work[environment.id])
                for environment in self.plan.environments
                if work.get(environment.id)
            }
            while waiting:
                done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        except BaseException:
            self.stopping.set()
            self.backend.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    # Saving

    def _writer(self) -> Writer:
        return Writer(self.store, self.recipes, self.recipes.scenarios, self.limits)

    def _unsaved(self) -> dict[str, list[Save]]:
        """Return the saves that have no artifact yet, by writer; what is known is taken over."""
        writer = self._writer()
        missing: defaultdict[str, list[Save]] = defaultdict(list)
        for save in self.plan.saves:
            known = None if self.fresh else writer.known(save)
            if known is None:
                missing[save.writer].append(save)
            else:
                self._saved(known)
        return missing

    def _save_in(self, environment: Environment, saves: Sequence[Save]) -> None:
        writer = self._writer()

        def work(worker: Worker) -> None:
            left = [save for save in saves if save not in self.artifacts]
            for written in writer.write(worker, left):
                self._saved(written)
                self.listener.done()

        self._with_worker(environment, "saving", work)

    def _saved(self, written: Artifact) -> None:
        self.artifacts[written.save] = written
        if written.failed is not None and written.traceback:
            self.tracebacks[written.failed.traceback] = written.traceback

    # Loading

    def _reader(self) -> Reader:
        return Reader(self.store, self.recipes, self.recipes.scenarios, self.limits, self.tracebacks.__setitem__)

    def _unloaded(self) -> dict[str, list[Cell]]:
        """Return the cells that have an artifact and no result yet, by reader; what is known is taken over."""
        reader = self._reader()
        missing: defaultdict[str, list[Cell]] = defaultdict(list)
        for cell in self.plan.cells:
            if cell in self.results:
                continue
            written = self.artifacts.get(cell.save)
            decided = self._without_artifact(cell) if written is None else _decided_by_writer(cell, written)
            old = reader.known(cell, written) if written and not self.fresh else None
            known = decided or old
            if known is None:
                missing[cell.reader].append(cell)
                continue
            self.results[cell] = known
            self.cached += decided is None
        return missing

    def _without_artifact(self, cell: Cell) -> Result:
        """Return the result of a cell whose writer did not get to its save."""
        if self.stopping.is_set():
            return _not_run(cell)
        error = self.broken.get(cell.writer)
        reason = error.message if error else f"{cell.writer} ended before it saved this"
        return Result(cell=cell, status=Status.ENVIRONMENT, reason=f"Writer: {reason}")

    def _load_in(self, environment: Environment, cells: Sequence[Cell]) -> None:
        reader = self._reader()

        def work(worker: Worker) -> None:
            left = {cell: self.artifacts[cell.save] for cell in cells if cell not in self.results}
            for measured in reader.read(worker, left):
                self.results[measured.cell] = measured
                self.listener.done()

        self._with_worker(environment, "loading", work)
        error = self.broken.get(environment.id)
        for cell in cells:
            if error is not None and cell not in self.results:
                self.results[cell] = Result(cell=cell, status=Status.ENVIRONMENT, reason=f"Reader: {error.message}")

    # Both

    def _with_worker(self, environment: Environment, what: str, work: Callable[[Worker], None]) -> None:
        """Run some work in a worker of an environment. What fails is kept as the environment's error."""
        if environment.id in self.broken:
            return
        name = environment.id
        try:
            self.backend.prepare(environment, lambda message: self.listener.working(name, message))
            for life in range(LIVES):
                try:
                    self.listener.working(name, "importing TensorFlow")
                    with self.backend.worker(environment) as worker:
                        self._met(environment, worker.hello)
                        self.listener.working(name, what)
                        work(worker)
                    break
                except WorkerDied as error:
                    if self.stopping.is_set():
                        return
                    if life == LIVES - 1:
                        raise EnvironmentFailed(f"{name}: its worker died {LIVES} times: {error}") from None
        except EnvironmentFailed as error:
            if not self.stopping.is_set():
                self.broken[name] = error
                self.listener.problem(f"{name} cannot be had, its cells will be E")
        finally:
            self.listener.working(name, "")

    def _met(self, environment: Environment, hello: Hello) -> None:
        self.hellos[environment.id] = hello
        self.store.put_facts(environment.fingerprint, asdict(hello))

    def _report(self, environment: Environment) -> EnvironmentReport:
        """Return what became of an environment, with the versions that a worker found in it, now or earlier."""
        error = self.broken.get(environment.id)
        hello = self.hellos.get(environment.id)
        found = asdict(hello) if hello else self.store.facts(environment.fingerprint) or {}
        missing: dict[Format, str] = {}
        for save, written in self.artifacts.items():
            if save.writer == environment.id and written.unsupported and not save.registered:
                missing[save.format] = written.unsupported
        return EnvironmentReport(
            environment=environment,
            error=error.message if error else "",
            remedy=error.remedy if error else "",
            unsupported=tuple(sorted(missing.items())),
            **{name: str(found.get(name, "")) for name in ("python", "tensorflow", "keras", "numpy", "h5py")},
        )


def _decided_by_writer(cell: Cell, written: Artifact) -> Result | None:
    """Return the cell's result when no reader can change it any more: its writer has no such format, or failed."""
    if written.unsupported:
        return Result(cell=cell, status=Status.UNSUPPORTED, reason=f"{cell.writer}: {written.unsupported}")
    if written.failed is not None:
        return Result(
            cell=cell,
            status=Status.NOT_SAVED,
            reason=_said(cell.writer, written.failed),
            writer_error=written.failed,
        )
    return None


def _not_run(cell: Cell) -> Result:
    return Result(cell=cell, status=Status.NOT_RUN, reason=INTERRUPTED)


def _said(writer: str, failed: Attempt) -> str:
    """Return why a save failed, in a sentence."""
    what = f"{failed.exception}: {failed.message}" if failed.exception else failed.message
    return f"{writer} could not save it: {what.splitlines()[0] if what else failed.status.word}"
