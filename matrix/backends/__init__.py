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
        killed: whether it was killed from outside, and not by what it did.
        outgrew: whether that was for the memory that it took, beyond what it may have.
        lost: whether all we know is that we hear nothing of it any more: whatever it opened need not be the reason.
    """

    def __init__(
        self,
        message: str,
        at: Sequence[str] = (),
        *,
        killed: bool = False,
        outgrew: bool = False,
        lost: bool = False,
    ) -> None:
        super().__init__(message)
        self.at = tuple(at)
        self.killed = killed
        self.outgrew = outgrew
        self.lost = lost

    def at_work(self, at: Sequence[str]) -> WorkerDied:
        """Return the same death, with what the worker was at."""
        return WorkerDied(str(self), at, killed=self.killed, outgrew=self.outgrew, lost=self.lost)


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

    @property
    def sandboxed(self) -> bool:
        """Whether a worker can do no harm: only then may it open a file that nobody trusts."""

    def ready(self, environment: Environment) -> bool:
        """Whether the environment is built."""

    def prepare(self, environment: Environment, say: Say) -> None:
        """Build the environment unless it is ready. Raises EnvironmentFailed."""

    def worker(self, environment: Environment, *, foreign: bool = False) -> AbstractContextManager[Worker]:
        """Run a worker in a ready environment for as long as the block lasts.

        Args:
            environment: a ready one.
            foreign: it is to open one file that nobody trusts, and nothing else.

        Raises:
            EnvironmentFailed: it cannot be had.
        """

    def stop(self) -> None:
        """End every build and every worker now, from another thread."""
