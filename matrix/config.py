"""The choices of a run: `[tool.matrix]` of the nearest pyproject.toml, read once, refused where not understood."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from .errors import UsageError, unknown

BACKENDS = ("nox", "docker")


@dataclass(frozen=True, kw_only=True)
class UserEnvironment:
    """An environment of the user's own: `[tool.matrix.environments.<id>]`.

    Attributes:
        python: e.g. `3.10`.
        requirements: requirement lines, or the path of a requirements.txt beside pyproject.toml.
        variables: environment variables that belong to it.
        image: a ready image instead of the two, e.g. `tensorflow/tensorflow:2.7.0`; empty for none.
    """

    python: str
    requirements: tuple[str, ...] | Path
    variables: tuple[tuple[str, str], ...] = ()
    image: str = ""


@dataclass(frozen=True, kw_only=True)
class Containers:
    """How containers are made: `[tool.matrix.docker]`.

    Attributes:
        base: the image below those of environments; `{python}` is the version that an environment needs.
        registry: where images are looked for, and brought to, e.g. `registry.example.com/ml`; empty for nowhere.
        runtime: what runs a container, e.g. `runsc`; empty for the engine's own.
    """

    base: str = "python:{python}-slim"
    registry: str = ""
    runtime: str = ""


@dataclass(frozen=True, kw_only=True)
class Config:
    """All options of `[tool.matrix]`, with their defaults.

    Attributes:
        project: the folder of pyproject.toml; what is relative is relative to it.
        scenarios: folders of scenario scripts, relative to the project.
        profile: which environments run when none are named: `quick`, `default` or `full`.
        focus_from, focus_to: the pair of the verdict (`from` and `to` in the file); empty for the default pair.
        timeout: seconds that one save or load may take.
        memory: bytes of address space that one child may use (`memory-gib` in the file).
        cache: a folder or URL where checkouts and CI share what they measured; empty for none.
        environments: the user's own.
        backend: where environments are: `nox` for virtual environments, `docker` for containers.
        docker: how containers are made.
    """

    project: Path
    scenarios: tuple[str, ...] = ("scenarios",)
    profile: str = "default"
    focus_from: str = ""
    focus_to: str = ""
    timeout: float = 120.0
    memory: int = 4 << 30
    cache: str = ""
    environments: Mapping[str, UserEnvironment] = field(default_factory=dict)
    backend: str = "nox"
    docker: Containers = Containers()

    @classmethod
    def found(cls, start: Path) -> Self:
        """Read the nearest pyproject.toml at or above `start` that has `[tool.matrix]`; the defaults when none has."""
        for folder in (start, *start.parents):
            path = folder / "pyproject.toml"
            if path.is_file():
                tool = _parsed(path).get("tool")
                table = tool.get("matrix") if isinstance(tool, dict) else None
                if table is not None:
                    return cls.from_table(table, source=path)
        return cls(project=start)

    @classmethod
    def from_table(cls, table: object, *, source: Path) -> Self:
        """Return the options of a `[tool.matrix]` table. UsageError for what is unknown or of the wrong type."""
        where = f"{source}: [tool.matrix]"
        if not isinstance(table, dict):
            raise UsageError(f"{where} is {table!r}; it must be a table.")
        for name in table:
            if name not in _OPTIONS:
                raise UsageError(f"{where}: {unknown('option', name, _OPTIONS)}")
        values: dict[str, object] = {"project": source.parent}
        for name, value in table.items():
            values[_OPTIONS[name]] = _READERS[name](value, f"{where}: {name}")
        return cls(**values)  # type: ignore[arg-type]  # each reader returns the type of its field


def _parsed(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} is {value!r}; it must be a string.")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{where} is {value!r}; it must be a list of strings.")
    return tuple(value)


def _positive(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        raise UsageError(f"{where} is {value!r}; it must be a number above 0.")
    return float(value)


def _memory(value: object, where: str) -> int:
    return int(_positive(value, where) * (1 << 30))


def _environments(value: object, where: str) -> dict[str, UserEnvironment]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be tables: [tool.matrix.environments.my-server].")
    return {name: _environment(table, f"{where}.{name}") for name, table in value.items()}


def _environment(table: object, where: str) -> UserEnvironment:
    known = [item.name for item in fields(UserEnvironment)]
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table with {', '.join(known)}.")
    for name in table:
        if name not in known:
            raise UsageError(f"{where}: {unknown('option', name, known)}")
    if "image" in table:
        if "python" in table or "requirements" in table:
            raise UsageError(f"{where} has an image, which brings its own python and requirements; leave these out.")
        table = {"python": "", "requirements": [], **table}
    for name in ("python", "requirements"):
        if name not in table:
            raise UsageError(f'{where} needs {name}, e.g. python = "3.11", requirements = "requirements.txt".')
    given = table["requirements"]
    variables = table.get("variables", {})
    if not isinstance(variables, dict) or not all(isinstance(item, str) for item in variables.values()):
        raise UsageError(f"{where}.variables must be a table of strings.")
    return UserEnvironment(
        python=_text(table["python"], f"{where}.python"),
        requirements=Path(given) if isinstance(given, str) else _texts(given, f"{where}.requirements"),
        variables=tuple(sorted(variables.items())),
        image=_text(table.get("image", ""), f"{where}.image"),
    )


def _backend(value: object, where: str) -> str:
    if value not in BACKENDS:
        raise UsageError(f"{where}: {unknown('backend', str(value), BACKENDS)}")
    return str(value)


def _containers(value: object, where: str) -> Containers:
    known = [item.name for item in fields(Containers)]
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table with {', '.join(known)}.")
    for name in value:
        if name not in known:
            raise UsageError(f"{where}: {unknown('option', name, known)}")
    return Containers(**{name: _text(text, f"{where}.{name}") for name, text in value.items()})


_OPTIONS = {
    "scenarios": "scenarios",
    "profile": "profile",
    "from": "focus_from",
    "to": "focus_to",
    "timeout": "timeout",
    "memory-gib": "memory",
    "cache": "cache",
    "environments": "environments",
    "backend": "backend",
    "docker": "docker",
}
_READERS = {
    "scenarios": _texts,
    "profile": _text,
    "from": _text,
    "to": _text,
    "timeout": _positive,
    "memory-gib": _memory,
    "cache": _text,
    "environments": _environments,
    "backend": _backend,
    "docker": _containers,
}
