"""Containers on a real engine: the same answers as virtual environments, and nothing left behind."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from real import ROOT, matrix, project_in
from test_report_browser import lacking

from matrix import analysis, catalog, report
from matrix.backends.docker import DockerBackend, daemon
from matrix.backends.docker.containers import Walls
from matrix.backends.docker.leftovers import OWNER
from matrix.config import Config
from matrix.doctor import examined
from matrix.errors import EnvironmentFailed, Incomplete
from matrix.model import Environment
from matrix.project import Project

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

CHOSEN = ("tf-2.4", "tf-2.12", "tf-2.15", "tf-2.21")
FOUR = "plain,custom_activation,custom_layer,subclassed_build"
FORMATS = ("h5",)
CELL = ["saved_with", "loaded_with", "scenario", "variant", "format"]
SAID = ["status", "stage", "exception", "signature", "cause", "remedy", "max_abs_error"]
PLENTY = Walls(memory=6 << 30)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """The engine of this machine, for one module at a time: what is left on it is counted."""
    try:
        engine = daemon.connected(os.environ)
    except Incomplete as error:
        lacking(str(error))
    with (Path(tempfile.gettempdir()) / "matrix-tests-of-docker.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield engine


@pytest.fixture(scope="module")
def tables(client: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The cells of the same plan, measured by both backends."""
    assert client.ping()
    found = {}
    for backend in ("nox", "docker"):
        project = project_in(tmp_path_factory.mktemp(backend))
        chosen = ("--environments", ",".join(CHOSEN), "--scenarios", FOUR, "--formats", ",".join(FORMATS))
        assert matrix(project, "run", *chosen, "--backend", backend) == 0
        found[backend] = analysis.load(project / "reports" / "latest")
        found[backend].attrs["folder"] = project / "reports" / "latest"
    return found


def containers(client: Any) -> list[dict[str, Any]]:
    """All containers of ours, running or not."""
    found: list[dict[str, Any]] = client.containers(all=True, filters={"label": OWNER})
    return found


def environment(name: str) -> Environment:
    """One of the catalogue."""
    return next(item for item in catalog.environments(ROOT) if item.id == name)


def backend(client: Any, desk: Path, walls: Walls = PLENTY, **more: Any) -> DockerBackend:
    """A backend with the wheels of this repository."""
    entries = {entry.id: entry for entry in catalog.locked(ROOT)}
    shelf = Path(os.environ.get("NOX_ENVDIR", ROOT / ".nox"))
    return DockerBackend(client, entries, desk=desk, shelf=shelf, walls=walls, **more)


def test_both_backends_give_the_same_answer_for_every_cell(tables: dict[str, pd.DataFrame]) -> None:
    """
    Letter, stage, failure, cause, remedy and the largest error, to the last bit.
    """
    ours, theirs = (tables[name][[*CELL, *SAID]].astype(str).set_index(CELL).sort_index() for name in ("nox", "docker"))

    assert len(ours) == len(CHOSEN) ** 2 * (1 + 3 * 3) * len(FORMATS)
    pd.testing.assert_frame_equal(ours, theirs)


def test_a_run_records_the_images_and_what_was_in_them(tables: dict[str, pd.DataFrame]) -> None:
    """
    The base with its digest, and the versions that were found.
    """
    run = report.read(tables["docker"].attrs["folder"].resolve())

    for one in run.environments:
        assert one.image.startswith(f"python:{one.environment.python}-slim (sha256:")
        assert one.tensorflow == one.environment.tensorflow
    assert dict(run.machine)["backend"] == "docker"


@pytest.mark.usefixtures("tables")
def test_a_run_leaves_no_container(client: Any) -> None:
    """
    None that runs, and none that has ended.
    """
    assert containers(client) == []


@pytest.mark.usefixtures("tables")
def test_a_second_run_builds_no_image_and_starts_as_fast(client: Any, tmp_path: Path) -> None:
    """
    A worker in a container is ready at most three seconds after one in a virtual environment.
    """
    images = {image["Id"] for image in client.images()}
    project = Project(Config(project=tmp_path))
    took = {}
    for name, one in (("docker", backend(client, tmp_path / "desk")), ("nox", project.backend("nox"))):
        if name == "nox":
            project.built.envdir = Path(os.environ.get("NOX_ENVDIR", ROOT / ".nox"))
        one.prepare(environment("tf-2.15"), print)
        started = time.monotonic()
        with one.worker(environment("tf-2.15")) as worker:
            assert worker.hello.tensorflow.startswith("2.15.")
            took[name] = time.monotonic() - started

    assert {image["Id"] for image in client.images()} == images
    assert took["docker"] < took["nox"] + 3, took


@pytest.mark.usefixtures("tables")
def test_a_container_whose_runner_was_killed_ends_and_is_removed_by_the_next(client: Any, tmp_path: Path) -> None:
    """
    Nobody could tell it to: its input closes, and the next worker clears what bears the label of a dead process.
    """
    project = project_in(tmp_path)
    command = [sys.executable, "-m", "matrix", "run", "--backend", "docker", "--environments", "tf-2.15"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    runner = subprocess.Popen(command, cwd=project, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not any(one["State"] == "running" for one in containers(client)) and time.monotonic() < until:
        time.sleep(0.1)

    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()

    while any(one["State"] == "running" for one in containers(client)) and time.monotonic() < until:
        time.sleep(0.2)
    assert [one["State"] for one in containers(client)] == ["exited"]
    with backend(client, tmp_path / "desk").worker(environment("tf-2.15")):
        assert [one["State"] for one in containers(client)] == ["running"]
    assert containers(client) == []


class Proxy:
    """Stands between a client and the engine, and can stop to: `mode` is `through`, `drop` or `hang`."""

    def __init__(self, place: Path) -> None:
        self.place, self.mode, self.pairs = place, "through", list[socket.socket]()
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(place))
        self.server.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """End every connection there is."""
        for one in self.pairs:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:  # it is over
                return
            if self.mode == "drop":
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(daemon.address({}).removeprefix("unix://"))
            self.pairs += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                while self.mode == "hang":
                    time.sleep(0.05)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def between(folder: Path) -> Iterator[Proxy]:
    """A proxy, and the engine behind it."""
    folder.mkdir(exist_ok=True)
    proxy = Proxy(folder / "s")
    yield proxy
    for one in (proxy.server, *proxy.pairs):
        one.close()


@pytest.mark.usefixtures("tables")
def test_cells_are_measured_after_the_engine_was_away(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Every connection breaks in the midst of a run, and none is taken for some seconds: no letter changes.
    """
    project = project_in(tmp_path_factory.mktemp("away"))
    with between(tmp_path_factory.mktemp("p")) as proxy:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{proxy.place}")

        def trouble() -> None:
            while len(proxy.pairs) < 12:  # until something is being measured
                time.sleep(0.2)
            time.sleep(6)
            proxy.mode = "drop"
            proxy.cut()
            time.sleep(4)
            proxy.mode = "through"

        threading.Thread(target=trouble, daemon=True).start()
        chosen = ("--environments", "tf-2.15", "--scenarios", "plain,custom_layer", "--backend", "docker")
        code = matrix(project, "run", *chosen)

    letters = set(analysis.load(project / "reports" / "latest")["status"].astype(str))
    assert code == 0
    assert letters <= set("PRUS")


def test_an_engine_that_hangs_is_given_up(client: Any, tmp_path: Path) -> None:
    """
    Each call has an end, and what it was for is a failure of the environment that says so.
    """
    assert client.ping()
    with between(tmp_path / "p") as proxy:
        slow = daemon.connected({"DOCKER_HOST": f"unix://{proxy.place}"}, seconds=2)
        proxy.mode = "hang"
        started = time.monotonic()

        with pytest.raises(EnvironmentFailed, match="Docker engine failed"):
            backend(slow, tmp_path / "desk").ready(environment("tf-2.15"))

    assert time.monotonic() - started < 20


def test_doctor_knows_the_engine(client: Any, tmp_path: Path) -> None:
    """
    Its version, and what it has for those who need more.
    """
    (found,) = [one.what for one in examined([], tmp_path, os.environ, tmp_path) if one.what.startswith("containers")]

    assert client.version()["Version"] in found
    assert "gVisor" in found


def test_a_base_image_that_is_nowhere_is_the_failure_of_its_environment(client: Any, tmp_path: Path) -> None:
    """
    It says which, and how to name another.
    """
    odd = backend(client, tmp_path, base="matrix-there-is-no-such-image:{python}")

    with pytest.raises(EnvironmentFailed, match=r"matrix-there-is-no-such-image:3\.11 is not here") as failed:
        odd.prepare(environment("tf-2.15"), print)
    assert "[tool.matrix.docker] base" in failed.value.remedy


@pytest.mark.usefixtures("tables")
def test_an_image_that_went_away_is_the_failure_of_its_environment(client: Any, tmp_path: Path) -> None:
    """
    Between build and start: nothing is pulled, and no cell is called incompatible.
    """
    odd = backend(client, tmp_path)
    gone = Environment(id="serving", python="", tensorflow="", image="matrix-there-is-no-such-image:1")

    with pytest.raises(EnvironmentFailed, match="has no image any more"), odd.worker(gone):
        pass


@pytest.mark.usefixtures("tables")
def test_too_little_memory_is_told_as_such(client: Any, tmp_path: Path) -> None:
    """
    A container that the kernel ends for its memory says so.
    """
    small = backend(client, tmp_path, Walls(memory=64 << 20))

    with pytest.raises(Exception, match="more memory than it may"), small.worker(environment("tf-2.15")):
        pass


@pytest.mark.usefixtures("tables")
def test_a_ready_image_is_taken_as_it_is(client: Any, tmp_path: Path) -> None:
    """
    What it holds is asked for, and what is said of it names the image.
    """
    ours = backend(client, tmp_path)
    built = ours.images.ready(environment("tf-2.15"))
    assert built is not None
    dockerfile = f"FROM {built.id}\nENV PATH=/opt/matrix/bin:$PATH\n"
    (tmp_path / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    list(client.build(path=str(tmp_path), tag="matrix-test-serving:1", rm=True, decode=True))
    serving = Environment(id="serving", python="", tensorflow="", image="matrix-test-serving:1")

    ours.prepare(serving, print)
    with ours.worker(serving) as worker:
        found = worker.hello

    assert found.tensorflow == environment("tf-2.15").tensorflow
    assert found.image.startswith("matrix-test-serving:1 (sha256:")
    client.remove_image("matrix-test-serving:1")
