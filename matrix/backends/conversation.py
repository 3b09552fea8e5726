"""What the host and a worker say to each other, whatever carries it."""

from __future__ import annotations

import json
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..errors import EnvironmentFailed
from ..failpoints import reach
from ..model import Environment, uses_legacy
from ..protocol import Facts, Hello, ProtocolError, Request, hello, problems
from . import WorkerDied

IMPORT_SECONDS = 300.0
GRACE_SECONDS = 120.0
LINE_LIMIT = 64 << 20
DEPTH_LIMIT = 200  # of lists in lists in a line: no model predicts more, and nobody here gets lost in it
UNREAD = 8  # lines that wait for us
HANGS_UP = 0.2  # seconds after which who waits for us looks whether we are still there
LOG_SHOWN = 600
# What a worker may know of the shell that started us; OPENBLAS_* tells old releases which kernels a processor can run.
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


def variables(environ: Mapping[str, str], environment: Environment, home: str) -> dict[str, str]:
    """Return the variables of a worker wherever it runs: an allow-list, the fixed ones, a private home, and its own.

    Args:
        environ: of the shell that started us.
        environment: whose variables it gets.
        home: a folder of the worker's own, as the worker sees it.
    """
    kept = {name: value for name, value in environ.items() if name.startswith(_KEPT_PREFIXES)}
    homes = dict.fromkeys(("HOME", "TMPDIR", "KERAS_HOME"), home)
    return {**kept, **_FIXED, **homes, **dict(environment.variables)}


class Conversation(ABC):
    """The host's end of the talk with one worker. Who carries it hands on what is said to `hear`, and b"" at the end.

    Attributes:
        hello: what the worker found, once it was greeted.
    """

    hello: Hello

    def __init__(self) -> None:
        self._heard: queue.Queue[bytes] = queue.Queue(UNREAD)
        self._over = threading.Event()
        self._asked = 0

    def hear(self, line: bytes) -> None:
        """Take a line; who says more than we read has to wait. After `hang_up` all is lost."""
        while not self._over.is_set():
            with suppress(queue.Full):
                self._heard.put(line, timeout=HANGS_UP)
                return

    def hang_up(self) -> None:
        """Read nothing more."""
        self._over.set()

    @abstractmethod
    def send(self, line: bytes) -> None:
        """Carry a line to the worker. OSError when nobody is there."""

    @abstractmethod
    def death(self) -> WorkerDied:
        """Return how the worker ended, once its words have."""

    def within_reach(self) -> bool:
        """Whether it could be heard if it said something."""
        return True

    def greet(self, environment: Environment) -> Hello:
        """Wait until TensorFlow is imported, and return what the worker found.

        Raises:
            EnvironmentFailed: it does not import, or is another version than was asked for, or uses another Keras.
            WorkerDied: it was killed before it had, or cannot be heard.
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
            if isinstance(error, WorkerDied) and (error.killed or error.lost):
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
            raise error.at_work(left) from None

    def _answer(self, number: str, expected: Sequence[str], seconds: float) -> dict[str, Any]:
        facts = self._line(seconds)
        if facts.get("request") != number or not (facts.get("done") or facts.get("cell") in expected):
            raise WorkerDied("the worker answered another request")
        return facts

    def _tell(self, line: bytes) -> None:
        try:
            self.send(line)
        except OSError as error:
            raise WorkerDied(f"the worker went away: {error}", lost=True) from None

    def _line(self, seconds: float) -> dict[str, Any]:
        """Return the next line. WorkerDied when it ends, or says nothing for so long."""
        try:
            line = self._heard.get(timeout=seconds)
        except queue.Empty:
            raise WorkerDied(f"the worker said nothing for {seconds:.0f} s", lost=not self.within_reach()) from None
        if not line:
            raise self.death()
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError):
            raise WorkerDied("the worker wrote a line that is no JSON") from None
        if not isinstance(facts, dict):
            raise WorkerDied("the worker wrote a line that is no object")
        if _deeper(facts, DEPTH_LIMIT):
            raise WorkerDied("the worker wrote a line of lists in lists without an end")
        return facts


def _deeper(value: object, limit: int) -> bool:
    """Whether there are more lists and objects in each other than that."""
    level = [value]
    for _ in range(limit):
        level = [part for one in level if isinstance(one, dict | list) for part in _parts(one)]
        if not level:
            return False
    return True


def _parts(value: dict[str, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _patience(request: Request) -> float:
    """Return how long a worker may say nothing: while a model is built and a cell measured, each tried twice."""
    return 4 * request.timeout + GRACE_SECONDS
