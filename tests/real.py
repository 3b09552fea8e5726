"""Runs in real environments: those of this repository, which its own sessions build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from matrix.cli import main

NUMBER = re.compile(r"-?\d+\.\d*(?:e[+-]?\d+)?")
ROOT = Path(__file__).parents[1]


def project_in(folder: Path) -> Path:
    """Make a project of a folder, with this repository's scenarios."""
    (folder / "pyproject.toml").write_text("[tool.matrix]\n", encoding="utf-8")
    shutil.copytree(ROOT / "scenarios", folder / "scenarios", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def matrix(project: Path, *arguments: str) -> int:
    """Run a command in a project, and return its exit code."""
    before, environ = Path.cwd(), os.environ.copy()
    os.environ.setdefault("NOX_ENVDIR", str(ROOT / ".nox"))
    os.chdir(project)
    try:
        return main(arguments)
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environ)


def by_hand(project: Path, cell: str, environments: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the commands that `why` prints for a cell: its own way, and the remedy where there is one."""
    assert matrix(project, "why", cell, "--environments", environments) == 0
    lines = capsys.readouterr().out.splitlines()
    starts = [number for number, line in enumerate(lines) if line.endswith("<<'END'")]
    return ["\n".join(lines[start : lines.index("END", start) + 1]) for start in starts]


def numbers(command: str, cwd: Path) -> list[float]:
    """Return what a command prints as numbers."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(number) for number in NUMBER.findall(done.stdout)]
