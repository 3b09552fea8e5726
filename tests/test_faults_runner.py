"""The run itself is killed, or finds its workers dead: nothing that was measured is lost, and nothing is wrong."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from checker import Checker, folders, survivors, told
from fakes import fake_project
from hardships import jumping_clock, needs_strace, traced, until_traced
from ordeals import Ordeal, calm
from programs import command, ready, until
from small import Small

from matrix import report
from matrix.backends.process import WorkerProcess
from matrix.failpoints import VARIABLE
from matrix.lives import LIVES
from matrix.model import Format, Status
from matrix.protocol import Request
from matrix.runs import written

TWO = ("2.0.0", "3.0.0")
RUN = ("run", "--environments", "tf-2.0,tf-3.0", "--scenarios", "plain_fake", "--formats", "h5", "--jobs", "2")
PACKAGE = Path(written.__code__.co_filename).parent


@pytest.mark.parametrize(
    ("place", "versions"),
    [
        pytest.param("store.before_fsync", ("2.0.0",), id="a-record-is-written"),
        pytest.param("store.before_rename", TWO, id="a-record-is-synchronised"),
        pytest.param("store.after_rename", ("2.0.0",), id="a-record-is-there"),
        pytest.param("store.before_move", ("2.0.0",), id="an-artifact-is-written"),
        pytest.param("store.after_move", ("2.0.0",), id="an-artifact-has-no-record-yet"),
        pytest.param("ledger.before_commit", ("2.0.0",), id="the-index-is-behind"),
        pytest.param("worker.dispatch", ("2.0.0",), id="a-request-goes-out"),
        pytest.param("worker.answer", ("2.0.0",), id="an-answer-comes-in"),
    ],
)
def test_fault_01_a_run_that_is_killed_anywhere_goes_on(
    fake_environment: Path, tmp_path: Path, place: str, versions: tuple[str, ...]
) -> None:
    """
    Killed at its first, second, third ... visit of a place, the same command goes on each time from what was
    acknowledged, until it ends by itself as a calm run does.
    """
    ordeal = Ordeal(Small(tmp_path, fake_environment, versions, formats=(Format.H5,)))
    visit = 1

    while (code := ordeal.disturbed(f"{place}=kill:{visit}")) == -signal.SIGKILL:
        visit += 1

    assert (code, visit > 1) == (0, True)
    ordeal.settled()


def test_fault_01_a_killed_command_goes_on(fake_environment: Path, tmp_path: Path) -> None:
    """
    `python -m matrix run` is killed in the middle of a cell; the same command writes the report of a calm run, and
    neither of them leaves a process, a folder or a lock.
    """
    fake_project(tmp_path, fake_environment, {"tf-2.0": "2.0.0", "tf-3.0": "3.0.0"})
    (tmp_path / "tmp").mkdir()
    ready()
    checker = Checker(tmp_path / ".matrix", tmp_path, calm(fake_environment, TWO, formats=(Format.H5,)))
    environ = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), VARIABLE: "worker.answer=kill:3"}
    killed = subprocess.run([sys.executable, "-m", "matrix", *RUN], cwd=tmp_path, env=environ, check=False)
    assert killed.returncode == -signal.SIGKILL

    assert command(tmp_path, *RUN).ended() == 0

    made = report.read(tmp_path / "reports" / "latest")
    checker.settled(made.results, [one.cell for one in made.results])
    assert made.complete
    assert told(made.results) == checker.calm


@pytest.mark.parametrize("call", ["rename", "fsync", "write"])
def test_fault_02_a_run_that_is_killed_in_any_system_call_goes_on(
    fake_environment: Path, tmp_path: Path, call: str
) -> None:
    """
    Killed by the kernel at a rename, a synchronisation, a write of a record or of the index, later each time, the
    same command goes on until it ends by itself as a calm run does.
    """
    needs_strace()
    ordeal = Ordeal(Small(tmp_path, fake_environment, formats=(Format.H5,)))
    times, more = 1, 1

    while (code := traced(ordeal.started(before=until_traced), call, f"signal=KILL:when={times}")) != 0:
        assert code == -signal.SIGKILL
        ordeal.survived()
        times, more = times + more, times

    ordeal.settled()
    assert times > 1


def killed_within(worker: WorkerProcess) -> None:
    """Kill a worker as soon as it has a child."""

    def wait() -> None:
        children = Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children")
        while worker.process.poll() is None and not children.read_text("utf-8"):
            time.sleep(0.0005)
        worker.process.kill()

    threading.Thread(target=wait).start()


def test_fault_05_a_worker_that_is_killed_while_it_imports_is_started_again(
    fake_environment: Path, tmp_path: Path
) -> None:
    """
    As the kernel does when memory is short: no environment is given up for that.
    """
    flag, python = tmp_path / "kill", tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ -e {flag} ] && rm {flag} && kill -9 $$\nexec {fake_environment} "$@"\n', "utf-8")
    python.chmod(0o755)
    ordeal = Ordeal(Small(tmp_path, fake_environment))
    backend = ordeal.small.backend()
    backend.python = python
    flag.touch()

    outcome = ordeal.here(backend)

    assert not flag.exists()
    assert told(outcome.results) == ordeal.calm
    ordeal.ends()


@pytest.mark.parametrize(("which", "when"), [(1, "between"), (1, "within"), (2, "between"), (2, "within")])
def test_fault_05_a_worker_that_is_killed_costs_no_cell(
    fake_environment: Path, tmp_path: Path, which: int, when: str
) -> None:
    """
    Killed from outside before a request, or while its child is at work, be it at saves or at loads: what it was at is
    done again by another worker, and every letter is that of a calm run.
    """
    ordeal = Ordeal(Small(tmp_path, fake_environment))
    requests: list[Request] = []

    def fate(_name: str, worker: WorkerProcess, request: Request) -> None:
        requests.append(request)
        if len(requests) == which:
            worker.process.kill() if when == "between" else killed_within(worker)

    outcome = ordeal.here(ordeal.perilous(fate))

    assert ordeal.checker.calm == told(outcome.results)
    ordeal.survived()
    ordeal.ends()


def test_fault_05_a_cell_that_kills_its_worker_twice_is_given_up(fake_environment: Path, tmp_path: Path) -> None:
    """
    It is `E`, never an incompatibility, and says so; every other cell is as in a calm run.
    """
    script = tmp_path / "murders.py"
    plain = Path(__file__).parent / "scenarios" / "plain_fake.py"
    kills = "import os\n\n\ndef build():\n    if '(loaded)' in __name__:\n        os.kill(os.getppid(), 9)\n"
    script.write_text(plain.read_text("utf-8").replace("def build():\n", kills), "utf-8")
    formats = (Format.H5, Format.KERAS, Format.WEIGHTS_H5)
    good = calm(fake_environment, formats=formats)
    known = {name.replace("plain_fake", "murders"): one for name, one in good.items()} | dict(good)
    ordeal = Ordeal(
        Small(tmp_path, fake_environment, scenarios=(str(script), "plain_fake"), formats=formats),
        touched=frozenset({"tf-2.0/tf-2.0/murders/bare/weights_h5"}),
        known=known,
    )

    assert ordeal.disturbed() == 0

    (victim,) = [one for one in ordeal.small.results if one.cell.id in ordeal.checker.touched]
    assert (victim.status, "died twice" in victim.reason) == (Status.ENVIRONMENT, True)
    ordeal.settled()


def test_fault_05_an_environment_whose_workers_keep_dying_is_given_up(fake_environment: Path, tmp_path: Path) -> None:
    """
    After some deaths its cells are `E`, in its row and its column; the others are as in a calm run, and the next
    run measures what is missing.
    """
    ordeal = Ordeal(Small(tmp_path, fake_environment, TWO))
    deaths: list[str] = []

    def fate(name: str, worker: WorkerProcess, _request: Request) -> None:
        if name == "tf-3.0":
            worker.process.kill()
            deaths.append(name)

    outcome = ordeal.here(ordeal.perilous(fate))

    assert len(deaths) == LIVES
    assert {one.status for one in outcome.results if "tf-3.0" in one.cell.id} == {Status.ENVIRONMENT}
    assert all(
        told([one]).items() <= ordeal.checker.calm.items() for one in outcome.results if "tf-3.0" not in one.cell.id
    )
    ordeal.survived()
    ordeal.ends()


def test_fault_33_a_second_run_is_refused_until_the_first_is_dead(fake_environment: Path, tmp_path: Path) -> None:
    """
    It exits with 4 and names process, host and time of the first; a `kill -9` of that one gives the lock back.
    """
    fake_project(tmp_path, fake_environment, {"tf-2.0": "2.0.0", "tf-3.0": "3.0.0"})
    first = command(tmp_path, *RUN, failpoint="worker.answer=sleep:1")
    until((tmp_path / ".matrix" / "running.json").exists)
    second = command(tmp_path, *RUN)

    assert second.ended() == 4
    host = os.uname().nodename
    assert f"belongs to another run: process {first.pid} on {host}, since 20" in second.said
    assert "Traceback" not in second.said

    first.signal(signal.SIGKILL)
    assert first.ended() == -signal.SIGKILL
    assert survivors(tmp_path) == []
    third = command(tmp_path, *RUN)
    assert third.ended() == 0, third.said
    assert told(report.read(tmp_path / "reports" / "latest").results) == calm(
        fake_environment, TWO, formats=(Format.H5,)
    )
    assert folders(tmp_path) == []


def wall_clocks(text: str) -> list[str]:
    """The calls in some code that ask for the time of day."""
    asked = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "time.localtime"}
    return [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in asked
    ]


def test_fault_35_no_decision_asks_for_the_time_of_day() -> None:
    """
    A clock that jumps changes only what is shown: whatever waits, limits or measures asks the monotonic clock.
    """
    users = {
        path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if wall_clocks(path.read_text("utf-8"))
    }

    assert wall_clocks("import time\nx = time.time()") == ["time.time"]
    assert users <= SHOWN.keys()


def test_fault_35_a_clock_that_jumps_changes_no_letter(fake_environment: Path, tmp_path: Path) -> None:
    """
    The time of day is a day too early or too late at each look: nothing times out, and nothing took less than no time.
    """
    fake_project(tmp_path, fake_environment, {"tf-2.0": "2.0.0"})
    one = ("run", "--environments", "tf-2.0", "--scenarios", "plain_fake", "--formats", "h5,keras")
    environ = {**os.environ, "LD_PRELOAD": str(jumping_clock(tmp_path))}

    done = subprocess.run([sys.executable, "-m", "matrix", *one], cwd=tmp_path, env=environ, check=False)

    made = report.read(tmp_path / "reports" / "latest")
    assert done.returncode == 0
    assert told(made.results) == calm(fake_environment)
    assert 0 <= made.seconds < 60
    assert abs(datetime.fromisoformat(made.started) - datetime.now(UTC)) > timedelta(hours=20)


SHOWN = {
    "store.py": "who owns a store, and since when",
    "runs.py": "the name of a run, and when it was",
    "commands/running.py": "the day on which an entry of known.toml expires",
    "noxfile.py": "when an environment was built",
    "folders.py": "when an environment was used",
    "update.py": "the newest uploads",
    "environments.py": "the newest uploads",
}
