"""Runs a command for as long as its owner lives, and leaves nothing of it behind: `python -I guard.py COMMAND...`.

Standard input is a pipe that the owner holds and never writes to: it ends when the owner closes it, and when the owner
dies, be it by SIGKILL. Then, or once the command has ended by itself, every process that the command started is killed,
also those that went into a session of their own. The exit code is the command's; 128 + the signal where one killed it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OWNER = 0  # the file descriptor of the pipe


def run(command: Sequence[str]) -> int:
    """Run the command until it ends or the owner is gone, and return its exit code."""
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else lambda *_: 0
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    alarm = _alarm()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),  # noqa: PLW1509 - one thread
    )
    code = None
    while code is None:
        ready, _, _ = select.select([OWNER, alarm], [], [])
        told = os.read(alarm, 4096) if alarm in ready else b""
        if OWNER in ready or signal.SIGTERM in told:
            break
        code = _reaped(child.pid)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    _swept()
    return 128 + signal.SIGKILL if code is None else code


def _alarm() -> int:
    """Return a file descriptor that has something to read whenever a child ends, or we are told to."""
    alarm, bell = os.pipe()
    os.set_blocking(bell, False)
    signal.set_wakeup_fd(bell)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # the default would not ring
    return alarm


def _reaped(wanted: int) -> int | None:
    """Take note of all children that have ended; return the exit code of one of them, None while it runs."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == wanted:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if not pid:
            return None


def _swept() -> None:
    """Kill all children until none is left: those of a process that dies become ours."""
    while found := list(_children()):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> Iterator[int]:
    """Yield the processes whose parent we are; none where there is no /proc."""
    for facts in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            if facts.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1] == str(os.getpid()):
                yield int(facts.parent.name)


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
