"""What was measured, as frozen values: attempts, results, and the run they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Cell, Environment, Format, Scenario, Stage, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One rung that was tried in a cell, and how it ended.

    Attributes:
        rung: the name of the rung; the first attempt of a cell is its own way.
        status: P, D, F, T or C.
        stage: where it ended; `compare` where it predicted.
        exception: the type of the innermost exception, e.g. `ValueError`; empty when none was raised.
        message: what it said, or why the child died.
        signature: the exception with paths, ids, shapes and names taken out.
        traceback: digest of the frames, the key of `Run.tracebacks`.
        max_abs_error, max_rel_error: against the writer's outputs; None when nothing was compared.
        argmax_flips: how many rows changed their largest output; None when nothing was compared.
        lost: what the loaded model lacks of the saved one besides, e.g. `optimizer state`; empty when that is nothing.
        seconds: how long it took.
    """

    rung: str
    status: Status
    stage: Stage
    exception: str = ""
    message: str = ""
    signature: str = ""
    traceback: str = ""
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    argmax_flips: int | None = None
    lost: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What is known about one cell.

    Attributes:
        cell: which one.
        status: its letter.
        attempts: the rungs that were tried, its own way first; empty when no reader tried.
        reason: why no reader tried (E, U, S, .), in a sentence; for S the writer's exception is in `writer_error`.
        writer_error: how the save ended, for S; None otherwise.
        remedy: the name of the rung that passed, for R; empty otherwise.
        container: what the writer really wrote: `hdf5`, `zip`, `saved_model`; empty when nothing was.
        cause: slug of the root cause; empty when none is known.
    """

    cell: Cell
    status: Status
    attempts: tuple[Attempt, ...] = ()
    reason: str = ""
    writer_error: Attempt | None = None
    remedy: str = ""
    container: str = ""
    cause: str = ""

    @property
    def own(self) -> Attempt | None:
        """The attempt to explain: the scenario's own way, or the save that failed."""
        return self.attempts[0] if self.attempts else self.writer_error

    @property
    def seconds(self) -> float:
        """What the reader spent on it, all rungs together."""
        return sum([attempt.seconds for attempt in self.attempts])  # a list: half a generator's time, for each cell


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentReport:
    """What became of one environment in one run.

    Attributes:
        environment: what was asked for.
        error: why it could not be had, in a sentence; empty when it was.
        remedy: what would help; empty when nothing is known.
        python, tensorflow, keras, numpy, h5py: the versions found in it; empty when it was not used.
        unsupported: format → why this writer does not have it.
        image: what its container was made from, with the digest of that; empty where it ran in none.
    """

    environment: Environment
    error: str = ""
    remedy: str = ""
    python: str = ""
    tensorflow: str = ""
    keras: str = ""
    numpy: str = ""
    h5py: str = ""
    unsupported: tuple[tuple[Format, str], ...] = ()
    image: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What is known to fail: an entry of `known.toml`.

    Attributes:
        cells: a glob over the ids of cells, e.g. `tf-2.1?/tf-2.19/custom_layer/*/h5`.
        letters: with which letters, e.g. `F` or `FT`.
        reason: why that is so, in a sentence.
        link: where to read more.
        signature: what must occur in the signature of its exception; empty where no exception is raised.
        expires: the last day on which it holds, as `2027-05-01`.
    """

    cells: str
    letters: str
    reason: str
    link: str
    signature: str
    expires: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One execution, with all that a report needs.

    Attributes:
        id: the name of its folder, e.g. `2026-11-23T20-15-07.042`.
        started, finished: ISO 8601, UTC.
        seconds: wall time.
        command: what the user typed after `matrix`.
        profile: the named set, or empty.
        complete: False when it was interrupted.
        focus: the pair of the verdict: (from, to).
        environments: in the order of the axes, oldest first.
        scenarios: in the order of the page.
        results: one for each planned cell.
        tracebacks: digest → text.
        left_out: what the plan left out, and why.
        machine: facts about the host: platform, python, cores, tool version.
        cached: how many cells were taken from earlier runs.
        sources: scenario → its script, so that a cell can be repeated by hand.
        note: a sentence that stands beside the answer everywhere, e.g. how far a running run is; may be empty.
        known: what was known to fail when it was done.
        baseline: the id of the earlier run that it is compared to; may be empty.
    """

    id: str
    started: str
    finished: str
    seconds: float
    command: str
    profile: str
    complete: bool
    focus: tuple[str, str]
    environments: tuple[EnvironmentReport, ...]
    scenarios: tuple[Scenario, ...]
    results: tuple[Result, ...] = field(repr=False)
    tracebacks: tuple[tuple[str, str], ...] = field(repr=False, default=())
    left_out: tuple[tuple[str, str], ...] = ()
    machine: tuple[tuple[str, str], ...] = ()
    cached: int = 0
    sources: tuple[tuple[str, str], ...] = field(repr=False, default=())
    note: str = ""
    known: tuple[Expectation, ...] = ()
    baseline: str = ""
