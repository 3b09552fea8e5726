"""The command line is interrupted, watched, or out of means: it says so, keeps what it has, and leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from checker import Checker, descriptors, processes, survivors
from fakes import fake_project
from hardships import few_files, mounted, needs_mounts
from ordeals import calm
from programs import command, ready, until
from small import Small

from matrix import report
from matrix.failpoints import VARIABLE
from matrix.model import Format, Status

FORMATS = (Format.H5, Format.KERAS, Format.WEIGHTS_H5)
TWO = ("2.0.0", "3.0.0")
RUN = ("run", "--environments", "tf-2.0", "--scenarios", "plain_fake", "--formats", ",".join(FORMATS))


@pytest.fixture
def project(fake_environment: Path, tmp_path: Path) -> Path:
    """A project whose environment is the fake TensorFlow: three artifacts, and a cell for each."""
    fake_project(tmp_path, fake_environment, {"tf-2.0": "2.0.0"})
    ready()
    return tmp_path


@pytest.fixture(scope="module")
def measured(fake_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a project where everything is measured."""
    folder = tmp_path_factory.mktemp("measured")
    fake_project(folder, fake_environment, {"tf-2.0": "2.0.0"})
    first = command(folder, *RUN)
    assert first.ended() == 0, first.said
    return folder


@pytest.fixture
def checker(fake_environment: Path, project: Path) -> Checker:
    """What must hold in that project."""
    return Checker(project / ".matrix", project, calm(fake_environment, formats=FORMATS))


def settled(checker: Checker, project: Path) -> None:
    """Check that the same command goes on to what a calm one says."""
    last = command(project, *RUN)
    assert last.ended() == 0, last.said
    made = report.read(project / "reports" / "latest")
    assert made.complete
    checker.settled(made.results, [one.cell for one in made.results])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("SIGINT", 130, id="ctrl-c"),
        pytest.param("SIGTERM", 143, id="a-scheduler"),
        pytest.param("SIGHUP", 129, id="a-closed-terminal"),
    ],
)
def test_fault_38_a_first_signal_ends_a_run_in_order(checker: Checker, project: Path, name: str, code: int) -> None:
    """
    It writes the report of what there is, leaves nothing behind, exits as shells expect, and the same command goes on.
    """
    stopped = command(project, *RUN, failpoint=f"worker.answer={name}:4", before=as_in_a_terminal)

    assert stopped.ended() == code, stopped.said
    partial = report.read(project / "reports" / "latest")
    assert not partial.complete
    assert {one.status for one in partial.results} >= {Status.NOT_RUN}
    assert "Interrupted: this is what was measured so far" in stopped.said
    checker.blamed(partial.results)
    checker.survived()
    if name == "SIGINT":
        settled(checker, project)


@pytest.mark.parametrize("place", ["report.before_write", "store.before_rename"])
def test_fault_38_a_signal_outside_of_cells_keeps_its_exit_code(checker: Checker, project: Path, place: str) -> None:
    """
    A SIGTERM that arrives before the first cell, or while the report is written, is 143 as well.
    """
    stopped = command(project, *RUN, failpoint=f"{place}=SIGTERM:1")

    assert stopped.ended() == 143, stopped.said
    assert "Traceback" not in stopped.said
    checker.survived()


def test_fault_38_a_second_signal_ends_a_run_at_once(checker: Checker, project: Path) -> None:
    """
    While the first Ctrl-C waits for a disk that hangs, the second one kills; no process stays, and the same command
    goes on.
    """
    hanging = command(project, *RUN, failpoint="store.before_rename=sleep:4")
    store = project / ".matrix"
    until(lambda: len(list(store.glob("*/*/*.json"))) >= 2 and any(path.is_file() for path in store.glob("desk/*")))
    time.sleep(0.2)
    hanging.signal(signal.SIGINT)
    until(lambda: not processes(project))
    hanging.signal(signal.SIGINT)

    assert hanging.ended(5) == -signal.SIGINT
    checker.survived()
    settled(checker, project)


@pytest.mark.parametrize(
    ("failpoint", "code"), [("worker.answer=SIGINT:4", 130), ("worker.answer=sleep:4", -signal.SIGINT)]
)
def test_fault_38_the_terminal_gets_its_cursor_back(checker: Checker, project: Path, failpoint: str, code: int) -> None:
    """
    After one Ctrl-C, and after a second one that ends the run at once: what hid the cursor is undone.
    """
    (project / "tmp").mkdir()
    master, terminal = os.openpty()
    environ = {**os.environ, VARIABLE: failpoint, "TERM": "xterm", "TMPDIR": str(project / "tmp")}
    command_line = [sys.executable, "-m", "matrix", *RUN]
    run = subprocess.Popen(command_line, cwd=project, env=environ, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    if code < 0:
        until(lambda: len(list(project.glob(".matrix/results/*/*"))) >= 3)
        time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        until(lambda: len(processes(project)) == 1)  # the run itself
        run.send_signal(signal.SIGINT)

    assert run.wait(30) == code
    said = _all_of(master)
    assert said.rfind(b"\x1b[?25h") > said.rfind(b"\x1b[?25l") >= 0
    checker.survived()


def _all_of(master: int) -> bytes:
    """Return what was written to a terminal that nobody has open any more."""
    said = b""
    with open(master, "rb", buffering=0) as stream:
        while True:
            try:
                said += stream.read(1 << 16)
            except OSError:
                return said


def test_fault_38_signals_that_a_run_was_told_to_ignore_stay_ignored(checker: Checker, project: Path) -> None:
    """
    Under `nohup` a closed terminal does not end it.
    """
    deaf = command(project, *RUN, failpoint="worker.answer=SIGHUP:1", before=as_under_nohup)

    assert deaf.ended() == 0, deaf.said
    checker.survived()


def as_in_a_terminal() -> None:
    """Hear SIGHUP, whatever runs the tests."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def as_under_nohup() -> None:
    """Ignore SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.mark.parametrize(
    "redirection",
    [
        pytest.param("2>&-", id="no-stderr"),
        pytest.param("<&- >&- 2>&-", id="no-stream"),
        pytest.param(">/dev/full 2>/dev/full", id="a-full-disk"),
        pytest.param("2>&1 | head -c 0; exit ${PIPESTATUS[0]}", id="nobody-reads"),
    ],
)
def test_fault_38_nobody_has_to_read_what_a_run_says(measured: Path, tmp_path: Path, redirection: str) -> None:
    """
    A stream that is closed, full or not read ends nothing: the exit code is that of the run, and its report is whole.
    """
    shell = ["bash", "-c", f"{sys.executable} -m matrix {' '.join(RUN)} --fresh --output {tmp_path} {redirection}"]

    done = subprocess.run(shell, cwd=measured, check=False, capture_output=True, stdin=subprocess.DEVNULL)

    assert done.returncode == 0, done.stderr
    assert report.read(tmp_path / "latest").complete
    assert (tmp_path / "latest" / "index.html").read_text("utf-8").rstrip().endswith("</html>")
    assert b"Traceback" not in done.stderr + done.stdout


def test_fault_38_an_error_that_nobody_reads_has_its_exit_code(measured: Path) -> None:
    """
    A wrong option is 2, whether or not it can be said.
    """
    shell = ["bash", "-c", f"{sys.executable} -m matrix run --environment x 2>/dev/full"]

    done = subprocess.run(shell, cwd=measured, check=False, capture_output=True, stdin=subprocess.DEVNULL)

    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("place", ["report.before_rename=kill:6", "report.before_point=kill:1"])
def test_fault_41_a_half_written_report_is_none(checker: Checker, project: Path, place: str) -> None:
    """
    A run that is killed while it writes its report leaves the latest one as it was; the next run writes all of its own.
    """
    assert command(project, *RUN).ended() == 0
    before = (project / "reports" / "latest").resolve()

    assert command(project, *RUN, failpoint=place).ended() == -signal.SIGKILL

    assert (project / "reports" / "latest").resolve() == before
    settled(checker, project)
    after = (project / "reports" / "latest").resolve()
    assert after != before
    assert (after / "index.html").read_text("utf-8").rstrip().endswith("</html>")
    assert not list(after.glob(".*"))


def test_fault_41_a_report_of_a_running_run_is_whole_and_disturbs_nobody(checker: Checker, project: Path) -> None:
    """
    Asked again and again while a run goes on, it has a whole page each time, counts what is decided, which never
    becomes less, and neither of the two waits for the other.
    """
    run = command(project, *RUN, failpoint="worker.answer=sleep:5")
    until(lambda: len(list((project / ".matrix" / "results").glob("*/*"))) >= 4)
    counted = []
    for _ in range(2):
        begun = time.monotonic()
        asked = command(project, "report", "running", "--json")
        assert asked.ended() == 0, asked.said
        counted.append(_running(project))
        assert time.monotonic() - begun < 10
    run.signal(signal.SIGKILL)
    run.ended()
    killed = command(project, "report", "running", "--json")
    assert killed.ended() == 0, killed.said
    counted.append(_running(project))

    assert counted == sorted(counted)
    assert counted[0] >= 1
    settled(checker, project)
    after = command(project, "report", "running")
    assert (after.ended(), "No run is going on" in after.said) == (2, True)


def _running(project: Path) -> int:
    """Check the newest page, and return how many cells it says are decided."""
    folder = project / "reports" / "latest"
    page = (folder / "index.html").read_text("utf-8")
    made = report.read(folder)
    counts = re.fullmatch(r"Running: (\d+) of (\d+) cells are decided\.", made.note)
    assert counts is not None, made.note
    assert page.rstrip().endswith("</html>")
    assert counts[0] in page
    assert json.loads((folder / "verdict.json").read_text("utf-8"))
    assert int(counts[2]) == len(made.results)
    assert int(counts[1]) == sum(one.status is not Status.NOT_RUN for one in made.results)
    return int(counts[1])


def test_fault_41_a_report_can_be_asked_for_all_the_time(checker: Checker, project: Path) -> None:
    """
    A run beside which somebody asks for its report in a loop ends as a calm one.
    """
    run = command(project, *RUN, "--isolation", "cell")
    answers = set()
    while run.process.is_alive():
        asked = command(project, "report", "running")
        answers.add(asked.ended())
        assert "Traceback" not in asked.said

    assert run.ended() == 0, run.said
    assert answers <= {0, 2}
    made = report.read(max((project / "reports" / "runs").iterdir()))
    checker.settled(made.results, [one.cell for one in made.results])


def test_fault_42_too_few_open_files_are_said_in_a_sentence(checker: Checker, project: Path) -> None:
    """
    The run ends soon, with 4 and the reason, blames no model, and goes on when there are more.
    """
    more = 2

    while (code := (poor := command(project, *RUN, before=partial(few_files, more))).ended(30)) != 0:
        assert code == 4, poor.said
        assert "Too many open files" in poor.said or "unable to open database file" in poor.said
        assert "Traceback" not in poor.said
        checker.survived()
        more += 2

    assert more > 4
    settled(checker, project)


@pytest.mark.parametrize("count", [1, 3, 12])
def test_fault_42_a_disk_without_room_for_files_is_said_in_a_sentence(
    checker: Checker, project: Path, count: int
) -> None:
    """
    The run ends with 4 and the reason, and blames no model.
    """
    needs_mounts()
    poor = command(project, *RUN, before=partial(mounted, Path(".matrix"), f"size=4m,nr_inodes={count}"))

    assert poor.ended(30) == 4, poor.said
    assert "No space left on device" in poor.said
    assert "Traceback" not in poor.said
    assert survivors(project) == []
    if count > 3:
        settled(checker, project)


def test_fault_42_many_cells_leak_no_file(fake_environment: Path, tmp_path: Path) -> None:
    """
    Some dozen cells with their remedies leave as many descriptors open as there were before.
    """
    first = Small(tmp_path, fake_environment)
    first.run()
    before = descriptors()

    outcome = Small(tmp_path / "more", fake_environment, TWO, ("plain_fake", "custom_fake"), tuple(Format)).run()

    assert len(outcome.results) == 80
    assert descriptors() <= before
    assert list(tmp_path.glob("**/scratch/*")) == []
