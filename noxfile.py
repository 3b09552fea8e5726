#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.10"
# dependencies = ["nox[uv]>=2026.8.10"]
# ///
"""The front door: `nox -s matrix` measures, `nox -s tests` proves, `nox -l` lists every environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # nox may belong to a Python that has never heard of this package

from matrix import interpreters  # noqa: E402
from matrix.noxfile import register  # noqa: E402

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["matrix"]
nox.needs_version = ">=2026.8.10"

# The tool needs 3.11; nox runs on 3.10 as well, as the Python of many systems is.
PYTHON = None if sys.version_info >= (3, 11) else "3.11"
GUEST_PYTHONS = ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]

BENCHMARKS = ["planning", "report", "page", "bound", "user", "ladder", "per_cell", "full", "nothing"]

register(ROOT)


def install(session: nox.Session, *groups: str) -> None:
    """Install this project, editable, with some of its dependency groups."""
    listed = [item for group in groups for item in nox.project.dependency_groups(PROJECT, group)]
    session.install("-e", ".", *listed)


PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


def matrix_command(session: nox.Session, *arguments: str) -> None:
    """Run `python -m matrix`; it ends its own children, so nox gives it the time it needs after Ctrl-C."""
    where = {"NOX_ENVDIR": str(session.cache_dir.parent.absolute())}  # beside those of `nox -s "env(tf-2.12)"`
    session.run("python", "-m", "matrix", *arguments, env=where, interrupt_timeout=None, terminate_timeout=None)


@nox.session(python=PYTHON)
def matrix(session: nox.Session) -> None:
    """Measure and write the report; arguments after `--` are those of `matrix run`."""
    install(session)
    matrix_command(session, "run", *session.posargs)


@nox.session(python=PYTHON)
def cli(session: nox.Session) -> None:
    """Run any verb of the command line: `nox -s cli -- env list`."""
    install(session)
    matrix_command(session, *session.posargs)


@nox.session(python=PYTHON)
def report(session: nox.Session) -> None:
    """Write the pages of a stored run again, without any TensorFlow."""
    install(session)
    matrix_command(session, "report", *session.posargs)


@nox.session(python=PYTHON)
def publish(session: nox.Session) -> None:
    """Make a static site of all stored runs, in reports/site; arguments are those of `matrix publish`."""
    install(session)
    matrix_command(session, "publish", *session.posargs)


@nox.session(python=PYTHON)
def update(session: nox.Session) -> None:
    """Make the catalogue and its locks anew from the package index."""
    install(session)
    matrix_command(session, "env", "update", *session.posargs)


@nox.session(python=PYTHON)
def tests(session: nox.Session) -> None:
    """Run the fast tests; `-- -m faults` and `-- -m integration` for more, MATRIX_REQUIRE_ALL=1 for all of them."""
    everything = bool(os.environ.get("MATRIX_REQUIRE_ALL"))
    install(session, "tests", *(["browser"] if everything else []))
    session.run("python", "-m", "pytest", "--numprocesses", "auto", "--dist", "loadfile", *session.posargs)


def guests(session: nox.Session) -> None:
    """Prove on a real interpreter that the worker runs there."""
    session.install("numpy", "pytest")
    where = ("-p", "no:cacheprovider", "--noconftest", "-c", os.devnull, "tests/guests")
    session.run("python", "-m", "pytest", *where, *session.posargs)


for version in GUEST_PYTHONS:  # `nox -t guests` runs them all
    found = interpreters.find(version, os.environ, Path.home()).path
    nox.session(name=f"guests-{version}", python=str(found or version), tags=["guests"], default=False)(guests)


@nox.session(python=PYTHON)
def bench(session: nox.Session) -> None:
    """Measure the figures of the README, each a ratio: all of them in an hour, or some of them, `-- planning`."""
    install(session, "browser")
    where = {"NOX_ENVDIR": str(session.cache_dir.parent.absolute())}
    for name in session.posargs or BENCHMARKS:
        session.run("python", f"benchmarks/{name}.py", env=where)


@nox.session(python=PYTHON)
def lint(session: nox.Session) -> None:
    """Check types, style and layout."""
    install(session, "tests", "browser", "lint")
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")
    session.run("mypy")
