"""A scenario to begin with."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.model import Format, Variant
from matrix.scenarios import read, read_folder
from matrix.template import new_scenario


def test_a_new_scenario_is_a_scenario(tmp_path: Path) -> None:
    """
    Written into a folder that is made for it, it has a valid header, custom code and every variant.
    """
    path = new_scenario("my_model", tmp_path / "scenarios")

    found = read(path)

    assert found == read_folder(tmp_path / "scenarios")[0]
    assert (found.name, found.title) == ("my_model", "Does my_model survive the trip?")
    assert (found.variants, found.formats) == (tuple(Variant), tuple(Format))


def test_a_new_scenario_has_all_that_a_worker_asks_for(tmp_path: Path) -> None:
    """
    `build`, `inputs` and `CUSTOM_OBJECTS`, in the syntax of the oldest Python.
    """
    tree = ast.parse(new_scenario("mine", tmp_path).read_text(encoding="utf-8"), feature_version=(3, 7))

    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}  # type: ignore[attr-defined]

    assert functions == {"build", "inputs"}
    assert names == {"CUSTOM_OBJECTS"}


def test_a_scenario_is_never_overwritten(tmp_path: Path) -> None:
    """
    A name that is taken is refused, and the file stays.
    """
    path = new_scenario("mine", tmp_path)
    path.write_text("my work")

    with pytest.raises(UsageError, match="is there already"):
        new_scenario("mine", tmp_path)

    assert path.read_text() == "my work"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("../evil", id="path"),
        pytest.param("my-model", id="dash"),
        pytest.param("2fast", id="digit-first"),
        pytest.param("größe", id="not-ascii"),
        pytest.param("a b", id="space"),
        pytest.param("x.py", id="ending"),
        pytest.param("_hidden", id="would-never-be-read"),
        pytest.param('x"""\nimport os\n"""', id="code"),
    ],
)
def test_a_name_that_is_no_identifier_is_refused(tmp_path: Path, name: str) -> None:
    """
    Nothing is written, inside the folder or outside of it.
    """
    with pytest.raises(UsageError, match="cannot be the name"):
        new_scenario(name, tmp_path / "scenarios")

    assert list(tmp_path.iterdir()) == []
