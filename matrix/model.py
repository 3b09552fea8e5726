"""The words of the matrix, as frozen values.

Everything here is pure: no file, no process, no clock. Every other module speaks in these types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .fingerprint import digest as digest  # noqa: PLC0414 - the rest of the package finds it here
from .fingerprint import fingerprint


class Format(StrEnum):
    """How a model is written to disk, in the words of the page."""

    H5 = "h5"
    KERAS = "keras"
    SAVED_MODEL = "saved_model"
    EXPORT = "export"
    WEIGHTS_H5 = "weights_h5"


class Variant(StrEnum):
    """How a scenario's custom code meets the loader."""

    BARE = "bare"  # only the file
    CUSTOM_OBJECTS = "custom_objects"  # load_model(custom_objects=...)
    REGISTERED = "registered"  # register_keras_serializable in both environments


class Stage(StrEnum):
    """How far a load or a save got, in order."""

    IMPORT = "import"
    READ = "read"
    CONFIG = "config"
    BUILD = "build"
    WEIGHTS = "weights"
    COMPILE = "compile"
    SAVE = "save"
    PREDICT = "predict"
    COMPARE = "compare"


class Status(StrEnum):
    """How one cell ended. The value is the letter that every page prints."""

    PASS = "P"  # noqa: S105 - a letter
    DRIFT = "D"
    REMEDIED = "R"
    FAIL = "F"
    TIMEOUT = "T"
    CRASH = "C"
    UNSUPPORTED = "U"
    NOT_SAVED = "S"
    ENVIRONMENT = "E"
    NOT_RUN = "."

    @property
    def word(self) -> str:
        """The status in words, for legends and screen readers."""
        return _WORDS[self]

    @property
    def measured(self) -> bool:
        """Whether a reader really tried: only these letters say something about TensorFlow's readers."""
        return self in _MEASURED


_WORDS = {
    Status.PASS: "works",
    Status.DRIFT: "loads, predicts something else",
    Status.REMEDIED: "works after a tested change",
    Status.FAIL: "fails",
    Status.TIMEOUT: "timed out",
    Status.CRASH: "crashed",
    Status.UNSUPPORTED: "not supported by the writer",
    Status.NOT_SAVED: "could not be saved",
    Status.ENVIRONMENT: "environment broken",
    Status.NOT_RUN: "not run",
}
_MEASURED = frozenset({Status.PASS, Status.DRIFT, Status.REMEDIED, Status.FAIL, Status.TIMEOUT, Status.CRASH})


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One Python with one pinned set of packages and variables.

    Attributes:
        id: the name on every page, e.g. `tf-2.12`.
        python: the minor version of CPython, e.g. `3.11`.
        tensorflow: the version that the lock pins, e.g. `2.12.1`.
        keras: the Keras version that the lock pins; empty where TensorFlow carries Keras in its own tree.
        requirements: what was asked for before it was locked.
        lock: the text of the hash-pinned requirements file.
        variables: environment variables that belong to it, sorted, e.g. `TF_USE_LEGACY_KERAS`.
        profiles: the named sets of a run that it is part of.
        download: what its files weigh on the package index, in bytes; 0 where unknown.
    """

    id: str
    python: str
    tensorflow: str
    keras: str = ""
    requirements: tuple[str, ...] = ()
    lock: str = field(repr=False, default="")
    variables: tuple[tuple[str, str], ...] = ()
    profiles: frozenset[str] = frozenset()
    download: int = 0

    @property
    def generation(self) -> int:
        """The major version of its Keras.

        TensorFlow carried a Keras 2 in its own tree until Keras became a package of its own with 2.6
        (https://github.com/tensorflow/tensorflow/releases/tag/v2.6.0), so no package means Keras 2.
        """
        return int(self.keras.split(".")[0]) if self.keras else 2

    @property
    def fingerprint(self) -> str:
        """Names the built environment: equal fingerprints mean equal contents."""
        return fingerprint(self.python, self.lock, self.variables)


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far two predictions may be apart: |a - b| <= absolute + relative * |a|."""

    absolute: float = 1e-5
    relative: float = 1e-4


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One script in `scenarios/`: one question about one kind of model.

    Attributes:
        name: the file name without its ending.
        path: where the script is.
        title: the first line of its docstring.
        digest: of the script's bytes.
        variants: how its custom code can meet the loader; `bare` alone when it has none.
        formats: the formats it asks about.
        requires: a version specifier for TensorFlow, e.g. `>=2.4`; empty for every version.
        tolerance: how far the outputs may be apart.
    """

    name: str
    path: Path
    title: str
    digest: str
    variants: tuple[Variant, ...] = (Variant.BARE,)
    formats: tuple[Format, ...] = tuple(Format)
    requires: str = ""
    tolerance: Tolerance = Tolerance()


@dataclass(frozen=True, kw_only=True, order=True)
class Save:
    """One artifact to write: a scenario in a format, by a writer, with its code registered or not."""

    writer: str
    scenario: str
    registered: bool
    format: Format

    @property
    def id(self) -> str:
        """Its name in messages and requests."""
        return f"{self.writer}/{self.scenario}/{'registered' if self.registered else 'plain'}/{self.format}"


@dataclass(frozen=True, kw_only=True, order=True)
class Cell:
    """One square of the matrix: who saved what how, and who loads it."""

    writer: str
    reader: str
    scenario: str
    variant: Variant
    format: Format

    @property
    def id(self) -> str:
        """Its name everywhere: files, pages, the command line."""
        return f"{self.writer}/{self.reader}/{self.scenario}/{self.variant}/{self.format}"

    @property
    def save(self) -> Save:
        """The artifact it reads: `bare` and `custom_objects` share one."""
        return Save(
            writer=self.writer,
            scenario=self.scenario,
            registered=self.variant is Variant.REGISTERED,
            format=self.format,
        )


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One way of loading. The scenario's own way is the rung of its variant with nothing else changed."""

    code: Variant = Variant.BARE
    compile: bool = True
    safe_mode: bool = True

    @property
    def name(self) -> str:
        """What a remedy is called, e.g. `custom_objects+compile=False`."""
        parts = [] if self.code is Variant.BARE else [str(self.code)]
        parts += [] if self.compile else ["compile=False"]
        parts += [] if self.safe_mode else ["safe_mode=False"]
        return "+".join(parts) or "as it is"


@dataclass(frozen=True, kw_only=True)
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
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
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
        return sum(attempt.seconds for attempt in self.attempts)


@dataclass(frozen=True, kw_only=True)
class EnvironmentReport:
    """What became of one environment in one run.

    Attributes:
        environment: what was asked for.
        error: why it could not be had, in a sentence; empty when it was.
        remedy: what would help; empty when nothing is known.
        python, tensorflow, keras, numpy, h5py: the versions found in it; empty when it was not used.
        unsupported: format → why this writer does not have it.
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


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution, with all that a report needs.

    Attributes:
        id: the name of its folder, e.g. `2026-11-23T20-15-07`.
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
