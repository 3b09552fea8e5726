"""The stored form of a run: written whole or not at all, and read back as the same value."""

from __future__ import annotations

import json
import math
import os
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..errors import UsageError
from ..results import Result, Run

SCHEMA = 1
_ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def place(path: Path, text: str) -> Path:
    """Write a file under its name only when it is complete, never through a link that stands there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def run_json(run: Run) -> str:
    """Return all of a run but its cells, as JSON; each traceback stands there once."""
    head = plain(replace(run, results=(), tracebacks=()))
    head.pop("results")
    head["tracebacks"] = dict(run.tracebacks)
    return json.dumps({"schema": SCHEMA, **head}, indent=1, allow_nan=False) + "\n"


def results_jsonl(run: Run) -> str:
    """Return one line of JSON per cell, with all its attempts."""
    return "".join(json.dumps(plain(result), allow_nan=False) + "\n" for result in run.results)


def read(folder: Path) -> Run:
    """Return the run that `write` stored in a folder.

    Raises:
        UsageError: the folder holds no run, or one of a later edition.
    """
    try:
        head = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if head.pop("schema", None) != SCHEMA:
            raise UsageError(f"{folder} was stored by another edition of the matrix; this one reads {SCHEMA}.")
        tracebacks = tuple(head.pop("tracebacks").items())
        run: Run = _value(Run, {**head, "results": []})
        results = tuple(_results(folder / "results.jsonl"))
    except FileNotFoundError as error:
        raise UsageError(f"{folder} holds no stored run: {Path(error.filename).name} is missing.") from None
    except (KeyError, ValueError) as error:
        raise UsageError(f"{folder}: the stored run cannot be read ({error}).") from None
    return replace(run, results=results, tracebacks=tracebacks)


def plain(value: Any) -> Any:
    """Return a frozen value as what JSON knows."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, frozenset):
        return sorted(map(plain, value))
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


def _results(path: Path) -> Iterator[Result]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield _value(Result, json.loads(line))


def _value(kind: Any, stored: Any) -> Any:
    """Turn stored JSON into the type it had; what does not fit raises ValueError."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return None if stored is None else _value(next(one for one in inner if one is not type(None)), stored)
    if origin is frozenset:
        return frozenset(_value(inner[0], part) for part in stored)
    if origin is tuple:
        kinds = [inner[0]] * len(stored) if inner[-1] is Ellipsis else inner
        return tuple(_value(one, part) for one, part in zip(kinds, stored, strict=True))
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind, stored)
    if kind is float:
        return _ODD[stored] if isinstance(stored, str) else float(stored)
    return kind(stored)


_HINTS: dict[type, Mapping[str, Any]] = {}


def _dataclass(kind: type, stored: Mapping[str, Any]) -> Any:
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    hints = _HINTS[kind]
    unknown = sorted(set(stored) - set(hints))
    if unknown:
        raise ValueError(f"{kind.__name__} has no {unknown[0]!r}")
    try:
        return kind(**{name: _value(hints[name], part) for name, part in stored.items()})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{kind.__name__}: {error}") from None
