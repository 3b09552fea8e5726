"""Runs in real environments: those of this repository, which its own sessions build."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from matrix.cli import main

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
