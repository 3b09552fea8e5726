"""The stored form of a run: written whole or not at all, and read back as the same value."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..failpoints import reach
from ..results import Run
from . import editions, lines, stored

_OTHER_SHAPES = (AttributeError, LookupError, TypeError, ValueError)  # all that JSON of another shape can raise


def place(path: Path, pieces: Iterable[bytes]) -> Path:
    """Write a file under its name only when it is complete, never through a link that stands there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        reach("report.before_rename")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def encoded(pieces: Iterable[str]) -> Iterable[bytes]:
    """Return text as it is stored: what UTF-8 cannot hold is replaced."""
    return (piece.encode("utf-8", "replace") for piece in pieces)


def run_json(run: Run) -> str:
    """Return all of a run but its cells, as JSON; each traceback stands there once."""
    head = stored.plain(replace(run, results=(), tracebacks=()))
    head.pop("results")
    head["tracebacks"] = dict(run.tracebacks)
    return json.dumps({"schema": editions.RUN, **head}, indent=1, allow_nan=False) + "\n"


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through all cells, again and again, where there is no garbage."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def read(folder: Path) -> Run:
    """Return the run that `write` stored in a folder.

    Raises:
        UsageError: the folder holds no run, or one of a later edition.
    """
    try:
        stored_head = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        head = editions.run(stored_head, folder / "run.json")
        head.pop("schema")
        tracebacks = tuple(head.pop("tracebacks").items())
        run: Run = stored.value(Run, {**head, "results": []})
        with uncollected():
            results = tuple(lines.read(folder / "results.jsonl"))
    except FileNotFoundError as error:
        raise UsageError(f"{folder} holds no stored run: {Path(error.filename).name} is missing.") from None
    except _OTHER_SHAPES as error:
        raise UsageError(f"{folder}: the stored run cannot be read ({error!r}).") from None
    return replace(run, results=results, tracebacks=tracebacks)


def verdict(folder: Path) -> dict[str, Any]:
    """Return the `verdict.json` that `write` stored in a folder, as this edition would have written it.

    Raises:
        UsageError: there is none, or one of a later edition.
    """
    path = folder / "verdict.json"
    try:
        return editions.verdict(json.loads(path.read_text(encoding="utf-8")), path)
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no answer: verdict.json is missing.") from None
    except _OTHER_SHAPES as error:
        raise UsageError(f"{path}: the stored answer cannot be read ({error!r}).") from None
