"""The choices of a run, from pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.config import Config, UserEnvironment
from matrix.errors import UsageError


def project(folder: Path, text: str) -> Path:
    """A folder with this pyproject.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_any_file_everything_has_a_default(tmp_path: Path) -> None:
    """
    A folder without pyproject.toml is a project with the defaults.
    """
    assert Config.found(tmp_path) == Config(project=tmp_path)


def test_every_option_is_read(tmp_path: Path) -> None:
    """
    Each option of the table lands in its field, with its unit.
    """
    text = """
    [tool.matrix]
    scenarios = ["mine", "more"]
    profile = "quick"
    from = "tf-2.12"
    to = "my-server"
    timeout = 30
    memory-gib = 1.5

    [tool.matrix.environments.my-server]
    python = "3.10"
    requirements = ["tensorflow==2.15.1", "numpy<1.26"]
    variables = { B = "2", A = "1" }

    [tool.matrix.environments.listed]
    python = "3.11"
    requirements = "requirements.txt"
    """

    assert Config.found(project(tmp_path, text)) == Config(
        project=tmp_path,
        scenarios=("mine", "more"),
        profile="quick",
        focus_from="tf-2.12",
        focus_to="my-server",
        timeout=30.0,
        memory=3 << 29,
        environments={
            "my-server": UserEnvironment(
                python="3.10",
                requirements=("tensorflow==2.15.1", "numpy<1.26"),
                variables=(("A", "1"), ("B", "2")),
            ),
            "listed": UserEnvironment(python="3.11", requirements=Path("requirements.txt")),
        },
    )


def test_the_nearest_file_with_a_table_counts(tmp_path: Path) -> None:
    """
    A pyproject.toml without the table is passed over on the way up.
    """
    top = project(tmp_path, '[tool.matrix]\nprofile = "full"')
    project(tmp_path / "package", '[project]\nname = "x"')
    below = tmp_path / "package" / "deeper"
    below.mkdir()

    assert Config.found(below) == Config(project=top, profile="full")


@pytest.mark.parametrize("text", ["", "tool = 5", "[tool]", "[tool.other]\nx = 1"])
def test_a_file_without_the_table_is_not_ours(tmp_path: Path, text: str) -> None:
    """
    What other tools write into the file is no error of this one.
    """
    assert Config.found(project(tmp_path, text)) == Config(project=tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[tool.matrix]\nscenario = []", "Did you mean 'scenarios'?", id="typo"),
        pytest.param("[tool.matrix]\nxyzzy = 1", "Known: backend, cache, docker, environments, from", id="unknown"),
        pytest.param("[tool.matrix]\nprofile = 1", "must be a string", id="number-for-text"),
        pytest.param('[tool.matrix]\nscenarios = "mine"', "must be a list of strings", id="text-for-list"),
        pytest.param("[tool.matrix]\nscenarios = [1]", "must be a list of strings", id="list-of-numbers"),
        pytest.param('[tool.matrix]\ntimeout = "60"', "must be a number above 0", id="text-for-number"),
        pytest.param("[tool.matrix]\ntimeout = true", "must be a number above 0", id="boolean-for-number"),
        pytest.param("[tool.matrix]\ntimeout = 0", "must be a number above 0", id="zero"),
        pytest.param("[tool.matrix]\ntimeout = -1.5", "must be a number above 0", id="negative"),
        pytest.param("[tool.matrix]\ntimeout = nan", "must be a number above 0", id="not-a-number"),
        pytest.param("[tool.matrix]\nmemory-gib = inf", "must be a number above 0", id="infinite"),
        pytest.param(f"[tool.matrix]\ntimeout = 1{'0' * 400}", "must be a number above 0", id="huge"),
        pytest.param("[tool]\nmatrix = 5", "must be a table", id="number-for-table"),
        pytest.param("[[tool.matrix]]\nprofile = 'full'", "must be a table", id="list-of-tables"),
        pytest.param("[tool.matrix]\nenvironments = ['tf-2.12']", "must be tables", id="list-for-environments"),
        pytest.param("[tool.matrix]\nenvironments.x = 1", "must be a table with python", id="number-for-environment"),
        pytest.param("[tool.matrix.environments.x]\npython = '3.11'", "needs requirements", id="nothing-required"),
        pytest.param("[tool.matrix.environments.x]\nrequirements = []", "needs python", id="no-python"),
        pytest.param(
            "[tool.matrix.environments.x]\npython = 3.11\nrequirements = []", "must be a string", id="python-as-float"
        ),
        pytest.param(
            "[tool.matrix.environments.x]\npython = '3.11'\nrequirements = [1]",
            "must be a list of strings",
            id="requirement-as-number",
        ),
        pytest.param(
            "[tool.matrix.environments.x]\npython = '3.11'\nrequirements = []\nvariables = { A = 1 }",
            "must be a table of strings",
            id="variable-as-number",
        ),
        pytest.param(
            "[tool.matrix.environments.x]\npython = '3.11'\nrequirement = []",
            "Did you mean 'requirements'?",
            id="typo-in-environment",
        ),
        pytest.param("[tool.matrix", "is not valid TOML", id="broken-toml"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """
    A wrong option stops the run at once, and the sentence names the file.
    """
    folder = project(tmp_path, text)

    with pytest.raises(UsageError) as refused:
        Config.found(folder)

    assert said in str(refused.value)
    assert str(folder / "pyproject.toml") in str(refused.value)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """
    TOML is UTF-8, and what is not is no bug of the matrix.
    """
    (tmp_path / "pyproject.toml").write_bytes('[tool.matrix]\nprofile = "schön"'.encode("latin-1"))

    with pytest.raises(UsageError, match="not valid TOML"):
        Config.found(tmp_path)
