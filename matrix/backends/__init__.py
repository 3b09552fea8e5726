"""Where environments come from and workers run.

A backend provides: it makes an environment ready, and starts a worker in it. All that a worker is asked, and all
that is made of its answers, is the same for every backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ..model import Environment
from ..protocol import Facts, Hello, Request

Say = Callable[[str], None]


class WorkerDied(Exception):
    """The worker itself went away or fell silent: a fault of ours or of the machine, not of a model.

    Args:
        message: how it ended.
        at: the ids of what it was asked and did not answer, in order.
    """

    def __init__(self, message: str, at: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.at = tuple(at)


class Worker(Protocol):
    """One process that has imported TensorFlow and waits for groups of cells."""

    @property
    def hello(self) -> Hello:
        """What it found in its environment."""

    def ask(self, request: Request) -> Iterator[Facts]:
        """Yield one transcript for each cell and rung, as they come. Raises WorkerDied."""


class Backend(Protocol):
    """One kind of place for environments."""

    @property
    def name(self) -> str:
        """Its name on the command line; part of every key."""

    def prepare(self, environment: Environment, say: Say) -> None:
        """Build the environment unless it is ready. Raises EnvironmentFailed."""

    def worker(self, environment: Environment) -> AbstractContextManager[Worker]:
        """Run a worker in a ready environment for as long as the block lasts. Raises EnvironmentFailed."""

    def stop(self) -> None:
        """End every build and every worker now, from another thread."""
