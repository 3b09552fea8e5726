"""Frozen values as what JSON knows, and back: whatever its type says, and nothing else."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

_ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_HINTS: dict[type, Mapping[str, Any]] = {}


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


def real(stored: Any) -> float:
    """Return a stored number, also one that JSON does not know."""
    return _ODD[stored] if isinstance(stored, str) else float(stored)


def value(kind: Any, stored: Any) -> Any:
    """Turn stored JSON into the type it had; what does not fit raises ValueError."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return None if stored is None else value(next(one for one in inner if one is not type(None)), stored)
    if origin is frozenset:
        return frozenset(value(inner[0], part) for part in stored)
    if origin is tuple:
        kinds = [inner[0]] * len(stored) if inner[-1] is Ellipsis else inner
        return tuple(value(one, part) for one, part in zip(kinds, stored, strict=True))
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind, stored)
    return real(stored) if kind is float else kind(stored)


def _dataclass(kind: type, stored: Mapping[str, Any]) -> Any:
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    hints = _HINTS[kind]
    unknown = sorted(set(stored) - set(hints))
    if unknown:
        raise ValueError(f"{kind.__name__} has no {unknown[0]!r}")
    try:
        return kind(**{name: value(hints[name], part) for name, part in stored.items()})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{kind.__name__}: {error}") from None
