"""Images: one for each environment, built once, and taken as they are where the user names one."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import BuildError, DockerException, ImageNotFound, NotFound

from ...entries import Entry
from ...errors import EnvironmentFailed
from ...holdings import objections
from ...model import Environment
from .context import PREFIX, context
from .daemon import persistent

FINGERPRINT, BASE = "io.keras-matrix.fingerprint", "io.keras-matrix.base"
REPOSITORY = "keras-matrix"
BUILD_SECONDS = 1800  # that a build may say nothing: it compiles some ten thousand files
Say = Callable[[str], None]


@dataclass(frozen=True)
class Image:
    """One that is ready: its id, what runs its Python, and where it comes from, for the record of a run."""

    id: str
    python: str
    origin: str


@dataclass(frozen=True)
class Images:
    """The images of one engine.

    Attributes:
        client: of the engine.
        entries: id → what is locked.
        shelf: where packages are kept that had to be built from source.
        desk: where what an image is built from is put together.
        base: what they are built on; `{python}` is the version that an environment needs.
        registry: where they are looked for before they are built, and brought afterwards; empty for nowhere.
    """

    client: docker.APIClient
    entries: Mapping[str, Entry]
    shelf: Path
    desk: Path
    base: str
    registry: str = ""

    def ready(self, environment: Environment) -> Image | None:
        """Return the image of an environment; None when there is none yet."""
        if environment.image:
            own = self._inspected(environment.image)
            return Image(own["Id"], "python3", _name(environment.image, own)) if own else None
        base = self._inspected(self._base(environment))
        found = base and self._inspected(self._tag(environment, base))
        if not base or not found or (found["Config"]["Labels"] or {}).get(FINGERPRINT) != environment.fingerprint:
            return None
        return Image(found["Id"], f"{PREFIX}/bin/python", _name(self._base(environment), base))

    def ensure(self, environment: Environment, say: Say) -> Image:
        """Return the image of an environment; build it, or fetch it, unless it is there. Two builders build it once.

        Raises:
            EnvironmentFailed: it cannot be had.
            DockerException, RequestException: the engine failed.
        """
        found = persistent(lambda: self.ready(environment))
        if found is not None:
            return found
        for folder in (self.shelf, self.desk):
            folder.mkdir(parents=True, exist_ok=True)
        lock = self.shelf / f".image-{re.sub(r'[^a-z0-9.]+', '-', environment.id)}.lock"
        with lock.open("a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if self.ready(environment) is None:
                self._made(environment, say)
        found = self.ready(environment)
        if found is None:
            raise EnvironmentFailed(
                f"{environment.id}: its image is gone again after it was made.", remedy="docker images"
            )
        return found

    def _made(self, environment: Environment, say: Say) -> None:
        if environment.image:
            self._pulled(environment.image, environment, say)
            return
        name = self._base(environment)
        base = self._inspected(name)
        if base is None:
            self._pulled(name, environment, say)
            base = self._inspected(name)
        if base is None:
            raise EnvironmentFailed(
                f"{environment.id}: {name} is gone again after it was pulled.", remedy="docker images"
            )
        tag = self._tag(environment, base)
        if not self.registry or not self._borrowed(tag, say):
            self._built(environment, tag, base["Id"], say)
            if self.registry:
                say("bringing its image to the registry")
                _heard(self.client.push(f"{self.registry}/{tag}", stream=True, decode=True))

    def _built(self, environment: Environment, tag: str, base: str, say: Say) -> None:
        entry = self.entries.get(environment.id)
        if entry is None:
            raise EnvironmentFailed(f"{environment.id} has no lock.", remedy=f"matrix env lock {environment.id}")
        say(f"fetching {environment.download / 1e6:.0f} MB of packages")
        with context(entry, base, self.shelf / "wheels", self.desk) as archive:
            say("building its image")
            told = self.client.build(
                fileobj=archive,
                custom_context=True,
                tag=tag,
                rm=True,
                forcerm=True,
                network_mode="none",
                labels={FINGERPRINT: environment.fingerprint, BASE: base},
                timeout=BUILD_SECONDS,
                decode=True,
                use_config_proxy=False,  # a proxy's address may hold a password
            )
            try:
                text = _heard(told)
            except BuildError as error:
                raise EnvironmentFailed(
                    f"{environment.id}: its image does not build: {str(error)[-600:]}", remedy="docker info"
                ) from None
        wrong = objections(entry, _inventory(text))
        if wrong:
            self.client.remove_image(tag, force=True)
            raise EnvironmentFailed(
                f"{environment.id}: its image does not hold what was asked for: {'; '.join(wrong)}."
            )
        if self.registry:
            self.client.tag(tag, f"{self.registry}/{tag.partition(':')[0]}", tag.partition(":")[2])

    def _borrowed(self, tag: str, say: Say) -> bool:
        """Whether the registry has an image that another machine built; then it is here under its own name."""
        say("looking for its image in the registry")
        repository, _, version = tag.partition(":")
        try:
            _heard(self.client.pull(f"{self.registry}/{repository}", version, stream=True, decode=True))
            self.client.tag(f"{self.registry}/{tag}", repository, version)
        except (DockerException, BuildError):
            return False
        return True

    def _pulled(self, name: str, environment: Environment, say: Say) -> None:
        say(f"pulling {name}")
        repository, _, version = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
        try:
            _heard(self.client.pull(repository, version, stream=True, decode=True))
        except (DockerException, BuildError) as error:
            raise EnvironmentFailed(
                f"{environment.id}: the image {name} is not here and cannot be pulled: {error}.",
                remedy=f"docker pull {name}, or name another one: [tool.matrix.docker] base",
            ) from None

    def _base(self, environment: Environment) -> str:
        return self.base.replace("{python}", environment.python)

    def _tag(self, environment: Environment, base: Mapping[str, Any]) -> str:
        name = re.sub(r"[^a-z0-9._-]+", "-", environment.id.lower()).strip("-._")
        return f"{REPOSITORY}/{name}:{environment.fingerprint}-{base['Id'].rpartition(':')[2][:12]}"

    def _inspected(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self.client.inspect_image(name)  # type: ignore[no-untyped-call]
        except (ImageNotFound, NotFound):
            return None
        return found


def _name(name: str, found: Mapping[str, Any]) -> str:
    digests = found.get("RepoDigests") or []
    return f"{name} ({digests[0].partition('@')[2] if digests else found['Id']})"


def _heard(told: Iterable[Mapping[str, Any]]) -> str:
    """Return what the engine printed of a build or a pull. BuildError when it failed."""
    said = []
    for line in told:
        if "error" in line:
            raise BuildError(str(line["error"]), iter(()))
        said.append(str(line.get("stream", "")))
    return "".join(said)


def _inventory(text: str) -> Mapping[str, Any]:
    """Return what the environment says it holds: the one line of a build that begins with an object."""
    for line in text.splitlines():
        if line.startswith("{"):
            found: Mapping[str, Any] = json.JSONDecoder().raw_decode(line)[0]  # the engine goes on in the same line
            return found
    raise EnvironmentFailed("The build of an image did not say what is in it.")
