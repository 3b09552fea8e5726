"""A small run as a program of its own, to be killed at any place: `python small.py FOLDER PYTHON`.

PYTHON is an interpreter with the fake TensorFlow. Below FOLDER it leaves

    .matrix/   the store
    journal    what workers were asked, and what was acknowledged, in the order of events
    results    what came of every cell, when the run ended by itself
    scratch/   folders of workers that are alive

and its exit code is 0 for a whole run, 4 for one that was stopped by a fault, 130 for one that was interrupted.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fakes import FakeBackend, Heard, engine, environment, scenario

from matrix.engine import INTERRUPTED, Engine, Outcome
from matrix.errors import MatrixError
from matrix.interrupts import exit_code, heard
from matrix.lives import Means
from matrix.model import Format
from matrix.protocol import Request
from matrix.results import Result
from matrix.saves import Limits
from matrix.scenarios import read


@dataclass(frozen=True)
class Journal:
    """A file of lines, each there at once and for good."""

    path: Path

    def write(self, *lines: str) -> None:
        """Append some lines."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, "".join(f"{line}\n" for line in lines).encode())
        finally:
            os.close(handle)

    def read(self, kind: str) -> list[str]:
        """Return the ids of one kind of line: `asked` or `done`."""
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        return [line.removeprefix(f"{kind} ") for line in lines if line.startswith(f"{kind} ")]


class Asked(list[Request]):
    """Remembers what workers are asked, also when this process does not."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal

    def append(self, request: Request) -> None:
        """Note each cell and save that is asked for."""
        super().append(request)
        self.journal.write(*(f"asked {item.id}" for item in request.items))


@dataclass
class Acknowledged(Heard):
    """Notes what the engine calls done, by its id, at the moment when it does."""

    journal: Journal = field(default_factory=lambda: Journal(Path(os.devnull)))
    engine: Engine | None = None
    _noted: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, what: str = "", parts: int = 1) -> None:
        """Note what has a record by now."""
        super().done(what, parts)
        if self.engine is None:
            return
        with self._lock:
            board = self.engine.board
            made = {cell.id for cell, result in list(board.results.items()) if result.status.measured}
            made |= {save.id for save, one in list(board.artifacts.items()) if not one.fault}
            self.journal.write(*(f"done {name}" for name in sorted(made - self._noted)))
            self._noted |= made


@dataclass(frozen=True)
class Small:
    """One run: where, in which environments, over which scenarios (names, or paths of scripts), in which formats."""

    folder: Path
    python: Path
    versions: tuple[str, ...] = ("2.0.0",)
    scenarios: tuple[str, ...] = ("plain_fake",)
    formats: tuple[Format, ...] = (Format.H5, Format.KERAS)
    timeout: float = 20.0

    @property
    def store(self) -> Path:
        """The folder of its records."""
        return self.folder / ".matrix"

    @property
    def scratch(self) -> Path:
        """The folder of its workers' folders, which stands in the variables of each of their processes."""
        return self.folder / "scratch"

    @property
    def journal(self) -> Journal:
        """What happened."""
        return Journal(self.folder / "journal")

    @property
    def results(self) -> tuple[Result, ...]:
        """What came of every cell; FileNotFoundError when the run was killed."""
        found: tuple[Result, ...] = pickle.loads((self.folder / "results").read_bytes())  # noqa: S301 - our own
        return found

    def backend(self) -> FakeBackend:
        """Return a backend that keeps the journal."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        return FakeBackend(self.python, asked=Asked(self.journal), scratch=self.scratch)

    def engine(self, backend: FakeBackend | None = None, listener: Acknowledged | None = None) -> Engine:
        """Return an engine for it, as a new process would make one."""
        told = listener or Acknowledged()
        made = engine(
            backend or self.backend(),
            self.store,
            [environment(version) for version in self.versions],
            [scenario(name) if "/" not in name else read(Path(name)) for name in self.scenarios],
            limits=Limits(timeout=self.timeout, memory=2 << 30),
            means=Means(jobs=2, workers=8),
            formats=self.formats,
            heard=told,
        )
        told.journal, told.engine = self.journal, made
        return made

    def run(self, backend: FakeBackend | None = None, listener: Acknowledged | None = None) -> Outcome:
        """Run it here, as the one that owns the store."""
        made = self.engine(backend, listener)
        with made.store.owned():
            return made.run()

    def main(self) -> int:
        """Run it as a program: leave the results, and return the exit code."""
        (self.folder / "results").unlink(missing_ok=True)
        try:
            with heard():
                outcome = self.run()
        except MatrixError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
        except KeyboardInterrupt as interrupt:
            return exit_code(interrupt)
        (self.folder / "results").write_bytes(pickle.dumps(outcome.results))
        if outcome.stopped == INTERRUPTED:
            return 130
        wrong = list(filter(None, [outcome.stopped, *(one.error for one in outcome.environments)]))
        sys.stderr.writelines(f"{line}\n" for line in wrong)
        return 4 if wrong else 0


def main(arguments: Sequence[str]) -> int:
    """Run in a folder with an interpreter."""
    folder, python = map(Path, arguments)
    return Small(folder, python).main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
