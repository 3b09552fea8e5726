"""The lives of environments: each is built, saves and loads, as far as cores and memory allow, and may die.

One thread supervises one environment. It takes work from the board, waits for its turn, and brings back what came of
it. TensorFlow is imported once for a life, and a life lasts as long as there is work and nobody needs its memory.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Protocol

from .artifact import Artifact
from .backends import Backend, Worker, WorkerDied
from .board import Board, Work
from .errors import MEND, EnvironmentFailed
from .judge import crashed
from .loads import Reader
from .model import Cell, Environment, Save, Status
from .protocol import Hello
from .results import Result
from .saves import Writer
from .slots import Closed, Slots
from .store import Store

LIVES = 5  # an environment whose workers die more often by themselves is given up
SAVING, LOADING = 0, 1


class Listener(Protocol):
    """Who is told how a run goes on. Called from several threads."""

    def phase(self, name: str, total: int, saves: int = 0) -> None:
        """Tell what begins, of how many parts it is, and how many of them are saves, which take longer."""

    def done(self, what: str = "", parts: int = 1) -> None:
        """Tell what is finished, a `save`, a `load`, or what the phase is about, and how many parts that ends."""

    def working(self, environment: str, what: str) -> None:
        """Tell what an environment is at; empty when it has finished."""

    def problem(self, message: str) -> None:
        """Tell of something that is worth stopping for."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a run may use.

    Attributes:
        jobs: environments at work at once.
        workers: how many may be alive at once; those that wait for others hold memory only.
        seconds: after which nothing more begins; None for no end.
    """

    jobs: int
    workers: int
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who does the work of a run: where workers come from, what they save and load with, and who is told."""

    backend: Backend
    writer: Writer
    reader: Reader
    store: Store
    listener: Listener


class Lives:
    """All environments of a run at work on one board.

    Attributes:
        hellos: what the workers found in their environments.
    """

    def __init__(self, crew: Crew, means: Means) -> None:
        self.crew = crew
        self.means = means
        self.hellos: dict[str, Hello] = {}
        self.slots = Slots(means.jobs)  # cores to work on
        self.seats = Slots(max(means.jobs, means.workers))  # memory for workers that are alive
        self.builders = Slots(means.jobs)  # a build waits for the network as often as for a core
        self._suspects: Counter[Cell | Save] = Counter()
        self._deaths: Counter[str] = Counter()
        self._checking = threading.Lock()

    def idle(self) -> bool:
        """Whether a core has nothing to do."""
        return self.slots.free > 0 and not self.slots.wanted

    def crowded(self) -> bool:
        """Whether a worker waits for the memory that another one holds."""
        return self.seats.wanted

    def run(self, board: Board, environments: Sequence[Environment]) -> None:
        """Let every environment that has work live; stop everything on Ctrl-C or a fault of ours.

        Raises:
            StoreFailed: what was measured cannot be kept.
        """
        until = time.monotonic() + self.means.seconds if self.means.seconds is not None else None
        pool = ThreadPoolExecutor(max_workers=len(environments))
        try:
            waiting: set[Future[None]] = {
                pool.submit(self._live, board, environment, turn) for turn, environment in enumerate(environments)
            }
            while waiting:
                done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                if until is not None and time.monotonic() > until:
                    board.close("cut off by --budget before its turn")
        except BaseException:
            self._stop(board)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _stop(self, board: Board) -> None:
        board.close("the run was stopped before this cell")
        for slots in (self.slots, self.seats, self.builders):
            slots.close()
        self.crew.backend.stop()

    def _live(self, board: Board, environment: Environment, turn: int) -> None:
        """Do all that one environment has to do. What fails is kept as the environment's error."""
        name = environment.id
        try:
            while work := board.next(name, holding=False):
                with self.builders.taken(turn):
                    self.crew.backend.prepare(environment, lambda message: self.crew.listener.working(name, message))
                with self.seats.taken(turn):
                    self._life(board, environment, turn, work)
        except Closed:
            return
        except EnvironmentFailed as error:
            self._lost(board, name, error)
        except OSError as error:  # too many open files, say: nothing of it is kept
            self._lost(board, name, EnvironmentFailed(f"{name} met a fault of this machine: {error}.", remedy=MEND))
        finally:
            self.crew.listener.working(name, "")

    def _lost(self, board: Board, name: str, error: EnvironmentFailed) -> None:
        if not board.closed:
            self.crew.listener.done("", board.broke(name, error))
            self.crew.listener.problem(f"{name} cannot be had, its cells will be E")

    def _life(self, board: Board, environment: Environment, turn: int, work: Work | None) -> None:
        """Start a worker and let it work until there is nothing left for it, or it dies."""
        name = environment.id
        try:
            with ExitStack() as life:
                with self._at_work(name, "importing TensorFlow", SAVING, turn):
                    worker = life.enter_context(self.crew.backend.worker(environment))
                    self._met(environment, worker.hello)
                while work:
                    kind = SAVING if work.saves else LOADING
                    with self._at_work(name, ("saving", "loading")[kind], kind, turn):
                        self._do(board, environment, worker, work)
                    board.landed(name)
                    work = board.next(name, holding=True)
        except WorkerDied as error:
            if not board.closed:
                self._bury(board, environment, error)
        finally:
            board.landed(name)

    @contextmanager
    def _at_work(self, name: str, what: str, *urgency: int) -> Iterator[None]:
        with self.slots.taken(*urgency):
            self.crew.listener.working(name, what)
            yield
            self.crew.listener.working(name, "")

    def _do(self, board: Board, environment: Environment, worker: Worker, work: Work) -> None:
        alone = [item for item in self._suspects if self._suspects[item]]
        for written in self.crew.writer.write(
            worker, work.saves, alone=[one for one in alone if isinstance(one, Save)]
        ):
            self.crew.listener.done("save", 1 + board.saved(written))
        artifacts = {cell: board.artifacts[cell.save] for cell in work.cells if cell.save in board.artifacts}
        for written in {written.save: written for written in artifacts.values()}.values():
            if not self._at_hand(board, written):
                artifacts = {cell: item for cell, item in artifacts.items() if item.save != written.save}
        suspects = [one for one in alone if isinstance(one, Cell)]
        own = {cell: written for cell, written in artifacts.items() if not written.foreign}
        self._read(board, worker, own, suspects)
        for written in {item.save: item for item in artifacts.values() if item.foreign}.values():
            cells = {cell: item for cell, item in artifacts.items() if item.save == written.save}
            self._read_apart(board, environment, cells)

    def _read_apart(self, board: Board, environment: Environment, artifacts: Mapping[Cell, Artifact]) -> None:
        """Let the cells of one foreign file have workers that open nothing else.

        What ends such a worker twice while it is at a cell is a fact of the file, and no other file pays for it.

        Raises:
            WorkerDied: nothing speaks for the file being the reason.
        """
        left = dict(artifacts)
        while left and not board.closed:
            try:
                with self.crew.backend.worker(environment, foreign=True) as worker:
                    self._read(board, worker, left, [cell for cell in left if self._suspects[cell]])
                left.clear()
            except WorkerDied as error:
                at = [cell for name in error.at for cell in left if cell.id == name]
                if error.lost or not at or board.closed:
                    raise
                if self._suspects[at[0]]:
                    board.measured(crashed(at[0], f"it ended its worker, twice: {error}"))
                    self.crew.listener.done("load")
                self._suspects.update(at)
                left = {cell: written for cell, written in left.items() if cell not in board.results}

    def _read(self, board: Board, worker: Worker, artifacts: Mapping[Cell, Artifact], suspects: Sequence[Cell]) -> None:
        for result in self.crew.reader.read(worker, artifacts, alone=suspects):
            board.measured(result)
            self.crew.listener.done("load")

    def _at_hand(self, board: Board, written: Artifact) -> bool:
        """Whether an artifact can be read; one that was damaged is put aside and saved again."""
        if written.intact:
            return True
        with self._checking:
            if board.artifacts.get(written.save) is not written:
                return False  # another reader noticed it first
            if self.crew.writer.at_hand(written):
                return True
            if written.brought:
                board.saved(Artifact(save=written.save, key="", fault="the file was changed after it was brought"))
                return False
            self.crew.store.quarantine(written.key)
            board.spoiled(written.save)
            return False

    def _bury(self, board: Board, environment: Environment, error: WorkerDied) -> None:
        """Find out what a worker died of: what it was at gets a child of its own, and then is given up.

        Raises:
            EnvironmentFailed: it died too often.
        """
        by_id = {item.id: item for item in board.landed(environment.id)}
        at = [by_id[name] for name in error.at if name in by_id]
        if at and self._suspects[at[0]]:  # alone in its child, and so the first of those without an answer
            reason = f"its worker died twice while it was at this: {error}"
            if isinstance(at[0], Cell) and error.outgrew:
                board.measured(crashed(at[0], str(error)))
                self.crew.listener.done("load")
            elif isinstance(at[0], Save):
                self.crew.listener.done("", 1 + board.saved(Artifact(save=at[0], key="", fault=reason)))
            else:
                board.measured(Result(cell=at[0], status=Status.ENVIRONMENT, reason=f"Reader: {reason}"))
                self.crew.listener.done()
        else:
            self._suspects.update(at)
        self._deaths[environment.id] += 1
        if self._deaths[environment.id] >= LIVES:
            raise EnvironmentFailed(f"{environment.id}: its worker died {LIVES} times: {error}")

    def _met(self, environment: Environment, hello: Hello) -> None:
        self.hellos[environment.id] = hello
        self.crew.store.put_facts(environment.fingerprint, asdict(hello))
