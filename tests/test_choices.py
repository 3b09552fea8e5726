"""From what the user chose to a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from values import environment

from matrix.choices import Choices, Chosen, all_scenarios, chosen, names_of_profile, wanted
from matrix.config import Config, UserEnvironment
from matrix.errors import NothingSelected, UsageError
from matrix.model import Format

KNOWN = (
    replace(environment("tf-1.15", "1.15.5", ""), profiles=frozenset({"full"})),
    replace(environment("tf-2.12"), profiles=frozenset({"quick", "default", "full"})),
    replace(environment("tf-2.19", "2.19.1", "3.10.0"), profiles=frozenset({"default", "full"})),
    replace(environment("tf-2.12.0", "2.12.0"), profiles=frozenset()),
    environment("mine", "2.15.1"),
)
MINE = {"mine": UserEnvironment(python="3.11", requirements=("tensorflow==2.15.1",))}


def script(folder: Path, name: str) -> None:
    """Write a small scenario."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text("# /// script\n# [tool.matrix]\n# ///\n", encoding="utf-8")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A project with two scenarios."""
    script(tmp_path / "scenarios", "plain")
    script(tmp_path / "scenarios", "custom_layer")
    return Config(project=tmp_path)


def planned(choices: Choices, config: Config) -> Chosen:
    """What the choices mean, among the known environments."""
    ids = wanted(choices, config, KNOWN)
    return chosen(choices, config, [item for item in KNOWN if item.id in ids])


@pytest.mark.parametrize(
    ("profile", "names"),
    [
        pytest.param("quick", "tf-2.12", id="quick"),
        pytest.param("default", "tf-2.12 tf-2.19", id="default"),
        pytest.param("full", "tf-1.15 tf-2.12 tf-2.19", id="full-is-the-catalogue"),
    ],
)
def test_a_profile_is_what_is_marked_with_it(profile: str, names: str) -> None:
    """
    Patch releases that somebody locked are in none, and the user's own in every one.
    """
    assert names_of_profile(profile, KNOWN, ()) == tuple(names.split())
    assert names_of_profile(profile, KNOWN, ("mine",)) == (*names.split(), "mine")


def test_another_profile_is_refused() -> None:
    """
    The sentence has the nearest word.
    """
    with pytest.raises(UsageError, match=r"no profile 'ful'\. Did you mean 'full'\?"):
        names_of_profile("ful", KNOWN, ())


@pytest.mark.parametrize(
    ("choices", "names"),
    [
        pytest.param(Choices(), "tf-2.12 tf-2.19", id="profile-of-the-configuration"),
        pytest.param(Choices(profile="quick"), "tf-2.12", id="profile"),
        pytest.param(Choices(environments="tf-1.15,tf-2.12*"), "tf-1.15 tf-2.12 tf-2.12.0", id="named"),
        pytest.param(Choices(environments="mine", profile="full"), "mine", id="names-go-before-a-profile"),
        pytest.param(Choices(environments="mine", start="tf-2.19"), "tf-2.19 mine", id="with-the-pair"),
        pytest.param(Choices(start="tf-1.15", end="mine"), "tf-1.15 tf-2.12 tf-2.19 mine", id="pair-and-profile"),
    ],
)
def test_wanted_environments(config: Config, choices: Choices, names: str) -> None:
    """
    What is named or in the profile, and always the pair of the verdict, in the order of the known.
    """
    assert wanted(choices, config, KNOWN) == tuple(names.split())


def test_configuration_fills_what_the_command_line_leaves_open(config: Config) -> None:
    """
    Profile, pair and the user's environments come from the file; an option goes before it.
    """
    own = replace(config, profile="quick", focus_from="tf-1.15", focus_to="tf-2.19", environments=MINE)

    assert wanted(Choices(), own, KNOWN) == ("tf-1.15", "tf-2.12", "tf-2.19", "mine")
    assert wanted(Choices(start="tf-2.12", end="mine"), own, KNOWN) == ("tf-2.12", "mine")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        pytest.param(Choices(environments="tf-2.13"), "no environment 'tf-2.13'", id="environment"),
        pytest.param(Choices(start="tf-9"), "no environment 'tf-9'", id="from"),
        pytest.param(Choices(end="tf-2.1*"), "no environment 'tf-2.1*'", id="a-pair-is-no-glob"),
        pytest.param(Choices(profile="all"), "no profile 'all'", id="profile"),
        pytest.param(Choices(scenarios="custom"), "Did you mean 'custom_layer'?", id="scenario"),
        pytest.param(Choices(formats="hdf5"), "Did you mean 'h5'?", id="format"),
    ],
)
def test_unknown_names_are_refused(config: Config, choices: Choices, said: str) -> None:
    """
    Whatever is not known is a sentence with what is.
    """
    with pytest.raises(UsageError) as refused:
        planned(choices, config)

    assert said in str(refused.value)


def test_choices_become_a_plan(config: Config) -> None:
    """
    Scenarios and formats by globs, the pair of the verdict, and the profile that was used.
    """
    found = planned(Choices(scenarios="custom_*", formats="h5,*_h5"), config)

    assert {cell.scenario for cell in found.plan.cells} == {"custom_layer"}
    assert {cell.format for cell in found.plan.cells} == {Format.H5, Format.WEIGHTS_H5}
    assert (found.focus, found.profile) == (("tf-2.12", "tf-2.19"), "default")
    assert planned(Choices(environments="tf-2.19"), config).profile == ""


def test_a_profile_without_environments_leaves_nothing(config: Config) -> None:
    """
    A catalogue that knows no such profile is not an empty report.
    """
    with pytest.raises(NothingSelected):
        chosen(Choices(), config, [])


def test_scenarios_come_from_all_folders_of_the_project(config: Config, tmp_path: Path) -> None:
    """
    In the order of the folders; one name in two of them is refused.
    """
    script(tmp_path / "more", "another")
    two = replace(config, scenarios=("scenarios", "more"))

    assert [item.name for item in all_scenarios(two)] == ["custom_layer", "plain", "another"]

    script(tmp_path / "more", "plain")
    with pytest.raises(UsageError, match="have the same name"):
        all_scenarios(two)


def test_one_of_two_folders_that_is_missing_is_refused(config: Config) -> None:
    """
    A folder that is named and not there is a mistake, also beside one that is.
    """
    with pytest.raises(UsageError, match="There is no folder of scenarios"):
        all_scenarios(replace(config, scenarios=("scenarios", "scenarioz")))
