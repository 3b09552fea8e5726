"""Every environment that a project can name: the catalogue, the user's own, and patches that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from packaging.version import Version

from . import catalog, update
from .config import Config
from .errors import EnvironmentFailed, Incomplete
from .model import LEGACY, Environment


@dataclass(frozen=True, kw_only=True)
class Known:
    """The environments that can be named, in the order of the axes, and those of them that cannot be had."""

    environments: tuple[Environment, ...]
    broken: dict[str, EnvironmentFailed]

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(item.id for item in self.environments)


def known(config: Config, asked: Iterable[str] = ()) -> Known:
    """Return what can be named without locking anything.

    Args:
        config: of the project; its own environments are known before they are locked.
        asked: names from the command line; a patch such as `tf-2.12.0` becomes known by being asked for.
    """
    found = {item.id: item for item in catalog.environments(config.project)}
    for id_ in config.environments:
        own = config.environments[id_]
        if own.image:
            found[id_] = Environment(id=id_, python="", tensorflow="", variables=own.variables, image=own.image)
        found.setdefault(id_, _unlocked(id_, own.python))
    for id_ in asked:
        match = update.PATCH.fullmatch(id_)
        if match:
            found.setdefault(id_, _unlocked(id_, "", match[1]))
    return Known(environments=tuple(sorted(found.values(), key=_age)), broken={})


def locked(config: Config, before: Known, wanted: Iterable[str], say: Callable[[str], None]) -> Known:
    """Lock those of the wanted environments that have no lock, or whose requirements changed since.

    What cannot be locked stays in place, with the reason: its cells will be `E`, and everything else goes on.
    """
    names = set(wanted)
    stale = [item.id for item in before.environments if item.id in names and _stale(config, item)]
    if not stale:
        return before
    locker, broken = update.online(), dict(before.broken)
    for id_ in stale:
        try:
            update.lock(config.project, dict(config.environments), [id_], locker, say)
        except EnvironmentFailed as error:
            broken[id_] = error
        except Incomplete as error:
            broken[id_] = EnvironmentFailed(f"{id_} could not be locked: {error}")
    after = known(config, names)
    return Known(environments=after.environments, broken=broken)


def _stale(config: Config, environment: Environment) -> bool:
    """Whether a lock is missing, or was made for something else than pyproject.toml asks for now."""
    if environment.image:
        return False
    own = config.environments.get(environment.id)
    if own is None or not environment.lock:
        return not environment.lock
    try:
        asked = update.asked(config.project, environment.id, own)
    except EnvironmentFailed:
        return True  # locking says why
    return (environment.python, environment.requirements, environment.variables) != (own.python, asked, own.variables)


def _age(environment: Environment) -> tuple[bool, Version, str]:
    return environment.id.endswith(LEGACY), Version(environment.tensorflow or "0"), environment.id


def _unlocked(id_: str, python: str, tensorflow: str = "") -> Environment:
    return Environment(id=id_, python=python, tensorflow=tensorflow)
