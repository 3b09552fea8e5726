"""Tells how a run goes on: a live bar on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from .lives import Listener
from .outlook import LOAD_SECONDS, SAVE_SECONDS

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


def aside(line: str) -> None:
    """Say on standard error what is being done, so that standard output stays free for the answer."""
    Sturdy(sys.stderr).write(line + "\n")


class Pace:
    """How far a phase is, and how long it will take by what it took so far.

    Args:
        total: of how many parts it is.
        saves: how many of them are saves, each of which takes as long as several others.
        clock: tells the seconds.
    """

    def __init__(self, total: int, saves: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.count = total, 0
        self._saves, self._spent = saves, 0.0
        self._clock, self._since = clock, clock()

    def done(self, what: str, parts: int) -> None:
        """Take what is finished; where it ends more than one part, the others took no time."""
        self.count += parts
        self._saves -= what == "save"
        self._spent += SAVE_SECONDS if what == "save" else LOAD_SECONDS

    @property
    def left(self) -> str:
        """The minutes that are left, in words; empty when that is soon, or unknown."""
        saves = max(0, self._saves)
        work = SAVE_SECONDS * saves + LOAD_SECONDS * (self.total - self.count - saves)
        seconds = (self._clock() - self._since) * work / self._spent if self._spent else 0.0
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else ""


class Quiet:
    """Says nothing but what is wrong."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lock = threading.Lock()

    def phase(self, name: str, total: int, saves: int = 0) -> None:
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
        self._name, self._pace = "", Pace(0)
        self._last = time.monotonic()

    def phase(self, name: str, total: int, saves: int = 0) -> None:
        """Say what begins."""
        self._name, self._pace = name, Pace(total, saves)
        if total:
            self._say(f"{name}: {total} to do")

    def done(self, what: str = "", parts: int = 1) -> None:
        """Say how far it is, now and then."""
        with self._lock:
            self._pace.done(what, parts)
            count, total, left = self._pace.count, self._pace.total, self._pace.left
            due = time.monotonic() - self._last > LINE_EVERY_SECONDS or count == total
        if due:
            self._say(", ".join(filter(None, [f"{self._name}: {count} of {total}", left])))

    def working(self, environment: str, what: str) -> None:
        """Say what an environment begins with."""
        if what:
            self._say(f"{environment}: {what}")

    def _say(self, line: str) -> None:
        with self._lock:
            self._last = time.monotonic()
            print(line, file=self.stream, flush=True)


class Live(Quiet):
    """A bar with the environments that are at work, and an estimate."""

    def __init__(self, progress: Progress, stream: TextIO) -> None:
        super().__init__(stream)
        self.progress = progress
        self._task = progress.add_task("starting", total=None, left="", at="")
        self._pace = Pace(0)
        self._at: dict[str, str] = {}

    def phase(self, name: str, total: int, saves: int = 0) -> None:
        """Begin a new bar."""
        self._pace = Pace(total, saves)
        self.progress.reset(self._task, description=name, total=total, completed=0, left="", at="")

    def done(self, what: str = "", parts: int = 1) -> None:
        """Move the bar."""
        with self._lock:
            self._pace.done(what, parts)
            left = self._pace.left
        self.progress.update(self._task, advance=parts, left=left)

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
            TextColumn("{task.fields[left]}", markup=False),
            TextColumn("{task.fields[at]}", style="dim", markup=False),  # may hold brackets of its own
        )
        with Progress(*columns, console=console, transient=True) as progress:
            yield Live(progress, stream)
    else:
        yield Lines(stream)
