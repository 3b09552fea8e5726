"""Containers without an engine: where one is looked for, what goes in and out, whose they are, what they are of."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError, DockerException, ImageNotFound
from fakes import environment
from requests import Response
from requests.exceptions import ConnectionError as NotReached

from matrix import catalog, environments, taking
from matrix.backends.docker import daemon, leftovers
from matrix.backends.docker.containers import user
from matrix.backends.docker.images import Images
from matrix.backends.docker.parcels import Parcels
from matrix.backends.local import LocalBackend
from matrix.backends.nox import NoxEnvironments
from matrix.config import Config
from matrix.doctor import examined
from matrix.errors import EnvironmentFailed, Incomplete, UsageError
from matrix.model import Environment, Format
from matrix.protocol import Item, Request
from matrix.taking import Hostile, taken


@pytest.mark.parametrize(
    ("said", "found"),
    [
        pytest.param("unix:///x/docker.sock", "unix:///x/docker.sock", id="a-socket"),
        pytest.param("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375", id="this-machine"),
        pytest.param("tcp://localhost:2375", "tcp://localhost:2375", id="this-machine-by-name"),
    ],
)
def test_the_engine_that_is_named_is_taken(said: str, found: str) -> None:
    """
    Where it is on this machine.
    """
    assert daemon.address({"DOCKER_HOST": said}) == found


@pytest.mark.parametrize("said", ["tcp://10.0.0.5:2376", "ssh://me@there", "tcp://docker:2375", "http://127.0.0.1"])
def test_an_engine_elsewhere_is_refused(said: str) -> None:
    """
    It could not see the files of a run; one sentence says so, and what to do.
    """
    with pytest.raises(UsageError, match="an engine elsewhere") as refused:
        daemon.address({"DOCKER_HOST": said})
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_socket_of_podman_is_found(tmp_path: Path) -> None:
    """
    Where nobody names an engine, and Docker has no socket; Podman's speaks the same.
    """
    (tmp_path / "podman").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "podman" / "podman.sock"))
        found = daemon.address({"XDG_RUNTIME_DIR": str(tmp_path)})

    assert found in {f"unix://{tmp_path}/podman/podman.sock", "unix:///var/run/docker.sock"}


def test_no_engine_is_one_sentence_with_what_to_do(tmp_path: Path) -> None:
    """
    It ends a run as incomplete, before anything is built.
    """
    with pytest.raises(Incomplete, match="No Docker engine answers at") as failed:
        daemon.connected({"DOCKER_HOST": f"unix://{tmp_path}/nothing"}, seconds=1)

    assert failed.value.exit_code == 4
    assert "systemctl start docker" in str(failed.value)
    assert "--backend nox" in str(failed.value)


def test_doctor_tells_of_no_engine_without_calling_it_a_lack(tmp_path: Path) -> None:
    """
    Virtual environments need none; it says what would be needed.
    """
    found = list(examined([], tmp_path, {"DOCKER_HOST": f"unix://{tmp_path}/nothing"}, tmp_path))

    (engine,) = [one for one in found if "--backend docker" in one.what]
    assert engine.good
    assert "No Docker engine answers" in engine.what


def answer(status: int) -> APIError:
    """What the client makes of an answer."""
    response = Response()
    response.status_code = status
    return APIError("no", response=response)


@pytest.mark.parametrize("trouble", [answer(500), NotReached("gone")])
def test_an_engine_in_trouble_is_asked_again(trouble: Exception) -> None:
    """
    It may come back.
    """
    answers: list[Exception | str] = [trouble, trouble, "there"]

    def call() -> str:
        one = answers.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    assert daemon.persistent(call, 30) == "there"


@pytest.mark.parametrize(("trouble", "patience"), [(answer(404), 30.0), (answer(503), 0.0), (NotReached("gone"), 0.0)])
def test_what_asking_again_cannot_mend_is_raised(trouble: Exception, patience: float) -> None:
    """
    A refusal at once, all else when the time is over.
    """
    calls = []

    def call() -> None:
        calls.append(1)
        raise trouble

    with pytest.raises(type(trouble)):
        daemon.persistent(call, patience)
    assert len(calls) == 1


def test_trouble_with_the_engine_is_that_of_the_environment() -> None:
    """
    Never of a model.
    """
    with (
        pytest.raises(EnvironmentFailed, match=r"tf-2\.0: the Docker engine failed: it burns"),
        daemon.speaking("tf-2.0"),
    ):
        raise DockerException("it burns")


@dataclass
class Engine:
    """The few calls of a client that are made: containers and images by id."""

    found: dict[str, str] = field(default_factory=dict)
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[tuple[str, ...]] = field(default_factory=list)
    hub: tuple[str, ...] = ()

    def containers(self, **_: object) -> list[dict[str, Any]]:
        """All with an owner."""
        return [{"Id": name, "Labels": {leftovers.OWNER: owner}} for name, owner in self.found.items()]

    def remove_container(self, name: str, **_: object) -> None:
        """Remove one."""
        del self.found[name]

    def inspect_image(self, name: str) -> Mapping[str, Any]:
        """One that is here."""
        full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        if full not in self.images:
            raise ImageNotFound("no")
        return self.images[full]

    def pull(self, name: str, tag: str, **_: object) -> Iterator[Mapping[str, str]]:
        """What a registry says."""
        self.told.append(("pull", name, tag))
        if f"{name}:{tag}" not in self.hub:
            yield {"error": "manifest unknown"}
            return
        self.images[f"{name}:{tag}"] = {"Id": "sha256:pulled", "Config": {"Labels": {}}, "RepoDigests": []}
        yield {"stream": "done"}

    def tag(self, name: str, repository: str, tag: str) -> None:
        """Name one."""
        fingerprint = tag.partition("-")[0]
        labels = {"io.keras-matrix.fingerprint": fingerprint}
        self.images[f"{repository}:{tag}"] = {"Id": f"sha256:{name}", "Config": {"Labels": labels}, "RepoDigests": []}


def test_a_container_of_a_dead_process_is_removed() -> None:
    """
    Of an earlier boot, of a number that is free, or that somebody else has now; never one of another machine.
    """
    ours = leftovers.owner()
    host, boot, pid, started = ours.split()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    engine = Engine(
        {
            "ours": ours,
            "rebooted": f"{host} another-boot {pid} {started}",
            "ended": f"{host} {boot} {ended.pid} {started}",
            "reused": f"{host} {boot} {pid} 1",
            "elsewhere": f"another-machine {boot} {ended.pid} 1",
        }
    )

    assert sorted(leftovers.swept(engine)) == ["ended", "rebooted", "reused"]  # type: ignore[arg-type]
    assert sorted(engine.found) == ["elsewhere", "ours"]


BASE = {"Id": "sha256:0123456789abcdef", "Config": {"Labels": None}, "RepoDigests": ["python@sha256:feed"]}


def images(engine: Engine, tmp_path: Path, **more: str) -> Images:
    """The images of a fake engine."""
    return Images(engine, {}, tmp_path, tmp_path, "python:{python}-slim", **more)  # type: ignore[arg-type]


def test_an_image_is_ready_when_its_label_is_the_fingerprint(tmp_path: Path) -> None:
    """
    Its tag has that and its base; another base is another image, and the record of a run tells both digests.
    """
    legacy = catalog.environment(next(one for one in catalog.locked(tmp_path) if one.id == "tf-2.19+legacy"))
    tag = f"keras-matrix/tf-2.19-legacy:{legacy.fingerprint}-0123456789ab"
    labels = {"io.keras-matrix.fingerprint": legacy.fingerprint}
    engine = Engine(images={"python:3.11-slim": BASE, tag: {"Id": "sha256:built", "Config": {"Labels": labels}}})

    ready = images(engine, tmp_path).ready(legacy)
    engine.images["python:3.11-slim"] = {**BASE, "Id": "sha256:moved"}

    assert ready is not None
    assert (ready.id, ready.origin) == ("sha256:built", "python:3.11-slim (sha256:feed)")
    assert images(engine, tmp_path).ready(legacy) is None


def test_a_registry_is_asked_before_an_image_is_built(tmp_path: Path) -> None:
    """
    What another machine brought there is taken under its own name.
    """
    wanted = environment("2.0.0")
    tag = f"keras-matrix/tf-2.0:{wanted.fingerprint}-0123456789ab"
    engine = Engine(images={f"python:{wanted.python}-slim": BASE}, hub=(f"registry.example.com/{tag}",))

    found = images(engine, tmp_path, registry="registry.example.com").ensure(wanted, lambda _: None)

    assert found.id == f"sha256:registry.example.com/{tag}"
    assert engine.told == [("pull", f"registry.example.com/{tag.partition(':')[0]}", tag.partition(":")[2])]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("tensorflow/tensorflow:2.7.0", ("tensorflow/tensorflow", "2.7.0")),
        ("registry.example.com:5000/serving", ("registry.example.com:5000/serving", "latest")),
    ],
)
def test_a_ready_image_is_pulled_once_by_its_name(name: str, asked: tuple[str, str], tmp_path: Path) -> None:
    """
    A port is no tag.
    """
    engine = Engine(hub=(":".join(asked),))
    serving = Environment(id="serving", python="", tensorflow="", image=name)

    for _ in range(2):
        assert images(engine, tmp_path).ensure(serving, lambda _: None).python == "python3"

    assert engine.told == [("pull", *asked)]


def request(path: Path, script: Path, *, task: Any = "load", resave: Path | None = None) -> Request:
    """A request about one file."""
    again = (Format.KERAS, str(resave)) if resave else None
    item = Item(id="cell", format=Format.H5, path=str(path), resave=again)
    return Request(
        task=task,
        scenario="plain",
        script=str(script),
        code="load",
        items=[item],
        inputs={},
        timeout=1.0,
        memory=1,
    )


def test_who_runs_inside_can_leave_nothing_that_we_cannot_remove() -> None:
    """
    Nobody where we are root, who we are where we are not, and root where an engine without root makes that ourselves.
    """
    assert user(rootless=False) == (os.getuid() or 65534)
    assert user(rootless=True) == 0


@pytest.fixture
def parcels(tmp_path: Path) -> Parcels:
    """The two folders of a container."""
    for name in ("inbox", "outbox"):
        (tmp_path / name).mkdir()
    return Parcels(tmp_path / "inbox", tmp_path / "outbox", user(rootless=False))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A scenario."""
    (tmp_path / "scenarios").mkdir()
    path = tmp_path / "scenarios" / "plain.py"
    path.write_text("# a scenario", encoding="utf-8")
    return path


def test_a_container_gets_what_a_request_needs_and_nothing_else(parcels: Parcels, script: Path, tmp_path: Path) -> None:
    """
    Copies that anybody can read, for as long as the request lasts; the file's name and the script's folder stay.
    """
    model = tmp_path / "store" / "model.h5"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    model.chmod(0o600)

    with parcels.packed(request(model, script)) as parcel:
        files = {path.relative_to(parcels.inbox).as_posix() for path in parcels.inbox.rglob("*") if path.is_file()}
        (item,) = parcel.request.items
        inner = parcels.inbox / Path(item.path).relative_to("/inbox")
        assert (inner.read_bytes(), stat.S_IMODE(inner.stat().st_mode)) == (b"weights", 0o644)

    assert files == {"1/0/model.h5", "1/code/scenarios/plain.py"}
    assert (item.path, parcel.request.script) == ("/inbox/1/0/model.h5", "/inbox/1/code/scenarios/plain.py")
    assert list(parcels.inbox.iterdir()) == []
    assert stat.S_IMODE(model.stat().st_mode) == 0o600


def test_an_answer_has_the_paths_of_this_machine(parcels: Parcels, script: Path, tmp_path: Path) -> None:
    """
    Wherever in it they stand, so that signatures and messages are those of a virtual environment.
    """
    model = tmp_path / "store" / "model.h5"
    model.parent.mkdir()
    model.write_bytes(b"")

    with parcels.packed(request(model, script)) as parcel:
        said = {"cell": "cell", "answer": {"raised": [{"message": f"no {parcel.request.items[0].path}!", "n": 1}]}}
        told = parcel.opened(said)

    assert told["answer"] == {"raised": [{"message": f"no {model}!", "n": 1}]}


@pytest.mark.parametrize("again", [False, True], ids=["saved", "saved-again"])
def test_what_a_container_saved_comes_to_its_place(
    parcels: Parcels, script: Path, tmp_path: Path, *, again: bool
) -> None:
    """
    A file or a folder, once the worker says that it is there.
    """
    source, target = tmp_path / "model.h5", tmp_path / "desk" / "saved_model"
    source.write_bytes(b"")
    target.parent.mkdir()
    asked = request(source, script, resave=target) if again else request(target, script, task="save")

    with parcels.packed(asked) as parcel:
        (item,) = parcel.request.items
        inside = item.resave[1] if item.resave else item.path
        assert parcels.outbox is not None
        place = parcels.outbox / Path(inside).relative_to("/outbox")
        (place / "variables").mkdir(parents=True)
        (place / "variables" / "data").write_bytes(b"weights")
        parcel.opened({"cell": "cell", "answer": {"loaded" if again else "saved": {}}})

    assert (target / "variables" / "data").read_bytes() == b"weights"
    assert list(parcels.outbox.iterdir()) == []


def test_a_hostile_outbox_is_no_result(parcels: Parcels, script: Path, tmp_path: Path) -> None:
    """
    The cell says why, and nothing of this machine is read through a link.
    """
    target = tmp_path / "desk" / "model.h5"
    target.parent.mkdir()

    with parcels.packed(request(target, script, task="save")) as parcel:
        assert parcels.outbox is not None
        (parcels.outbox / Path(parcel.request.items[0].path).relative_to("/outbox")).symlink_to("/etc/hostname")
        told = parcel.opened({"cell": "cell", "answer": {"saved": {}}, "ending": "exited"})

    assert (told["answer"], told["ending"]) == (None, "no result")
    assert "link" in told["noise"]
    assert not target.exists()


def test_a_container_without_an_outbox_saves_nothing(script: Path, tmp_path: Path) -> None:
    """
    Such a request is a mistake of ours.
    """
    (tmp_path / "inbox").mkdir()
    closed = Parcels(tmp_path / "inbox", None, user(rootless=False))

    with pytest.raises(ValueError, match="saves nothing"), closed.packed(request(tmp_path / "x", script, task="save")):
        pass


@pytest.mark.parametrize("kind", ["link", "folder-link", "pipe", "device", "many", "large"])
def test_only_files_and_folders_of_a_models_size_are_taken(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    At any depth.
    """
    deep = tmp_path / "model" / "a" / "b"
    deep.mkdir(parents=True)
    if kind == "link":
        (deep / "x").symlink_to("/etc/hostname")
    elif kind == "folder-link":
        (deep / "x").symlink_to("/etc")
    elif kind == "pipe":
        os.mkfifo(deep / "x")
    elif kind == "device":
        if os.getuid():
            pytest.skip("only root can make a device")
        os.mknod(deep / "x", stat.S_IFCHR | 0o644, os.makedev(1, 5))
    else:
        for name in range(20):
            (deep / str(name)).write_bytes(b"x" * 100)
        monkeypatch.setitem(vars(taking), "FILES", 10 if kind == "many" else 100)
        monkeypatch.setitem(vars(taking), "BYTES", 1000 if kind == "large" else 10_000)

    with pytest.raises((Hostile, OSError)):
        taken(tmp_path / "model", tmp_path / "copy")


def test_containers_are_chosen_in_the_configuration(tmp_path: Path) -> None:
    """
    Backend, base, registry and runtime; and an image of the user's own instead of Python and requirements.
    """
    table = {
        "backend": "docker",
        "docker": {"base": "mine:{python}", "registry": "registry.example.com", "runtime": "runsc"},
        "environments": {"serving": {"image": "tensorflow/tensorflow:2.7.0"}},
    }

    config = Config.from_table(table, source=tmp_path / "pyproject.toml")
    (serving,) = [one for one in environments.known(config).environments if one.id == "serving"]

    assert (config.backend, config.docker.base, config.docker.runtime) == ("docker", "mine:{python}", "runsc")
    assert serving.image == "tensorflow/tensorflow:2.7.0"
    assert environments.locked(config, environments.known(config), ["serving"], pytest.fail).broken == {}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"backend": "podman"}, "There is no backend 'podman'"),
        ({"docker": {"bases": "x"}}, "Did you mean 'base'"),
        ({"docker": 1}, "must be a table"),
        ({"environments": {"x": {"image": "y", "python": "3.11"}}}, "brings its own python"),
        ({"environments": {"x": {"image": 1}}}, "must be a string"),
    ],
)
def test_what_containers_are_not_is_refused(table: dict[str, object], said: str, tmp_path: Path) -> None:
    """
    With the place, and what was meant.
    """
    with pytest.raises(UsageError, match=said):
        Config.from_table(table, source=tmp_path / "pyproject.toml")


def test_an_image_needs_containers(tmp_path: Path) -> None:
    """
    A virtual environment cannot be made of it: `E`, with the option that helps.
    """
    serving = Environment(id="serving", python="", tensorflow="", image="tensorflow/tensorflow:2.7.0")
    local = LocalBackend(NoxEnvironments(tmp_path, tmp_path / ".nox"), tmp_path / "desk")

    with pytest.raises(EnvironmentFailed, match="needs containers") as failed:
        local.prepare(serving, lambda _: None)
    assert failed.value.remedy == "--backend docker"
