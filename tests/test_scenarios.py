"""Scenario scripts, read from their headers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.model import Format, Tolerance, Variant
from matrix.scenarios import read, read_folder

SHIPPED = Path(__file__).parents[1] / "scenarios"
HEADER = """\
# /// script
# requires-python = ">=3.7"
# dependencies = ["numpy", "tensorflow>=2.4,<2.16"]
#
# [tool.matrix]
# variants = ["registered", "bare"]
# formats = ["keras", "h5"]
# absolute-tolerance = 0.001
# relative-tolerance = 0
# ///
"""
SCRIPT = HEADER + '"""Does *it* survive?\n\nMore.\n"""\n\nraise SystemExit("a host never imports me")\n'


def script(folder: Path, text: str | bytes, name: str = "mine.py") -> Path:
    """A script with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def with_table(line: str, dependencies: str = '["tensorflow"]') -> str:
    """A script whose header says so."""
    return f'# /// script\n# dependencies = {dependencies}\n# [tool.matrix]\n# {line}\n# ///\n"""A title."""\n'


def test_a_header_says_everything(tmp_path: Path) -> None:
    """
    Title, variants, formats, TensorFlow and tolerance come from text; the script does not run.
    """
    path = script(tmp_path, SCRIPT)

    found = read(path)

    assert (found.name, found.path, found.title) == ("mine", path, "Does *it* survive?")
    assert found.variants == (Variant.BARE, Variant.REGISTERED)
    assert found.formats == (Format.H5, Format.KERAS)
    assert found.requires == "<2.16,>=2.4"
    assert found.tolerance == Tolerance(absolute=0.001, relative=0.0)
    assert found.digest == hashlib.sha256(SCRIPT.encode()).hexdigest()


def test_an_empty_table_asks_for_everything_bare(tmp_path: Path) -> None:
    """
    All formats, the bare variant, every TensorFlow, the default tolerance, and the file name as title.
    """
    found = read(script(tmp_path, "# /// script\n# [tool.matrix]\n# ///\n"))

    assert (found.variants, found.formats) == ((Variant.BARE,), tuple(Format))
    assert (found.requires, found.tolerance, found.title) == ("", Tolerance(), "mine")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SCRIPT.replace("\n", "\r\n").encode(), id="line-ends-of-windows"),
        pytest.param(b"\xef\xbb\xbf" + SCRIPT.encode(), id="byte-order-mark"),
        pytest.param("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n" + SCRIPT, id="first-lines-of-unix"),
        pytest.param(SCRIPT.replace("survive?", "survive? 🙂").encode(), id="unicode"),
        pytest.param(SCRIPT.rstrip("\n"), id="no-last-line-end"),
    ],
)
def test_a_script_that_python_runs_is_a_scenario(tmp_path: Path, text: str | bytes) -> None:
    """
    Editors of every system may have touched it.
    """
    found = read(script(tmp_path, text))

    assert found.title.startswith("Does *it* survive?")
    assert found.requires == "<2.16,>=2.4"


@pytest.mark.parametrize(
    ("docstring", "title"),
    [
        pytest.param('"""\n\n  Second line.\n"""', "Second line.", id="below-the-quotes"),
        pytest.param('""" """', "mine", id="blank"),
        pytest.param("x = 1", "mine", id="none"),
    ],
)
def test_the_title_is_the_first_line_of_the_docstring(tmp_path: Path, docstring: str, title: str) -> None:
    """
    The file name stands in where there is no docstring.
    """
    assert read(script(tmp_path, f"# /// script\n# [tool.matrix]\n# ///\n{docstring}\n")).title == title


@pytest.mark.parametrize(
    ("dependencies", "requires"),
    [
        pytest.param('["tensorflow"]', "", id="any"),
        pytest.param('["TensorFlow >= 2.4"]', ">=2.4", id="capitals"),
        pytest.param('["tensorflow_cpu==2.12.*"]', "==2.12.*", id="underscore"),
        pytest.param("[\"tensorflow[and-cuda]>=2.15; python_version > '3'\"]", ">=2.15", id="extra-and-marker"),
        pytest.param('["tensorflow-hub>=0.12"]', "", id="another-project"),
        pytest.param("[]", "", id="nothing"),
    ],
)
def test_tensorflow_is_found_among_the_dependencies(tmp_path: Path, dependencies: str, requires: str) -> None:
    """
    Whatever its spelling; no other project is taken for it.
    """
    assert read(script(tmp_path, with_table("", dependencies))).requires == requires


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('"""No header."""', "has 0 headers", id="no-header"),
        pytest.param(SCRIPT + HEADER, "has 2 headers", id="two-headers"),
        pytest.param("# /// script\n# [tool.matrix]\n", "has 0 headers", id="header-without-end"),
        pytest.param("# /// script\n# [tool\n# ///\n", "not valid TOML", id="broken-toml"),
        pytest.param("# /// script\n# dependencies = []\n# ///\n", "no [tool.matrix] table", id="no-table"),
        pytest.param("# /// script\n# tool = 5\n# ///\n", "no [tool.matrix] table", id="tool-is-no-table"),
        pytest.param("# /// script\n# tool.matrix = []\n# ///\n", "no [tool.matrix] table", id="matrix-is-no-table"),
        pytest.param(with_table("variant = []"), "Did you mean 'variants'?", id="typo"),
        pytest.param(with_table('variants = ["bear"]'), "Did you mean 'bare'?", id="unknown-variant"),
        pytest.param(with_table('formats = ["keras", 5]'), "no format '5'", id="number-as-format"),
        pytest.param(with_table('formats = [["h5"]]'), "no format", id="list-as-format"),
        pytest.param(with_table('formats = "h5"'), "must be a list", id="text-for-list"),
        pytest.param(with_table("formats = []"), "must be a list", id="empty-list"),
        pytest.param(with_table("absolute-tolerance = -1"), "0 or more", id="negative-tolerance"),
        pytest.param(with_table("absolute-tolerance = inf"), "0 or more", id="tolerance-for-everything"),
        pytest.param(with_table("relative-tolerance = nan"), "0 or more", id="tolerance-for-nothing"),
        pytest.param(with_table("relative-tolerance = true"), "0 or more", id="tolerance-as-boolean"),
        pytest.param(with_table(f"relative-tolerance = 1{'0' * 400}"), "0 or more", id="huge-tolerance"),
        pytest.param(with_table("", '"tensorflow"'), "must be a list of strings", id="dependencies-as-text"),
        pytest.param(with_table("", "[5]"), "must be a list of strings", id="dependency-as-number"),
        pytest.param(with_table("", '["tensorflow=>2"]'), "dependencies", id="broken-specifier"),
        pytest.param(SCRIPT + "x = = 1\n", "no Python script", id="syntax-error"),
        pytest.param(SCRIPT.encode() + b"\xff", "no Python script", id="not-utf-8"),
        pytest.param(SCRIPT.encode() + b"\0", "no Python script", id="nul"),
        pytest.param(SCRIPT + "(" * 5_000, "no Python script", id="nested-parentheses"),
        pytest.param(SCRIPT + "-" * 100_000 + "1", "no Python script", id="nested-signs"),
    ],
)
def test_a_wrong_header_is_refused_with_the_file(tmp_path: Path, text: str | bytes, said: str) -> None:
    """
    What is unknown or of the wrong type is a sentence, never a traceback.
    """
    path = script(tmp_path, text)

    with pytest.raises(UsageError) as refused:
        read(path)

    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    """
    In alphabetical order, without what begins with an underscore and what is no script.
    """
    for name in ("b.py", "a.py", "_shared.py", "notes.txt"):
        script(tmp_path, SCRIPT, name)

    assert [item.name for item in read_folder(tmp_path)] == ["a", "b"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """
    The sentence says which folder, and what makes one.
    """
    with pytest.raises(UsageError, match=r"nowhere.*new-scenario"):
        read_folder(tmp_path / "nowhere")


def test_shipped_scenarios_obey_their_own_rules() -> None:
    """
    Each can be read, asks a question, and has other variants than `bare` exactly when it has custom objects.
    """
    found = read_folder(SHIPPED)

    assert found
    for scenario in found:
        custom = "\nCUSTOM_OBJECTS = " in scenario.path.read_text(encoding="utf-8")
        assert scenario.title.endswith("?"), scenario.name
        assert (scenario.variants != (Variant.BARE,)) == custom, scenario.name
