"""One nox session for each environment: `nox -l` lists `env(tf-2.12)`, `nox -s "env(tf-2.12)"` builds it.

Runs in whatever Python owns nox (3.10 or later), with nothing but nox in it. Used as it is
(`nox -f .../matrix/noxfile.py`) or from another noxfile:

    from matrix.noxfile import register

    register(Path(__file__).parent)

Nox makes the folder of a session before it calls the session, so a second nox would recreate it under the first
(https://github.com/wntrblm/nox/blob/main/nox/sessions.py, `_create_venv`). These sessions therefore make theirs with
nox's own VirtualEnv on its uv backend, once it is their turn.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import nox
from nox.command import CommandFailed
from nox.project import load_toml
from nox.virtualenv import InterpreterNotFound, VirtualEnv, find_uv

PACKAGE = Path(__file__).resolve().parent
try:
    import matrix.entries as _probe  # noqa: F401
except ImportError:  # nox is installed elsewhere
    sys.path.append(str(PACKAGE.parent))

from matrix import entries, folders, interpreters, wheels  # noqa: E402
from matrix.entries import Entry  # noqa: E402
from matrix.errors import EnvironmentFailed  # noqa: E402
from matrix.folders import Folder, Mark  # noqa: E402
from matrix.holdings import objections  # noqa: E402

PROJECT = "MATRIX_PROJECT"
SUSPECT = "MATRIX_SUSPECT"  # is set when an environment was damaged: then every byte of the new one is looked at
INVENTORY = PACKAGE / "inside" / "inventory.py"
# What would make a build depend on the shell that it was started from; without bytecode TensorFlow takes three times
# as long to import, and PYTHONDONTWRITEBYTECODE is the usual reason that there is none.
SCRUBBED: Mapping[str, str | None] = {
    **dict.fromkeys(("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONPATH", "PYTHONHOME")),
    **dict.fromkeys(("VIRTUAL_ENV", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_COMPILE_BYTECODE")),
    "UV_NO_PROGRESS": "1",
}
REFUSED = 1  # what uv ends with; 2 after it has tried several times, see UV_HTTP_RETRIES

__all__ = ["register"]


class Damaged(EnvironmentFailed):
    """A file is not what was installed."""


def register(project: Path) -> None:
    """Add a session for every environment of the package and of the `locks/` of a project."""
    own = project / "locks"
    data = PACKAGE / "data"
    found = (*entries.read(data, data / "locks", load_toml), *entries.read(own, own, load_toml))
    named = _named(sys.argv)
    for entry in {entry.id: entry for entry in found}.values():
        if not named or f"env({entry.id})" in named:
            _session(entry)


def _named(arguments: Sequence[str]) -> set[str]:
    """Return the `env` sessions that a command line names; only these are made.

    Nox compares names as Python expressions (`_normalize_arg` in its manifest.py), in which 2.1 is the same as 2.10.
    """
    return {found[0] for argument in arguments for found in [re.search(r"env\(.*\)$", argument)] if found}


def _session(entry: Entry) -> None:
    search = interpreters.find(entry.python, os.environ, Path.home())

    def env(session: nox.Session) -> None:
        folder = Folder(session.cache_dir.parent.absolute(), entry.id)
        try:
            _ensure(session, entry, folder, search)
        except EnvironmentFailed as error:
            folder.fail(error.message, error.remedy, damaged=isinstance(error, Damaged))
            session.error(str(error))

    keras = f", Keras {entry.keras}" if entry.keras else ""
    env.__doc__ = f"TensorFlow {entry.tensorflow}{keras} on {search.path or f'Python {entry.python} (not found)'}"
    nox.session(name=f"env({entry.id})", venv_backend="none", default=False, tags=["env"])(env)


def _ensure(session: nox.Session, entry: Entry, folder: Folder, search: interpreters.Search) -> None:
    """Build the environment unless it is ready, when it is our turn."""
    if folder.ready(entry.fingerprint):
        session.log(f"{entry.id} is ready in {folder.path}")
        return
    with folder.locked(session.log):
        if folder.ready(entry.fingerprint):
            session.log(f"{entry.id} was made ready in the meantime")
            return
        suspect = bool(os.environ.get(SUSPECT)) or folder.suspect
        folder.forget_failure()
        folder.discard()
        started = time.monotonic()
        interpreter = _created(entry, folder, search)
        _installed(session, entry, folder)
        facts = _inventory(session, entry, folder, [] if suspect else folder.siblings(interpreter), thorough=suspect)
        folder.finish(
            Mark(
                id=entry.id,
                fingerprint=entry.fingerprint,
                python=facts["python"],
                interpreter=interpreter,
                packages=dict(facts["distributions"]),
                size=folders.weight(folder.path)[0],
                created=datetime.now(timezone.utc).isoformat(timespec="seconds"),  # noqa: UP017 - 3.10 has no UTC
                seconds=round(time.monotonic() - started, 1),
            )
        )
        session.log(f"{entry.id} is ready in {folder.path}")


def _created(entry: Entry, folder: Folder, search: interpreters.Search) -> str:
    """Create the empty environment, and return the interpreter it was made from."""
    if not interpreters.supported_platform():
        raise EnvironmentFailed(
            f"{entry.id}: its lock holds packages for Linux on x86-64, which this machine is not.",
            remedy=interpreters.ELSEWHERE,
        )
    wanted, downloadable = str(search.path or entry.python), interpreters.downloadable(entry.python)
    environment = VirtualEnv(
        str(folder.path),
        wanted,
        download_python="auto" if search.path is None and downloadable else "never",
        venv_backend="uv",
    )
    try:
        environment.create()
    except InterpreterNotFound:
        places = ", ".join(str(place) for place in search.places if place.is_dir())
        raise EnvironmentFailed(
            f"{entry.id}: there is no CPython {entry.python} on this machine. Looked at {places}.",
            remedy=_how_to_get(entry.python),
        ) from None
    except CommandFailed as error:
        raise EnvironmentFailed(
            f"{entry.id}: uv cannot make an environment from {wanted} ({error}).",
            remedy=f"Try the interpreter: {wanted} --version",
        ) from None
    return wanted


def _how_to_get(python: str) -> str:
    if interpreters.downloadable(python):
        return f"uv python install {python}"
    return f"pyenv install {python}"  # uv has no builds of it


def _installed(session: nox.Session, entry: Entry, folder: Folder) -> None:
    """Install exactly the lock; what has no wheel is built before."""
    _, uv, _ = find_uv()
    shelf = folder.envdir / "wheels"
    made = {}
    for sdist in entry.sdists:
        session.log(f"{entry.id}: {sdist.name} {sdist.version} comes as source")
        build = wheels.with_uv(uv, folder.python, entry.cutoff)
        made[sdist.name, sdist.version] = wheels.built(shelf, entry, sdist, build)
    with tempfile.TemporaryDirectory() as scratch:
        lock = Path(scratch) / f"{entry.id}.txt"
        lock.write_text(wheels.installable(entry.lock, made), encoding="utf-8")
        command = [uv, "pip", "sync", "--python", str(folder.python), "--require-hashes", "--no-build"]
        command += [option for wheel in made.values() for option in ("--find-links", str(wheel.path.parent))]
        try:
            _synced(session, [*command, str(lock)])
        except CommandFailed:
            raise EnvironmentFailed(
                f"{entry.id}: the packages of its lock could not be installed.",
                remedy=f"Look at the network and at {folder.log}, then: matrix env build {entry.id}",
            ) from None


def _synced(session: nox.Session, command: Sequence[str]) -> None:
    """Let uv install. What the network broke off it asks for again by itself; a file with other bytes it does not."""
    try:
        session.run(*command, external=True, env=SCRUBBED)
    except CommandFailed as error:
        if error.return_code != REFUSED:
            raise
        time.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - so that many do not come back at once
        session.run(*command, external=True, env=SCRUBBED)


def _inventory(
    session: nox.Session, entry: Entry, folder: Folder, siblings: Sequence[Path], *, thorough: bool
) -> dict[str, Any]:
    """Compile what was installed, and return what the environment holds, once that is what was asked for."""
    command = [str(folder.python), "-I", "-B", "-W", "ignore", str(INVENTORY), "--compile"]
    command += ["--thorough"] if thorough else []
    command += ["--like", *(str(sibling) for sibling in siblings)]
    try:
        said = session.run(*command, external=True, silent=True, stderr=None, env=SCRUBBED)
        facts: dict[str, Any] = json.loads(str(said))
    except (CommandFailed, ValueError):
        raise EnvironmentFailed(
            f"{entry.id}: its Python does not say what it holds.", remedy=f"Try: {' '.join(command)}"
        ) from None
    wrong = objections(entry, facts)
    if wrong:
        raise (Damaged if facts["damaged"] else EnvironmentFailed)(
            f"{entry.id} does not hold what was asked for: {'; '.join(wrong)}.",
            remedy=f"Uv's cache may be damaged: {_cleaning(facts)}, then: matrix env build {entry.id}",
        )
    return facts


def _cleaning(facts: Mapping[str, Any]) -> str:
    return " ".join(["uv cache clean", *facts["damaged_distributions"]])


if __name__ != "matrix.noxfile":  # nox runs this file itself
    register(Path(os.environ.get(PROJECT) or os.environ.get("PWD") or Path.cwd()))  # nox has changed our folder
