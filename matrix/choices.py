"""From what the user chose to a plan: which environments, scenarios and formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .config import Config
from .errors import UsageError, unknown
from .model import Cell, Environment, Format, Scenario
from .plan import Plan, focus, plan, rank
from .scenarios import read_folder
from .selector import selected

PROFILES = ("quick", "default", "full")
PACKAGED = Path(__file__).parent / "data" / "scenarios"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the command line said; empty where it said nothing."""

    start: str = ""
    end: str = ""
    profile: str = ""
    environments: str = ""
    scenarios: str = ""
    formats: str = ""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A plan, the pair of its verdict, and the profile it came from (empty when environments were named).

    `siblings`: reader → the environment with its TensorFlow and the Keras of before, which may help where it fails.
    """

    plan: Plan
    focus: tuple[str, str]
    profile: str
    siblings: Mapping[str, Environment] = field(default_factory=dict)

    def ranks(self) -> Callable[[Cell], int]:
        """Return what says how much a cell tells: see `plan.rank`."""
        generations = {item.id: item.generation for item in self.plan.environments}
        return lambda cell: rank(cell, self.focus, generations)


def names_of_profile(profile: str, known: Sequence[Environment], own: Sequence[str]) -> tuple[str, ...]:
    """Return the ids that a profile means: those marked with it, and every environment of the user's own.

    Raises:
        UsageError: there is no such profile.
    """
    if profile not in PROFILES:
        raise UsageError(unknown("profile", profile, PROFILES))
    return tuple(item.id for item in known if item.id in own or profile in item.profiles)


def all_scenarios(config: Config) -> tuple[Scenario, ...]:
    """Return the scenarios of the project's folders; those that came with the package where the project has none.

    Raises:
        UsageError: two scenarios have one name, or a folder is missing.
    """
    folders = [config.project / folder for folder in config.scenarios]
    if not any(folder.is_dir() for folder in folders) and PACKAGED.is_dir():
        folders = [PACKAGED]
    found: dict[str, Scenario] = {}
    for folder in folders:
        for scenario in read_folder(folder):
            if scenario.name in found:
                raise UsageError(f"{scenario.path} and {found[scenario.name].path} have the same name; rename one.")
            found[scenario.name] = scenario
    return tuple(found.values())


def wanted(choices: Choices, config: Config, known: Sequence[Environment]) -> tuple[str, ...]:
    """Return the ids of the environments that a run is about; the pair of its verdict is always part of it.

    Args:
        choices: from the command line.
        config: decides what the command line leaves open.
        known: every environment that can be named.

    Raises:
        UsageError: a name is unknown.
    """
    ids = [item.id for item in known]
    if choices.environments:
        names = set(selected("environment", choices.environments, ids))
    else:
        names = set(names_of_profile(choices.profile or config.profile, known, tuple(config.environments)))
    for name in filter(None, _pair(choices, config)):
        if name not in ids:
            raise UsageError(unknown("environment", name, ids))
        names.add(name)
    return tuple(name for name in ids if name in names)


def chosen(choices: Choices, config: Config, environments: Sequence[Environment]) -> Chosen:
    """Return the plan for some choices.

    Args:
        choices: from the command line.
        config: decides what the command line leaves open.
        environments: the wanted ones, locked, in the order of the axes.

    Raises:
        UsageError: a name is unknown. NothingSelected: nothing is left to run.
    """
    scenarios = all_scenarios(config)
    picked = selected("scenario", choices.scenarios or "*", [item.name for item in scenarios])
    formats = selected("format", choices.formats or "*", [str(item) for item in Format])
    return Chosen(
        plan=plan(
            environments, [item for item in scenarios if item.name in picked], [Format(item) for item in formats]
        ),
        focus=focus(environments, *_pair(choices, config)),
        profile="" if choices.environments else choices.profile or config.profile,
    )


def _pair(choices: Choices, config: Config) -> tuple[str, str]:
    return choices.start or config.focus_from, choices.end or config.focus_to
