"""What the benchmarks measure against: a run of the matrix in a folder of its own, with environments that are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrix.folders import Folder
from matrix.model import Status

ROOT = Path(__file__).parents[1]
ENVDIR = Path(os.environ.get("NOX_ENVDIR", ROOT / ".nox"))
CALLS = Path(__file__).with_name("calls.py")
SIX = ("tf-2.4", "tf-2.9", "tf-2.12", "tf-2.15", "tf-2.18", "tf-2.21")
FOUR = ("--scenarios", "plain,custom_activation,custom_layer,subclassed_build")
RUNNER = """
import resource, sys
from matrix.cli import main
code = main(sys.argv[1:])
own, others = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print("peak", own.ru_maxrss // 1024, file=sys.stderr)
print("processor", own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime, file=sys.stderr)
sys.exit(code)
"""
# Not one of the choices of a run: what fails its own way is worth little without a remedy.
NO_LADDER = """
from matrix import loads, runs
loads.ladder = lambda *_, **__: ()
runs.around = lambda _engine, outcome, *_, **__: outcome  # no detour either
"""
VARIABLES = {
    "PATH": os.environ["PATH"],
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
    ),
    **{name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_CORE")},
}


@dataclass(frozen=True)
class Measured:
    """A run that was done: wall seconds, those of all processors, megabytes of the runner, cells of `results.jsonl`."""

    seconds: float
    processor: float
    megabytes: int
    cells: tuple[dict[str, Any], ...]

    @property
    def measured(self) -> int:
        """How many of its cells have a result that was measured."""
        return sum(Status(cell["status"]).measured for cell in self.cells)


@contextmanager
def project() -> Iterator[Path]:
    """Give a project with this repository's scenarios and nothing measured."""
    with tempfile.TemporaryDirectory(prefix="matrix-benchmark-") as place:
        folder = Path(place)
        (folder / "pyproject.toml").write_text("[tool.matrix]\n", encoding="utf-8")
        shutil.copytree(ROOT / "scenarios", folder / "scenarios", ignore=shutil.ignore_patterns("__pycache__"))
        yield folder


def run(folder: Path, *arguments: str, envdir: Path = ENVDIR, ladder: bool = True) -> Measured:
    """Run the matrix as a user does, or without any remedy, its output aside, and wait for it."""
    environ = {**os.environ, "NOX_ENVDIR": str(envdir), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUNNER if ladder else NO_LADDER + RUNNER, "run", "--quiet", *arguments]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"the run failed with {done.returncode}: {done.stderr[-2000:]}")
    ((peak, processor),) = re.findall(r"^peak (\d+)\nprocessor ([\d.]+)$", done.stderr, re.MULTILINE)
    lines = (folder / "reports" / "latest" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    cells = tuple(item for item in map(json.loads, lines) if "cell" in item)
    return Measured(seconds, float(processor), int(peak), cells)


class Caller:
    """A process in an environment that does the plain calls; TensorFlow is imported when it answers first."""

    def __init__(self, environment: str, scenarios: Path) -> None:
        self.process = subprocess.Popen(
            [Folder(ENVDIR, environment).python, "-I", "-B", CALLS, scenarios],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=VARIABLES,
            text=True,
        )

    def ask(self, **job: object) -> int:
        """Do the calls of a job; return how many went well."""
        assert self.process.stdin is not None  # noqa: S101 - we asked for the pipes
        assert self.process.stdout is not None  # noqa: S101 - see above
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline())["well"])

    def close(self) -> None:
        """End it."""
        self.process.communicate()
