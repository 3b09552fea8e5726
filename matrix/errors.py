"""What can go wrong with the matrix itself.

    MatrixError            70  (never raised as such)
    ├── UsageError          2  the command line or the configuration is wrong
    │   └── Untrusted          a file from elsewhere is to be opened where it could do harm
    ├── NothingSelected     3  the choices leave no cell
    └── Incomplete          4  something that every cell needs cannot be had
        ├── EnvironmentFailed  one environment cannot be had: its cells are `E`
        └── StoreFailed        results cannot be written or read: the run stops, and what was measured stays

A model that does not load is a result, never one of these. Each class has its exit code, and only `matrix.cli` turns
one into the other.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

MEND = "Mend it (matrix doctor shows the disk), then run the same command: what was measured stays."


class MatrixError(Exception):
    """A sentence for the user: what happened, where, and what to do."""

    exit_code: ClassVar[int] = 70


class UsageError(MatrixError):
    """The command line or the configuration asks for something that does not exist."""

    exit_code = 2


class Untrusted(UsageError):
    """A file that this tool did not write is to be opened by a process that can reach all that its user can.

    What such a file can do: https://keras.io/api/models/model_saving_apis/model_saving_and_loading/ (`safe_mode`),
    https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: a model file is a program, and this one was not written here.\n"
            "A Lambda layer carries bytecode, a config names functions to call, a SavedModel reads and writes files.\n"
            "Open it in a container (--backend docker), or say that you know who made it: --i-trust-this-file."
        )


class NothingSelected(MatrixError):
    """Every choice is valid, and together they leave nothing to run."""

    exit_code = 3


class Incomplete(MatrixError):
    """The run cannot be had here: no disk, no package index, no environments."""

    exit_code = 4


class EnvironmentFailed(Incomplete):
    """One environment could not be built, or does not hold what was asked for.

    Args:
        message: what happened, for the page.
        remedy: the command or the step that would help.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class StoreFailed(Incomplete):
    """What was measured cannot be kept on this disk: nothing more is started, and nothing is called done."""

    def __init__(self, place: Path, error: Exception) -> None:
        super().__init__(f"The results cannot be kept in {place}: {error}. {MEND}")


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the sentence that refuses `name`, with the nearest known name as a suggestion."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"There is no {kind} {name!r}. Did you mean {close[0]!r}?"
    return f"There is no {kind} {name!r}. Known: {', '.join(names)}."
