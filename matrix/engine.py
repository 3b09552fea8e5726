"""Runs a plan: takes what is known, lets the environments measure the rest, and tells what came of every cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import chain

from .artifact import Artifact
from .backends import Backend
from .board import Board, decided
from .diagnosis.naming import Namer
from .errors import EnvironmentFailed, StoreFailed, Untrusted
from .lives import Crew, Listener, Lives, Means
from .loads import Reader
from .model import Cell, Environment, Format, Save, Status
from .plan import Plan
from .recipe import Recipes
from .results import EnvironmentReport, Result
from .saves import Limits, Writer
from .shared import Shared
from .store import Store

INTERRUPTED = "the run was interrupted before this cell"
NOT_YET = "not measured yet"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run measured: a result for each cell of the plan, in its order.

    Attributes:
        stopped: why the run ended before its time; empty when it did not.
    """

    results: tuple[Result, ...]
    environments: tuple[EnvironmentReport, ...]
    tracebacks: tuple[tuple[str, str], ...]
    cached: int
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """Whether the run came to its own end."""
        return not self.stopped


@dataclass
class Engine:
    """One run of one plan.

    Attributes:
        plan: what to measure.
        backend: where.
        store, recipes, shared: what is known already, and where the rest goes.
        limits, means: what one cell, and the whole run, may use.
        listener: who hears how it goes on.
        fresh: measure also what is known.
        given: artifacts that are taken as they are.
        phase: what those who listen hear that it is at.
        broken: environments that could not even be locked.
        left_out: cells that are not to be measured, and why; what is known of them is told all the same.
        ranks: which cells are most telling, for a run that may be cut off.
    """

    plan: Plan
    backend: Backend
    store: Store
    recipes: Recipes
    limits: Limits
    means: Means
    listener: Listener
    fresh: bool = False
    given: Mapping[Save, Artifact] = field(default_factory=dict)
    phase: str = "measuring"
    shared: Shared | None = None
    broken: Mapping[str, EnvironmentFailed] = field(default_factory=dict)
    left_out: Mapping[Cell, str] = field(default_factory=dict)
    ranks: Callable[[Cell], int] = lambda _cell: 0

    def __post_init__(self) -> None:
        brought = {save: written.key for save, written in self.given.items() if written.brought}
        if brought:
            self.recipes = replace(self.recipes, brought=brought, _saves={})

    def run(self) -> Outcome:
        """Measure every cell that has no result yet. Ctrl-C ends it early, with what there is.

        Raises:
            Untrusted: a file from elsewhere would be opened where it can do harm.
        """
        foreign = [written for written in self.given.values() if written.foreign]
        if foreign and not self.backend.sandboxed:
            raise Untrusted(foreign[0].save.id)
        stopped = reason = ""
        try:
            saves, loads = self.board.todo
            if loads:
                self.listener.phase(self.phase, saves + loads, saves)
                self.lives.run(self.board, self.plan.environments)
            reason = self.board.closed
        except KeyboardInterrupt:
            stopped = reason = INTERRUPTED
        except StoreFailed as error:
            stopped = reason = str(error)
        finally:
            self.store.ledger.settle()
            if self.shared is not None:
                self.shared.flush()
        return self._outcome(stopped, reason)

    def foreign(self, cell: Cell) -> bool:
        """Whether what a cell loads came from elsewhere."""
        written = self.given.get(cell.save)
        return written is not None and written.foreign

    def snapshot(self) -> Outcome:
        """Return what is known now, without measuring anything."""
        return self._outcome(NOT_YET, NOT_YET)

    @cached_property
    def writer(self) -> Writer:
        """Saves, in any environment."""
        return Writer(self.store, self.recipes, self.recipes.scenarios, self.limits, self.shared)

    @cached_property
    def reader(self) -> Reader:
        """Loads, in any environment."""
        return Reader(
            store=self.store,
            recipes=self.recipes,
            scenarios=self.recipes.scenarios,
            limits=self.limits,
            namer=self.namer,
            shared=self.shared,
            go_on=lambda: not self.board.closed,
        )

    @cached_property
    def namer(self) -> Namer:
        """Names the causes of what fails, with the tracebacks that are known."""
        return Namer(self.plan.environments, lambda digest: self.store.ledger.tracebacks([digest]).get(digest, ""))

    @cached_property
    def lives(self) -> Lives:
        """The environments at work."""
        return Lives(
            Crew(
                backend=self.backend, writer=self.writer, reader=self.reader, store=self.store, listener=self.listener
            ),
            self.means,
        )

    @cached_property
    def known(self) -> tuple[dict[Save, Artifact], dict[Cell, Result]]:
        """The saves and the cells that earlier runs measured."""
        found = {} if self.fresh else self.writer.known(self.plan.saves)
        artifacts = {**found, **self.given}
        results = decided(self.plan.cells, artifacts)
        if self.fresh:
            return artifacts, results
        usable = [cell for cell in self.plan.cells if cell not in results and cell.save in artifacts]
        return artifacts, results | self.reader.known(usable, artifacts)

    @property
    def cells_left(self) -> list[Cell]:
        """The cells that are still to be measured, the most telling first."""
        _, results = self.known
        cells = [cell for cell in self.plan.cells if cell not in results and cell not in self.left_out]
        return sorted(cells, key=self.ranks)

    @cached_property
    def board(self) -> Board:
        """What is left to do, and what came of it."""
        artifacts, _ = self.known
        board = Board(self.cells_left, self.ranks, artifacts, idle=self.lives.idle, crowded=self.lives.crowded)
        for name, error in self.broken.items():
            board.broke(name, error)
        return board

    def _outcome(self, stopped: str, reason: str) -> Outcome:
        _, known = self.known
        made = self.board.results
        results = tuple(
            made.get(cell)
            or known.get(cell)
            or Result(cell=cell, status=Status.NOT_RUN, reason=self.left_out.get(cell, reason))
            for cell in self.plan.cells
        )
        tried = chain.from_iterable(result.attempts or filter(None, [result.writer_error]) for result in results)
        tracebacks = self.store.ledger.tracebacks(one.traceback for one in tried)
        return Outcome(
            results=tuple(self.namer.named(one) if one.writer_error else one for one in results),
            environments=tuple(self._report(item) for item in self.plan.environments),
            tracebacks=tuple(sorted(tracebacks.items())),
            cached=sum(result.status.measured for result in known.values()),
            stopped=stopped,
        )

    def _report(self, environment: Environment) -> EnvironmentReport:
        """Return what became of an environment, with the versions that a worker found in it, now or earlier."""
        error = self.board.broken.get(environment.id)
        hello = self.lives.hellos.get(environment.id)
        found = asdict(hello) if hello else self.store.facts(environment.fingerprint) or {}
        missing: dict[Format, str] = {}
        for save, written in self.board.artifacts.items():
            if save.writer == environment.id and written.unsupported and not save.registered:
                missing[save.format] = written.unsupported
        return EnvironmentReport(
            environment=environment,
            error=error.message if error else "",
            remedy=error.remedy if error else "",
            unsupported=tuple(sorted(missing.items())),
            **{name: str(found.get(name, "")) for name in ("python", "tensorflow", "keras", "numpy", "h5py", "image")},
        )
