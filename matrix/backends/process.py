"""A worker as a child process of ours, and the pipes to it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..errors import EnvironmentFailed
from ..failpoints import reach
from ..model import Environment, uses_legacy
from ..protocol import Facts, Hello, ProtocolError, Request, hello, problems
from . import WorkerDied

IMPORT_SECONDS = 300.0
GRACE_SECONDS = 120.0
END_SECONDS = 10.0
LINE_LIMIT = 64 << 20
LOG_SHOWN = 600
# What a worker may know of the shell that started us; OPENBLAS_* tells old releases which kernels a processor can run.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
_KEPT_PREFIXES = ("OPENBLAS_",)
# One thread everywhere: pools of a big machine count against the memory limit, and the host runs a worker per core.
_FIXED = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


def scrubbed(environ: Mapping[str, str], environment: Environment, scratch: Path) -> dict[str, str]:
    """Return the variables of a worker: an allow-list, the fixed ones, a private home, and the environment's own."""
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    homes = dict.fromkeys(("HOME", "TMPDIR", "KERAS_HOME"), str(scratch))
    return {**kept, **_FIXED, **homes, **dict(environment.variables)}


class WorkerProcess:
    """The host's end of one worker.

    Args:
        command: what starts it, e.g. `[".../bin/python", "-I", "-B", ".../inside"]`.
        environ: its variables.
        scratch: a folder of its own; its log is kept there as `worker.log`.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], scratch: Path) -> None:
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
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._asked = 0

    def greet(self, environment: Environment) -> Hello:
        """Wait until TensorFlow is imported, and return what the worker found.

        Raises:
            EnvironmentFailed: it does not import, or is another version than was asked for, or uses another Keras.
            WorkerDied: it was killed before it had.
        """
        remedy = f"Build it anew: matrix env build {environment.id} --fresh"
        try:
            facts = self._line(IMPORT_SECONDS)
            if "broken" in facts:
                inner = problems(facts["broken"])[-1]
                raise EnvironmentFailed(
                    f"{environment.id}: TensorFlow does not import: {inner.type}: {inner.message}",
                    remedy=remedy,
                )
            found = hello(facts["hello"])
        except (WorkerDied, ProtocolError, KeyError) as error:
            if isinstance(error, WorkerDied) and self.process.poll() == -signal.SIGKILL:
                raise  # by somebody else, e.g. for its memory: worth another try
            raise EnvironmentFailed(f"{environment.id}: TensorFlow does not import: {error}", remedy=remedy) from None
        if environment.tensorflow and found.tensorflow != environment.tensorflow:
            raise EnvironmentFailed(
                f"{environment.id} holds TensorFlow {found.tensorflow}, not {environment.tensorflow}.",
                remedy=remedy,
            )
        if uses_legacy(environment.variables) and not found.keras.startswith(f"{environment.generation}."):
            raise EnvironmentFailed(
                f"{environment.id} is to use tf_keras, and its tf.keras is Keras {found.keras}.",
                remedy=remedy,
            )
        self.hello = found
        return found

    def ask(self, request: Request) -> Iterator[Facts]:
        """Yield one transcript for each cell, as they come. Raises WorkerDied."""
        self._asked += 1
        number = str(self._asked)
        left = [item.id for item in request.items]
        reach("worker.dispatch")
        try:
            self._tell(json.dumps(request.to_json(number)).encode() + b"\n")
            while not (facts := self._answer(number, left, _patience(request))).get("done"):
                left.remove(str(facts["cell"]))
                reach("worker.answer")
                yield facts
        except WorkerDied as error:
            raise WorkerDied(str(error), left) from None

    def close(self) -> None:
        """Let it end by itself, then make sure that nothing of it is left."""
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

    def _answer(self, number: str, expected: Sequence[str], seconds: float) -> dict[str, Any]:
        facts = self._line(seconds)
        if facts.get("request") != number or not (facts.get("done") or facts.get("cell") in expected):
            raise WorkerDied("the worker answered another request")
        return facts

    def _tell(self, line: bytes) -> None:
        assert self.process.stdin is not None  # noqa: S101 - we asked for the pipe
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerDied(f"the worker went away: {error}") from None

    def _listen(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - we asked for the pipe
        with self.process.stdout as pipe:
            while line := pipe.readline(LINE_LIMIT):
                self._lines.put(line)
        self._lines.put(b"")

    def _line(self, seconds: float) -> dict[str, Any]:
        """Return the next line. WorkerDied when it ends, or says nothing for so long."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise WorkerDied(f"the worker said nothing for {seconds:.0f} s") from None
        if not line:
            tail = self.log.read_bytes()[-LOG_SHOWN:].decode("utf-8", "backslashreplace").strip()
            raise WorkerDied(f"the worker ended with exit code {self.process.wait()}. {tail}".strip())
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError):
            raise WorkerDied("the worker wrote a line that is no JSON") from None
        if not isinstance(facts, dict):
            raise WorkerDied("the worker wrote a line that is no object")
        return facts


def _patience(request: Request) -> float:
    """Return how long a worker may say nothing: while a model is built and a cell measured, each tried twice."""
    return 4 * request.timeout + GRACE_SECONDS
