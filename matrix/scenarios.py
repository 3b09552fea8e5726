"""Scenario scripts, read from their headers and never imported.

A script begins with a PEP 723 block (https://packaging.python.org/en/latest/specifications/inline-script-metadata/)
whose `[tool.matrix]` table says what is asked; the first line of its docstring is its title on the page.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from .errors import UsageError, unknown
from .model import Format, Scenario, Tolerance, Variant

# The regular expression of the specification.
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_OPTIONS = ("formats", "variants", "absolute-tolerance", "relative-tolerance")
Choice = TypeVar("Choice", Format, Variant)
_TENSORFLOWS = frozenset({"tensorflow", "tensorflow-cpu"})


def read_folder(folder: Path) -> tuple[Scenario, ...]:
    """Return the scenarios of a folder by name. UsageError when there is no such folder, or a header is wrong."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder of scenarios at {folder}. `matrix new-scenario NAME` makes one.")
    return tuple(read(path) for path in sorted(folder.glob("*.py")) if not path.name.startswith("_"))


def read(path: Path) -> Scenario:
    """Return the scenario that a script's header describes. UsageError with the line to mend when it is wrong."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        tree = ast.parse(text, filename=str(path))
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:  # the last two: nested too deep
        raise UsageError(f"{path} is no Python script: {error}") from None
    header = _header(text, path)
    table = _table(header, path)
    title = (ast.get_docstring(tree) or path.stem).strip().splitlines()[0]
    return Scenario(
        name=path.stem,
        path=path.resolve(),
        title=title,
        digest=hashlib.sha256(data).hexdigest(),
        variants=_chosen(Variant, table.get("variants", [Variant.BARE]), f"{path}: variants"),
        formats=_chosen(Format, table.get("formats", list(Format)), f"{path}: formats"),
        requires=_tensorflow(header.get("dependencies", []), path),
        tolerance=_tolerance(table, path),
    )


def _header(text: str, path: Path) -> dict[str, Any]:
    blocks = [match for match in _BLOCK.finditer(text) if match["type"] == "script"]
    if len(blocks) != 1:
        raise UsageError(
            f"{path} has {len(blocks)} headers; a scenario begins with one `# /// script` block that has a "
            "[tool.matrix] table. `matrix new-scenario NAME` writes an example."
        )
    lines = blocks[0]["content"].splitlines()
    try:
        return tomllib.loads("\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: the header is not valid TOML: {error}") from None


def _table(header: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    tool = header.get("tool")
    table = tool.get("matrix") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: the header has no [tool.matrix] table, so it is not known what to ask.")
    for name in table:
        if name not in _OPTIONS:
            raise UsageError(f"{path}: [tool.matrix]: {unknown('option', name, _OPTIONS)}")
    return table


def _chosen(kind: type[Choice], names: object, where: str) -> tuple[Choice, ...]:
    """Return the members that a list names, in the order of the enumeration."""
    known = [str(member) for member in kind]
    if not isinstance(names, list) or not names:
        raise UsageError(f"{where} is {names!r}; it must be a list with some of {', '.join(known)}.")
    for name in names:
        if name not in known:
            raise UsageError(f"{where}: {unknown(kind.__name__.lower(), str(name), known)}")
    return tuple(member for member in kind if member in names)


def _tensorflow(dependencies: object, path: Path) -> str:
    """Return the specifier that the script's dependencies put on TensorFlow."""
    if not isinstance(dependencies, list) or not all(isinstance(line, str) for line in dependencies):
        raise UsageError(f"{path}: dependencies is {dependencies!r}; it must be a list of strings.")
    for line in dependencies:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise UsageError(f"{path}: dependencies: {error}") from None
        if canonicalize_name(requirement.name) in _TENSORFLOWS:
            return str(requirement.specifier)
    return ""


def _tolerance(table: Mapping[str, Any], path: Path) -> Tolerance:
    values = {}
    for name in ("absolute", "relative"):
        value = table.get(f"{name}-tolerance", getattr(Tolerance(), name))
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= sys.float_info.max:
            raise UsageError(f"{path}: {name}-tolerance is {value!r}; it must be a number, 0 or more.")
        values[name] = float(value)
    return Tolerance(**values)
