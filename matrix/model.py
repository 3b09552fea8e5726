"""The words of the matrix, as frozen values.

Everything here is pure: no file, no process, no clock. Every other module speaks in these types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from .fingerprint import digest as digest  # noqa: PLC0414 - the rest of the package finds it here
from .fingerprint import fingerprint

# An environment `tf-2.19+legacy` stands beside `tf-2.19`.
LEGACY = "+legacy"
# Has `tf.keras` be `tf_keras`, in a TensorFlow that knows it (https://github.com/keras-team/tf-keras#readme).
USE_LEGACY = ("TF_USE_LEGACY_KERAS", "1")
_TRUE = ("1", "true", "True")  # what TensorFlow takes for yes


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


class Way(StrEnum):
    """Who opens the file."""

    OWN = "own"  # what the author of a scenario would call for this format
    TFSM = "tfsm"  # keras.layers.TFSMLayer
    RAW_SAVED_MODEL = "raw_saved_model"  # tf.saved_model.load, and its serving signature
    CONFIG_PATCH = "config_patch"  # the stored config, translated; then the weights
    WEIGHTS = "weights"  # the scenario's code builds the model; then the weights


class Need(StrEnum):
    """What a way of loading needs."""

    FILE = "file"
    CODE = "code"  # the code that built the model, or its classes
    ENVIRONMENT = "environment"  # another one than the reader


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
    RESAVE = "resave"


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


def uses_legacy(variables: Iterable[tuple[str, str]]) -> bool:
    """Whether variables of an environment ask for `tf_keras`."""
    return any(name == USE_LEGACY[0] and value in _TRUE for name, value in variables)


def legacy_sibling(environment_id: str) -> str:
    """Return the name of an environment's sibling: the same TensorFlow with the Keras 2 that lives on as `tf_keras`.

    Only those of the catalogue that have Keras 3 have one; whether it is there is for the catalogue to say.
    """
    return f"{environment_id}{LEGACY}"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One Python with one pinned set of packages and variables.

    Attributes:
        id: the name on every page, e.g. `tf-2.12`.
        python: the minor version of CPython, e.g. `3.11`.
        tensorflow: the version that the lock pins, e.g. `2.12.1`.
        keras: the Keras version that the lock pins, of `tf_keras` where `tf.keras` is that; empty where TensorFlow
            carries Keras in its own tree.
        requirements: what was asked for before it was locked.
        lock: the text of the hash-pinned requirements file.
        variables: environment variables that belong to it, sorted, e.g. `TF_USE_LEGACY_KERAS`.
        profiles: the named sets of a run that it is part of.
        download: what its files weigh on the package index, in bytes; 0 where unknown.
        image: of containers, taken as it is where the user names one; empty where one is built.
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
    image: str = ""

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
        return fingerprint(self.python, self.image or self.lock, self.variables)


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
class Rung:
    """One way of loading. The scenario's own way is the rung of its variant with nothing else changed.

    Attributes:
        way: who opens the file.
        code: how the scenario's code meets it.
        compile, safe_mode: options of `load_model`.
        call: call the model itself, not its `predict`.
    """

    way: Way = Way.OWN
    code: Variant = Variant.BARE
    compile: bool = True
    safe_mode: bool = True
    call: bool = False

    @property
    def name(self) -> str:
        """What a remedy is called, e.g. `custom_objects+compile=False`."""
        parts = [] if self.way is Way.OWN else [str(self.way)]
        parts += [] if self.code is Variant.BARE else [str(self.code)]
        parts += [] if self.compile else ["compile=False"]
        parts += [] if self.safe_mode else ["safe_mode=False"]
        parts += ["call"] if self.call else []
        return "+".join(parts) or "as it is"

    @property
    def needs(self) -> Need:
        """What it takes to load that way."""
        return Need.FILE if self.code is Variant.BARE and self.way is not Way.WEIGHTS else Need.CODE


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Save:
    """One artifact to write: a scenario in a format, by a writer, with its code registered or not.

    `origin` is what the writer has its model from, where it does not build it: another artifact, and how it loads that.
    """

    writer: str
    scenario: str
    registered: bool
    format: Format
    origin: Origin = ()

    @property
    def id(self) -> str:
        """Its name in messages and requests."""
        own = f"{self.writer}/{self.scenario}/{'registered' if self.registered else 'plain'}/{self.format}"
        return f"{_from(self.origin)}{own}"

    @property
    def line(self) -> tuple[Save, ...]:
        """It, and all that it comes from, the newest first."""
        return (self, *self.origin[0].line) if self.origin else (self,)


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Cell:
    """One square of the matrix: who saved what how, and who loads it. `origin` is that of its artifact."""

    writer: str
    reader: str
    scenario: str
    variant: Variant
    format: Format
    origin: Origin = ()

    @property
    def id(self) -> str:
        """Its name everywhere: files, pages, the command line."""
        return f"{_from(self.origin)}{self.writer}/{self.reader}/{self.scenario}/{self.variant}/{self.format}"

    @property
    def save(self) -> Save:
        """The artifact it reads: `bare` and `custom_objects` share one."""
        return _save(self.writer, self.scenario, self.variant is Variant.REGISTERED, self.format, self.origin)


@cache
def _save(writer: str, scenario: str, registered: bool, format_: Format, origin: Origin) -> Save:  # noqa: FBT001 - a key
    """Return one artifact; hundreds of cells share it, and ask for it many times."""
    return Save(writer=writer, scenario=scenario, registered=registered, format=format_, origin=origin)


def _from(origin: Origin) -> str:
    return f"{origin[0].id} > {origin[1].name} > " if origin else ""


Origin = tuple[Save, Rung] | tuple[()]
