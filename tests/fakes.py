"""Stand-ins at the seams: environments with a fake TensorFlow, and a backend that answers from a function."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matrix import entries
from matrix.backends import Say, Worker
from matrix.backends.process import WorkerProcess, scrubbed
from matrix.engine import Engine, Outcome
from matrix.entries import Entry
from matrix.errors import EnvironmentFailed
from matrix.folders import Folder, Mark
from matrix.lives import Means
from matrix.model import Environment, Format, Scenario
from matrix.plan import plan
from matrix.protocol import Facts, Hello, Request
from matrix.recipe import GUEST, Recipes
from matrix.saves import Limits
from matrix.scenarios import read
from matrix.store import Store

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
OLD, NEW = "old-keras", "new-keras"  # the environments of a fake project


def fake_python(folder: Path) -> Path:
    """Make an environment that holds numpy and the fake TensorFlow, and return its interpreter."""
    venv.create(folder, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    (site / "host.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
    (site / "tensorflow.py").write_text((HERE / "faketf" / "tensorflow.py").read_text(encoding="utf-8"), "utf-8")
    return folder / "bin" / "python"


def environment(version: str, **variables: str) -> Environment:
    """Return an environment whose fake TensorFlow has this version, e.g. `2.0.0`."""
    own = {"FAKETF_VERSION": version, **variables}
    return Environment(
        id=f"tf-{version.rpartition('.')[0]}",
        python="3",
        tensorflow=version,
        keras=version,
        lock=repr(own),
        variables=tuple(sorted(own.items())),
    )


def scenario(name: str) -> Scenario:
    """Return one of the scenarios in `tests/scenarios`."""
    return read(SCENARIOS / f"{name}.py")


@dataclass
class Heard:
    """A listener that remembers."""

    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    now: str = ""
    parts: int = 0

    def phase(self, name: str, total: int, saves: int = 0) -> None:  # noqa: ARG002 - all parts are alike here
        """Remember the phase."""
        self.now = name
        self.counts[name] = self.parts = 0
        self.totals[name] = total

    def done(self, what: str = "", parts: int = 1) -> None:
        """Count what was really run."""
        name = what or self.now
        self.counts[name] = self.counts.get(name, 0) + 1
        self.parts += parts

    def working(self, environment: str, what: str) -> None:
        """Nothing to remember."""

    def problem(self, message: str) -> None:
        """Remember what was said."""
        self.problems.append(message)


@dataclass(frozen=True)
class Overheard:
    """A worker that remembers what it was asked."""

    worker: WorkerProcess
    asked: list[Request]

    @property
    def hello(self) -> Hello:
        """What the worker found."""
        return self.worker.hello

    def ask(self, request: Request) -> Iterator[Facts]:
        """Remember, and ask."""
        self.asked.append(request)
        return self.worker.ask(request)


@dataclass
class FakeBackend:
    """Real workers with the fake TensorFlow. `unbuildable` names environments that cannot be had."""

    python: Path
    unbuildable: frozenset[str] = frozenset()
    name: str = "fake"
    prepared: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    workers: list[WorkerProcess] = field(default_factory=list)
    scratch: Path | None = None  # where workers have their folders; None for the system's place

    sandboxed: bool = False
    apart: list[str] = field(default_factory=list)  # where a worker had one foreign file to itself

    def ready(self, environment: Environment) -> bool:
        """Whether it can be had."""
        return environment.id not in self.unbuildable

    def prepare(self, environment: Environment, say: Say) -> None:
        """Remember who was asked for."""
        say("building")
        self.prepared.append(environment.id)
        if environment.id in self.unbuildable:
            raise EnvironmentFailed(f"{environment.id} has no lock.", remedy="matrix env lock")

    @contextmanager
    def worker(self, environment: Environment, *, foreign: bool = False) -> Iterator[Worker]:
        """Start a real worker."""
        assert self.sandboxed or not foreign
        self.apart += [environment.id] if foreign else []
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            worker = WorkerProcess(
                [str(self.python), "-I", "-B", str(GUEST)],
                scrubbed(os.environ, environment, Path(scratch)),
                Path(scratch),
            )
            self.workers.append(worker)
            try:
                worker.greet(environment)
                yield Overheard(worker, self.asked)
            finally:
                worker.close()

    def stop(self) -> None:
        """Kill every worker."""
        for worker in self.workers:
            worker.kill()


def engine(
    backend: FakeBackend,
    store: Path,
    environments: list[Environment],
    scenarios: list[Scenario],
    *,
    limits: Limits = Limits(timeout=20, memory=2 << 30),  # noqa: B008 - frozen
    heard: Heard | None = None,
    guest: str = "guest",
    means: Means = Means(jobs=2, workers=8),  # noqa: B008 - frozen
    formats: Sequence[Format] = tuple(Format),
    **more: Any,
) -> Engine:
    """Return an engine, over all formats unless some are chosen."""
    return Engine(
        plan=plan(environments, scenarios, formats),
        backend=backend,
        store=Store(store),
        recipes=Recipes(
            {item.id: item for item in environments},
            {item.name: item for item in scenarios},
            backend.name,
            (limits.timeout, limits.memory),
            guest,
        ),
        limits=limits,
        means=means,
        listener=heard or Heard(),
        **more,
    )


def letters(outcome: Outcome) -> dict[str, str]:
    """Return the letter of each cell by its id."""
    return {result.cell.id: str(result.status) for result in outcome.results}


def fake_project(folder: Path, python: Path, versions: dict[str, str]) -> None:
    """Write a project whose environments are built already, each with the fake TensorFlow of a version.

    Args:
        folder: of the project.
        python: of the environment that all of them are.
        versions: id → version of the fake TensorFlow.
    """
    (folder / "pyproject.toml").write_text('[tool.matrix]\nscenarios = ["scenarios"]\n', encoding="utf-8")
    (folder / "scenarios").mkdir()
    for name in ("plain_fake", "custom_fake"):
        (folder / "scenarios" / f"{name}.py").write_bytes((SCENARIOS / f"{name}.py").read_bytes())
    locked = [
        Entry(
            id=id_,
            python="3.11",
            tensorflow=version,
            keras=version,
            requirements=(f"tensorflow=={version}",),
            variables=(("FAKETF_VERSION", version),),
            cutoff="2026-01-01T00:00:00Z",
            download=0,
            lock=f"tensorflow=={version}\n",
        )
        for id_, version in versions.items()
    ]
    entries.write(folder / "locks", folder / "locks", locked, by="a test")
    for entry in locked:
        place = Folder(folder / ".nox", entry.id)
        place.path.mkdir(parents=True)
        (place.path / "bin").symlink_to(python.parent)
        (place.path / "lib").symlink_to(python.parents[1] / "lib")
        (place.path / "pyvenv.cfg").write_bytes((python.parents[1] / "pyvenv.cfg").read_bytes())
        place.finish(
            Mark(
                id=entry.id,
                fingerprint=entry.fingerprint,
                python="3.11.0",
                interpreter=str(python),
                packages={},
                size=1,
                created="2026-01-01T00:00:00Z",
                seconds=0.0,
            )
        )
