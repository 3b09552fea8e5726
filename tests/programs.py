"""Programs that tests start and end as they like: the command line, and small runs.

They are forked from a server that has imported everything already, so that each costs what it does and no more.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from hardships import starved
from small import Small

from matrix.cli import main
from matrix.failpoints import VARIABLE

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", "numpy", "matrix.cli"])
PATIENCE = 60.0


@dataclass(frozen=True)
class Program:
    """A process of ours, the files that its output goes to, and one that is there once it has begun."""

    process: ForkServerProcess
    out: Path
    err: Path
    begun: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process.pid is not None
        return self.process.pid

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for it, and return its exit code; a negative one is the signal that killed it."""
        self.process.join(seconds)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            raise TimeoutError(f"still at work after {seconds} s: {self.said}")
        self.process.close()
        return code

    def signal(self, number: int) -> None:
        """Send it a signal, once what it does is what a program would do."""
        until(lambda: self.begun.exists() or not self.process.is_alive())
        os.kill(self.pid, number)

    @property
    def said(self) -> str:
        """Everything that it has said so far."""
        return self.out.read_text("utf-8", "replace") + self.err.read_text("utf-8", "replace")


def ready() -> None:
    """Start the server, unless it runs."""
    forkserver.ensure_running()


def small(run: Small, failpoint: str = "", before: Callable[[], None] | None = None) -> Program:
    """Start a small run; `before` is done first, in its process."""
    run.folder.mkdir(parents=True, exist_ok=True)
    return _started(run.folder, Small.main, (run,), {VARIABLE: failpoint, "TMPDIR": str(run.folder)}, before)


def small_disk(run: Small, scarce: str, plenty: str) -> Program:
    """Start a small run on a small disk; see `hardships.starved`."""
    return _started(run.folder, starved, (run, scarce, plenty), {VARIABLE: "", "TMPDIR": str(run.folder)}, None)


def command(project: Path, *arguments: str, failpoint: str = "", before: Callable[[], None] | None = None) -> Program:
    """Start `matrix ARGUMENTS` in a project. Its temporary folders are in `tmp` of the project."""
    (project / "tmp").mkdir(exist_ok=True)
    return _started(project, main, (arguments,), {VARIABLE: failpoint, "TMPDIR": str(project / "tmp")}, before)


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not true after {seconds} s")
        time.sleep(0.01)


@dataclass(frozen=True)
class _Start:
    """What a process does from its first moment: `before`, and then `do`, in a folder, with variables and files."""

    folder: Path
    do: Callable[..., int]
    arguments: Sequence[object]
    variables: Mapping[str, str]
    out: Path
    err: Path
    begun: Path
    before: Callable[[], None] | None

    def __call__(self) -> None:
        os.chdir(self.folder)
        os.environ.update(self.variables)
        tempfile.tempdir = None
        for path, number in ((self.out, 1), (self.err, 2)):
            handle = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.dup2(handle, number)
            os.close(handle)
        if self.before is not None:
            self.before()
        try:
            self.begun.touch()
            sys.exit(self.do(*self.arguments))
        except KeyboardInterrupt:  # nobody heard it: Python ends itself by the signal, multiprocessing does not
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)


def _started(
    folder: Path,
    do: Callable[..., int],
    arguments: Sequence[object],
    variables: Mapping[str, str],
    before: Callable[[], None] | None,
) -> Program:
    number = len(list(folder.glob("said-*.out")))
    out, err, begun = (folder / f"said-{number}.{end}" for end in ("out", "err", "begun"))
    out.touch()
    err.touch()
    process = CONTEXT.Process(target=_Start(folder, do, arguments, variables, out, err, begun, before), daemon=True)
    process.start()
    return Program(process, out, err, begun)
