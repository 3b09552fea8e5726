"""A worker as a child process of ours, and the pipes to it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from ..model import Environment
from . import WorkerDied
from .conversation import LINE_LIMIT, LOG_SHOWN, Conversation, variables

END_SECONDS = 10.0
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


def scrubbed(environ: Mapping[str, str], environment: Environment, scratch: Path) -> dict[str, str]:
    """Return the variables of a worker on this machine: also those that an interpreter needs to start at all."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    return {**kept, **variables(environ, environment, str(scratch))}


class WorkerProcess(Conversation):
    """The host's end of one worker.

    Args:
        command: what starts it, e.g. `[".../bin/python", "-I", "-B", ".../inside"]`.
        environ: its variables.
        scratch: a folder of its own; its log is kept there as `worker.log`.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], scratch: Path) -> None:
        super().__init__()
        self.log = scratch / "worker.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(environ),
                cwd=scratch,
                start_new_session=True,
            )
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, line: bytes) -> None:
        """Write a line into the worker's pipe."""
        assert self.process.stdin is not None  # noqa: S101 - we asked for the pipe
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def death(self) -> WorkerDied:
        """Return how the process ended, with the end of its log."""
        code = self.process.wait()
        tail = self.log.read_bytes()[-LOG_SHOWN:].decode("utf-8", "backslashreplace").strip()
        said = f"the worker ended with exit code {code}. {tail}".strip()
        return WorkerDied(said, killed=code == -signal.SIGKILL)

    def close(self) -> None:
        """Let it end by itself, then make sure that nothing of it is left."""
        self.hang_up()
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the worker and every process below it, now."""
        with suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.process.pid).children(recursive=True)
            for process in below:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()

    def _listen(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - we asked for the pipe
        with self.process.stdout as pipe:
            while line := pipe.readline(LINE_LIMIT):
                self.hear(line)
        self.hear(b"")
