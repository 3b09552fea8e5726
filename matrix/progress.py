"""Tells how a run goes on: a live bar on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .lives import Listener

LINE_EVERY_SECONDS = 10.0


class Sturdy(io.TextIOBase):
    """A stream that may go away: a terminal that was closed must not end a run."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        """Write while somebody reads; what would be said later is in the report."""
        if not self._gone:
            try:
                self.stream.write(text)
                self.stream.flush()
            except (OSError, ValueError):  # closed at the other end, or at ours
                self._gone = True
        return len(text)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """The descriptor, for those who ask for the size of a terminal."""
        return self.stream.fileno()


class Quiet:
    """Says nothing but what is wrong."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lock = threading.Lock()

    def phase(self, name: str, total: int) -> None:
        """See `lives.Listener`."""

    def done(self, what: str = "", parts: int = 1) -> None:
        """See `lives.Listener`."""

    def working(self, environment: str, what: str) -> None:
        """See `lives.Listener`."""

    def problem(self, message: str) -> None:
        """Write an environment's error at once: it may be worth stopping for."""
        with self._lock:
            print(f"! {message}", file=self.stream, flush=True)


class Lines(Quiet):
    """A line for each phase, each environment, and every ten seconds: for logs."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._name, self._total, self._count = "", 0, 0
        self._since = self._last = time.monotonic()

    def phase(self, name: str, total: int) -> None:
        """Say what begins."""
        self._name, self._total, self._count = name, total, 0
        self._since = time.monotonic()
        if total:
            self._say(f"{name}: {total} to do")

    def done(self, what: str = "", parts: int = 1) -> None:  # noqa: ARG002 - a line counts saves and loads together
        """Say how far it is, now and then."""
        with self._lock:
            self._count += parts
            due = time.monotonic() - self._last > LINE_EVERY_SECONDS or self._count == self._total
        if due:
            self._say(f"{self._name}: {self._count} of {self._total}{self._left()}")

    def working(self, environment: str, what: str) -> None:
        """Say what an environment begins with."""
        if what:
            self._say(f"{environment}: {what}")

    def _left(self) -> str:
        spent = time.monotonic() - self._since
        left = spent / max(1, self._count) * (self._total - self._count)
        return f", about {left / 60:.0f} min left" if left > 90 else ""

    def _say(self, line: str) -> None:
        with self._lock:
            self._last = time.monotonic()
            print(line, file=self.stream, flush=True)


class Live(Quiet):
    """A bar with the environments that are at work, and an estimate."""

    def __init__(self, progress: Progress, stream: TextIO) -> None:
        super().__init__(stream)
        self.progress = progress
        self._task = progress.add_task("starting", total=None, at="")
        self._at: dict[str, str] = {}

    def phase(self, name: str, total: int) -> None:
        """Begin a new bar."""
        self.progress.reset(self._task, description=name, total=total, completed=0, at="")

    def done(self, what: str = "", parts: int = 1) -> None:  # noqa: ARG002 - a bar counts saves and loads together
        """Move the bar."""
        self.progress.advance(self._task, parts)

    def working(self, environment: str, what: str) -> None:
        """Show what is at work beside the bar."""
        with self._lock:
            self._at.pop(environment, None)
            if what:
                self._at[environment] = what
            shown = "  ".join(f"{name}: {doing}" for name, doing in self._at.items())
        self.progress.update(self._task, at=shown)

    def problem(self, message: str) -> None:
        """Write above the bar."""
        self.progress.console.print(f"! {message}", style="yellow", markup=False, highlight=False)


def quiet() -> Listener:
    """Return who says nothing but what is wrong, on standard error."""
    return Quiet(cast("TextIO", Sturdy(sys.stderr)))


@contextmanager
def listener(*, quiet: bool, stream: TextIO | None = None) -> Iterator[Listener]:
    """Yield who tells how the run goes on; standard output stays free for answers."""
    stream = cast("TextIO", Sturdy(stream or sys.stderr))  # as much of one as rich and print ask for
    if quiet:
        yield Quiet(stream)
    elif stream.isatty():
        console = Console(file=stream)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[at]}", style="dim", markup=False),  # may hold brackets of its own
        )
        with Progress(*columns, console=console, transient=True) as progress:
            yield Live(progress, stream)
    else:
        yield Lines(stream)
