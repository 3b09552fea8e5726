"""Files that try to do harm, opened in containers on a real engine: this machine stays as it was, and is told."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import canaries
import numpy as np
import pytest
from real import ROOT
from test_docker import backend, client, containers, environment

from matrix.artifact import tree_digest
from matrix.backends import WorkerDied
from matrix.backends.docker.containers import Walls
from matrix.folders import Folder
from matrix.judge import OWN_WAY, attempt
from matrix.model import Format, Tolerance
from matrix.protocol import Facts, Item, Request, Saved
from matrix.recipe import GUEST
from matrix.records import understood
from matrix.results import Attempt

__all__ = ["client"]  # a fixture

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

HOME = "tf-2.15"
CELL = "tf-2.15/tf-2.15/canary/bare/h5"
SECRET = "known-to-this-machine"  # noqa: S105 - it opens nothing


def packed(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """An array as a worker sends it."""
    data = base64.b64encode(array.tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}


INPUTS = packed(np.ones((1, 2), "<f4"))
TRUTH = Saved(INPUTS, INPUTS, {})


@dataclass
class Aviary:
    """The canaries, and all that they would like to reach."""

    client: Any
    folder: Path
    files: dict[str, Path]
    secret: Path
    mark: Path
    calls: list[Any]
    came_back: list[str] = field(default_factory=list)

    def heard(self, name: str, walls: Walls, *, timeout: float = 20.0, memory: int = 8 << 30) -> Facts:
        """What a worker of its own says of one canary. WorkerDied when that is nothing."""
        kind = Format.EXPORT if self.files[name].is_dir() else Format.H5
        item = Item(id=CELL, format=kind, path=str(self.files[name]), inputs="x")
        request = Request(
            task="load",
            scenario="canary",
            script=str(self.folder / "canary.py"),
            code="none",
            items=[item],
            inputs={"x": INPUTS},
            timeout=timeout,
            memory=memory,
        )
        walled = backend(self.client, self.folder / "desk", walls)
        try:
            with walled.worker(environment(HOME), foreign=True) as worker:
                (facts,) = worker.ask(request)
        except WorkerDied as error:
            self.came_back.append(str(error))
            raise
        self.came_back.append(json.dumps(facts))
        return facts

    def judged(self, name: str, walls: Walls = Walls(memory=6 << 30), **more: Any) -> Attempt:  # noqa: B008 - frozen
        """What the engine makes of it."""
        _, said = understood(self.heard(name, walls, **more))
        return attempt(said, TRUTH, Tolerance(), rung=OWN_WAY)

    def told(self, name: str) -> dict[str, str]:
        """What a canary says that it could do."""
        found = self.judged(name)
        assert str(found.status) == "F", found
        said: dict[str, str] = json.loads(found.message.partition("CANARY ")[2].partition("\n")[0])
        return said


@pytest.fixture(scope="module")
def aviary(client: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aviary]:
    """All canaries, a secret, a listener, and a place that should stay empty."""
    folder = tmp_path_factory.mktemp("aviary")
    secret, mark = folder / "secret", folder / "mark"
    secret.write_text(SECRET, encoding="utf-8")
    listener = socket.create_server(("0.0.0.0", 0))  # noqa: S104 - so that a container could reach it
    port, calls = listener.getsockname()[1], list[Any]()

    def listen() -> None:
        while True:
            try:
                calls.append(listener.accept()[1])
            except OSError:  # it is over
                return

    threading.Thread(target=listen, daemon=True).start()
    names: dict[str, object] = {
        "PLACES": [str(mark), "/pwned", "/inbox/x", "/matrix/inside/x.py", "/opt/matrix/x", "/etc/x", "/outbox/x"],
        "SECRETS": [str(secret), "/etc/shadow", str(Path.home() / ".ssh"), "/var/run/docker.sock"],
        "HOSTS": [(host, port) for host in ("127.0.0.1", "172.17.0.1", "169.254.169.254", _own_address())],
        "FORGED": _claim(packed(np.zeros((1, 2), "<f4"))),
    }
    python = Folder(Path(os.environ.get("NOX_ENVDIR", ROOT / ".nox")), HOME).python
    backend(client, folder / "desk").prepare(environment(HOME), print)
    files = canaries.made(python, folder, names, secret, mark)
    yield Aviary(client, folder, files, secret, mark, calls)
    listener.close()


def _claim(outputs: Facts) -> Facts:
    """What a worker would say of a cell that loaded, and predicted this."""
    told = {"request": "1", "cell": CELL, "rung": "as it is", "stage": "compare", "seconds": 0.1}
    answer = {"loaded": {"outputs": outputs, "state": {}}}
    return {**told, "ending": "exited", "noise": "", "first": "", "answer": answer}


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # of nobody: nothing is sent
        return str(probe.getsockname()[0])


@pytest.fixture(autouse=True)
def unharmed(aviary: Aviary, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is after each canary what it was before."""
    monkeypatch.setenv("MATRIX_SECRET", SECRET)
    before = {name: tree_digest(path) for name, path in aviary.files.items()}
    guest = {path.name: path.read_bytes() for path in GUEST.glob("*.py")}

    yield

    assert {name: tree_digest(path) for name, path in aviary.files.items()} == before
    assert {path.name: path.read_bytes() for path in GUEST.glob("*.py")} == guest
    assert not aviary.mark.exists()
    assert not Path("/pwned").exists()
    assert not any((aviary.folder / "desk").iterdir())
    assert aviary.calls == []
    assert not any(SECRET in text for text in aviary.came_back)
    assert containers(aviary.client) == []


def test_code_in_a_file_runs_and_can_write_nowhere(aviary: Aviary) -> None:
    """
    Not to this machine, the container, its guest, its inbox; and there is no outbox for a foreign file.
    """
    said = aviary.told("writes")

    assert len(said) == 7
    assert all(answer.startswith("refused") for answer in said.values()), said


def test_code_in_a_file_reads_nothing_of_this_machine(aviary: Aviary) -> None:
    """
    Neither a file beside the model, nor keys, nor the engine's socket; the passwords are those of the container.
    """
    said = aviary.told("reads")

    assert all(answer.startswith("refused") for answer in said.values()), said


def test_code_in_a_file_reaches_no_network(aviary: Aviary) -> None:
    """
    Not this machine, nor its neighbours, nor names.
    """
    said = aviary.told("network")

    assert len(said) >= 4
    assert all(answer.startswith("refused") for answer in said.values()), said


def test_code_in_a_file_sees_no_variable_of_this_machine(aviary: Aviary) -> None:
    """
    Those of the worker are an allow-list.
    """
    said = aviary.told("variables")

    assert "TF_CPP_MIN_LOG_LEVEL" in said["own"]
    assert "MATRIX" not in "".join(said.values())


def test_code_in_a_file_is_nobody(aviary: Aviary) -> None:
    """
    Not root, without a capability, and cannot become more.
    """
    said = aviary.told("privileges")

    assert said["uid"] != "0"
    assert said["root"].startswith("refused")
    assert "CapEff:\\t0000000000000000" in said["status"]
    assert "NoNewPrivs:\\t1" in said["status"]


@pytest.mark.parametrize(
    ("name", "exception"),
    [
        pytest.param("op_reads", "NotFoundError", id="reads"),
        pytest.param("op_writes", "PermissionDeniedError", id="writes"),
    ],
)
def test_operations_of_a_saved_model_find_no_file_of_this_machine(aviary: Aviary, name: str, exception: str) -> None:
    """
    What it reads is not there, and where it writes is nowhere.
    """
    found = aviary.judged(name)

    assert str(found.status) == "F"
    assert found.exception == exception


def test_a_disk_bomb_fills_its_own_memory(aviary: Aviary) -> None:
    """
    Up to the size of its scratch space.
    """
    said = aviary.told("disk")

    assert said["filled"].startswith("refused")
    assert int(said["bytes"]) <= 1 << 30


def test_a_fork_bomb_ends_at_its_limit(aviary: Aviary) -> None:
    """
    It is refused more, and what it started goes with its container.
    """
    said = aviary.told("processes")

    assert said["forked"].startswith("refused")


def test_a_memory_bomb_ends_at_the_wall_of_its_container(aviary: Aviary) -> None:
    """
    The kernel kills it, and the cell says so: a crash, never a failure of TensorFlow's.
    """
    found = aviary.judged("memory", Walls(memory=2 << 30))

    assert str(found.status) == "C"
    assert "SIGKILL" in found.message


def test_an_endless_model_is_stopped(aviary: Aviary) -> None:
    """
    After its time, and the cell says so.
    """
    assert str(aviary.judged("endless", timeout=4.0).status) == "T"


def test_what_kills_everything_ends_its_own_container(aviary: Aviary) -> None:
    """
    The worker is gone with it, which is told.
    """
    with pytest.raises(WorkerDied, match="its container ended") as died:
        aviary.judged("kills")

    assert died.value.at == (CELL,)


def test_a_forged_result_is_no_pass(aviary: Aviary) -> None:
    """
    Whoever writes into the worker's own channel can claim numbers, and these are compared here.
    """
    letter = "none"
    with suppress(WorkerDied):
        letter = str(aviary.judged("forges").status)

    assert letter in {"D", "F", "C", "none"}
