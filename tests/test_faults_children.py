"""Faults of one child cost its own cells: the table of `reliability.md` 1.5, each against a real worker.

A fault happens where `misbehaving` puts it: while the scenario is imported, or while its model is saved as `.keras`,
the second of three cells. The worker is the same for all tests, and has to save a plain model well after each.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from fakes import SCENARIOS, environment

from matrix.backends.process import WorkerProcess, scrubbed
from matrix.model import Format
from matrix.protocol import Isolation, Item, Raised, Request, Saved, Transcript, transcript
from matrix.recipe import GUEST

FORMATS = (Format.H5, Format.KERAS, Format.WEIGHTS_H5)
NAMES = {Format.H5: "model.h5", Format.KERAS: "model.keras", Format.WEIGHTS_H5: "model.weights.h5"}
COOKIE = "MATRIX_TEST_COOKIE"
FD = "fd = next(n for n in range(3, 64) if os.path.exists(f'/proc/self/fd/{n}') and stat.S_ISFIFO(os.fstat(n).st_mode))"
SCRIPT = """
import atexit, ctypes, json, numpy, os, resource, shutil, signal, stat, subprocess, sys, time
import tensorflow as tf
{at_import}

class Model(tf.keras.Model):
    def save(self, path):
        if path.endswith(".keras"):
{at_save}
        super().save(path)

def build():
    return Model([tf.keras.layers.Dense(3)], 4)

def inputs():
    return numpy.ones((2, 4), "float32")
"""


@dataclass(frozen=True)
class Host:
    """A worker that lives as long as all tests, and the place of one test."""

    worker: WorkerProcess
    folder: Path

    def misbehaving(self, at_save: str = "pass", at_import: str = "") -> Path:
        """Write a scenario that does something bad while it is saved as `.keras`, or while it is imported."""
        script = self.folder / "scenarios" / "bad.py"
        script.parent.mkdir(exist_ok=True)
        body = textwrap.indent(textwrap.dedent(at_save).strip(), " " * 12)
        script.write_text(SCRIPT.format(at_import=textwrap.dedent(at_import), at_save=body), encoding="utf-8")
        return script

    def request(self, script: Path, *, timeout: float = 20, isolation: Isolation = "group") -> Request:
        """Ask for a save in three formats."""
        desk = self.folder / "desk"
        desk.mkdir(exist_ok=True)
        return Request(
            task="save",
            scenario=script.stem,
            script=str(script),
            code="load",
            items=[Item(id=str(kind), format=kind, path=str(desk / NAMES[kind])) for kind in FORMATS],
            inputs={},
            timeout=timeout,
            memory=1 << 30,
            isolation=isolation,
        )

    def save(self, script: Path, *, timeout: float = 20, isolation: Isolation = "group") -> list[Transcript]:
        """Save a scenario in three formats, and return what was said of each."""
        asked = self.request(script, timeout=timeout, isolation=isolation)
        said = [transcript(facts) for facts in self.worker.ask(asked)]
        assert [one.cell for one in said] == [str(kind) for kind in FORMATS]
        return said

    def second(self, at_save: str, *, timeout: float = 20) -> Transcript:
        """Return what was said of the cell that misbehaves; those beside it are saved, at the first try."""
        before, bad, after = self.save(self.misbehaving(at_save), timeout=timeout)
        assert [well(before), well(after)] == [True, True]
        return bad


def well(said: Transcript) -> bool:
    """Whether a cell was saved at its first try."""
    return (said.ending, said.first) == ("exited", "") and isinstance(said.answer, Saved)


def ended(said: Transcript) -> tuple[str, str, bool]:
    """How both tries of a cell ended, and whether there is an answer."""
    return said.first, said.ending, said.answer is not None


def alive(cookie: str) -> list[int]:
    """The living processes that were started with a cookie, wherever they went."""
    everyone = psutil.process_iter(["environ"])
    return [process.pid for process in everyone if (process.info["environ"] or {}).get(COOKIE) == cookie]


def starting(python: Path, scratch: Path, **variables: str) -> WorkerProcess:
    """Start a worker with the fake TensorFlow, as a backend would."""
    fake = environment("2.0.0", **{COOKIE: str(scratch)}, **variables)
    worker = WorkerProcess([str(python), "-I", "-B", str(GUEST)], scrubbed(os.environ, fake, scratch), scratch)
    worker.greet(fake)
    return worker


@pytest.fixture(scope="module")
def only_worker(fake_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """One worker for all tests."""
    worker = starting(fake_environment, tmp_path_factory.mktemp("worker"))
    yield worker
    worker.close()


@pytest.fixture
def host(only_worker: WorkerProcess, tmp_path: Path) -> Iterator[Host]:
    """A host that checks, after the test, that its worker is as good as new and that nothing is left over."""
    found = Host(only_worker, tmp_path)
    yield found
    assert all(well(said) for said in found.save(SCENARIOS / "plain_fake.py"))
    assert alive(str(only_worker.log.parent)) == [only_worker.process.pid]
    assert [path.name for path in only_worker.log.parent.iterdir()] == ["worker.log"]


def test_fault_03_a_segmentation_fault_costs_one_cell_and_leaves_its_stack(host: Host) -> None:
    """
    `signal 11` twice, with what faulthandler wrote; the cells beside it are saved.
    """
    bad = host.second("ctypes.string_at(0)")

    assert ended(bad) == ("signal 11", "signal 11", False)
    assert "Segmentation fault" in bad.noise
    assert 'bad.py", line' in bad.noise


def test_fault_04_an_abort_of_native_code_keeps_its_last_words(host: Host) -> None:
    """
    `signal 6`, with the line of the check that failed.
    """
    bad = host.second(r"os.write(2, b'F0000 tensor.cc:7] Check failed: ok\n'); os.abort()")

    assert ended(bad) == ("signal 6", "signal 6", False)
    assert "Check failed: ok" in bad.noise


def test_fault_06_a_memory_bomb_meets_its_limit_first(host: Host) -> None:
    """
    The child gets a MemoryError at its own limit, and neither its worker nor the machine runs short.
    """
    bad = host.second("hoard = [bytearray(1 << 26) for _ in range(1 << 20)]")

    assert isinstance(bad.answer, Raised)
    assert bad.answer.chain[-1].type == "MemoryError"


def test_fault_07_a_kill_from_outside_is_tried_again_alone(host: Host) -> None:
    """
    A child that somebody else killed costs nothing: its cell passes in a fresh process, and says what happened.
    """
    script = host.misbehaving("'child' in sys.argv or time.sleep(60)")
    answers = host.worker.ask(host.request(script))

    before = transcript(next(answers))
    (child,) = psutil.Process(host.worker.process.pid).children()
    child.kill()
    bad, after = map(transcript, answers)

    assert ended(bad) == ("signal 9", "exited", True)
    assert well(before)
    assert well(after)


def test_fault_07_a_death_of_all_its_tries_counts(host: Host) -> None:
    """
    It is tried twice and not more often.
    """
    assert ended(host.second("os.kill(os.getpid(), 9)")) == ("signal 9", "signal 9", False)


def test_fault_08_a_hang_in_python_is_ended_and_leaves_its_stack(host: Host) -> None:
    """
    `timeout` after the limit, with the line where it hung.
    """
    bad = host.second("while True: pass", timeout=1)

    assert ended(bad) == ("timeout", "timeout", False)
    assert 'bad.py", line 9 in save' in bad.noise


@pytest.mark.parametrize(
    "hang",
    [
        pytest.param("for n in (1, 2, 6, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)", id="deaf"),
        pytest.param("os.kill(os.getpid(), signal.SIGSTOP)", id="stopped"),
    ],
)
def test_fault_09_a_hang_that_hears_no_signal_is_ended(host: Host, hang: str) -> None:
    """
    A child that ignores what can be ignored, and one that was stopped, end as every other that hangs.
    """
    assert ended(host.second(hang, timeout=1)) == ("timeout", "timeout", False)


def test_fault_10_no_fork_after_an_op(fake_environment: Path, tmp_path: Path) -> None:
    """
    Where an op has run already a fork would hang: the worker says `spawn`, and every child is a fresh process.
    """
    worker = starting(fake_environment, tmp_path, FAKETF_OP="1")
    host = Host(worker, tmp_path)

    said = host.save(host.misbehaving(at_import="assert 'child' in sys.argv"))
    worker.close()

    assert worker.hello.start == "spawn"
    assert all(well(one) for one in said)


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param("subprocess.Popen(['sleep', '3600'])", id="child"),
        pytest.param("subprocess.Popen(['sleep', '3600'], start_new_session=True)", id="session"),
        pytest.param("os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(3600))", id="daemon"),
        pytest.param("os.fork() or (os.setpgid(0, 0), signal.pause())", id="group"),
    ],
)
def test_fault_11_no_grandchild_is_left_over(host: Host, leave: str) -> None:
    """
    Processes that a scenario left behind are ended with its group, wherever they went; its cells are saved.
    """
    assert well(host.second(leave))


def test_fault_12_garbage_on_stdout_reaches_nobody(host: Host) -> None:
    """
    Random bytes, and lines that look like results, change no answer: results travel on a pipe of their own.
    """
    assert well(
        host.second(
            r"""
            for stream in (1, 2):
                os.write(stream, os.urandom(1 << 14) + b'\n{"answer": {"unsupported": "x"}}\n{"end": true}\n')
            print('{"request": "1", "done": true}', flush=True)
            """
        )
    )


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(r"b'\xff\x00 garbage\n'", id="garbage"),
        pytest.param(r"b'[1]\n'", id="no-object"),
        pytest.param(r"b'{\"stage\": \"dreaming\"}\n'", id="unknown-stage"),
        pytest.param(r"b'{\"begin\": \"another\"}\n'", id="another-cell"),
        pytest.param(r"b'{\"answer\": {}}\n' * 2", id="duplicate"),
        pytest.param(r"b'{\"answer\": {}}\n{\"ready\": true}\n'", id="out-of-place"),
        pytest.param(r"b'x' * (17 << 20)", id="oversized"),
        pytest.param(r"b'[' * 100_000 + b'\n'", id="nested-too-deep"),
    ],
)
def test_fault_13_a_broken_frame_is_a_broken_protocol(host: Host, write: str) -> None:
    """
    Whatever a scenario writes between the results costs its own cell, and is not tried again.
    """
    bad = host.second(f"{FD}\nfor _ in [0]: sent = 0; data = {write}\nwhile data: data = data[os.write(fd, data):]")

    assert ended(bad) == ("", "protocol", False)


def test_fault_13_a_truncated_frame_is_a_broken_protocol(host: Host) -> None:
    """
    Half a result at the end of a child that exits is no result.
    """
    assert ended(host.second(FD + '\nos.write(fd, b\'{"answer": {"sav\'); os._exit(0)')) == ("", "protocol", False)


def test_fault_14_an_exit_without_a_result_is_no_result(host: Host) -> None:
    """
    A child that exits with 0 has said nothing.
    """
    assert ended(host.second("os._exit(0)")) == ("no result", "no result", False)


def test_fault_14_an_exit_at_import_is_no_result(host: Host) -> None:
    """
    Of a scenario that ends its process when it is imported, no cell has a result; one that raises SystemExit says so.
    """
    gone = host.save(host.misbehaving(at_import="os._exit(0)"))
    left = host.save(host.misbehaving(at_import="sys.exit(0)"))

    assert [ended(one) for one in gone] == [("no result", "no result", False)] * 3
    assert [one.answer.chain[-1].type for one in left if isinstance(one.answer, Raised)] == ["SystemExit"] * 3


@pytest.mark.parametrize(
    ("isolation", "first"),
    [
        pytest.param("group", ["", "", "signal 6"], id="group"),
        pytest.param("fresh", ["", "", ""], id="fresh"),
    ],
)
def test_fault_15_an_answer_before_an_abort_is_no_answer(host: Host, isolation: Isolation, first: list[str]) -> None:
    """
    A child that dies after its last answer takes that answer with it; those before it had been told.
    """
    said = host.save(
        host.misbehaving(at_import="atexit.register(os.abort); os._exit = lambda code: os.abort()"),
        isolation=isolation,
    )

    lost = [one for one in said if one.ending == "signal 6"]
    assert [one.first for one in said] == first
    assert len(lost) == (3 if isolation == "fresh" else 1)
    assert {one.answer for one in lost} == {None}


def test_fault_16_hundreds_of_megabytes_of_noise_cost_no_memory(host: Host) -> None:
    """
    The worker keeps the first and the last of them, counts the rest, and does not grow.
    """
    before = psutil.Process(host.worker.process.pid).memory_info().rss

    bad = host.second("for _ in range(200): os.write(1, b'x' * (1 << 20))\nos.abort()")

    assert psutil.Process(host.worker.process.pid).memory_info().rss - before < 8 << 20
    assert 200 << 20 > int(bad.noise.partition("... (")[2].partition(" bytes left out)")[0]) > 199 << 20
    assert len(bad.noise) < 17 << 10


def test_fault_16_noise_without_end_is_a_broken_protocol(host: Host) -> None:
    """
    A child that prints more than a gigabyte is ended, long before its time is up.
    """
    assert ended(host.second("while True: os.write(1, b'x' * (1 << 20))", timeout=60)) == ("", "protocol", False)


def test_fault_17_noise_that_is_no_text_is_kept_as_text(host: Host) -> None:
    """
    What is not UTF-8 becomes an escape; NUL, terminal and direction codes arrive as they are, for the page to show.
    """
    bad = host.second(r"os.write(2, b'\xff\xfe \x00 \x1b[31m \xe2\x80\xae\n'); os._exit(1)")

    assert "\\xff\\xfe \x00 \x1b[31m \u202e\n" in bad.noise


def test_fault_36_what_a_scenario_destroys_outside_stays(host: Host) -> None:
    """
    Deleting, renaming, overwriting and making files fails everywhere but in the child's own folder and on its desk.
    """
    if not host.worker.hello.fence:
        pytest.skip("this kernel has no Landlock that can be used")
    store = host.folder / "store"
    store.mkdir()
    (store / "artifact").write_text("precious", encoding="utf-8")

    bad = host.second(
        """
        root = os.path.dirname(os.path.dirname(__file__))
        assert sorted(os.listdir(root)) == ["desk", "scenarios", "store"]
        shutil.rmtree(os.path.join(root, "store"), ignore_errors=True)
        done = []
        for destroy in (
            lambda: os.unlink(__file__),
            lambda: os.unlink(root + "/store/artifact"),
            lambda: os.rename(root + "/store", root + "/gone"),
            lambda: os.rename(root + "/store/artifact", root + "/desk/artifact"),
            lambda: os.link(root + "/store/artifact", root + "/desk/artifact"),
            lambda: open(root + "/store/artifact", "w"),
            lambda: open(root + "/store/artifact", "r+"),
            lambda: os.truncate(root + "/store/artifact", 0),
            lambda: open(root + "/store/new", "w"),
            lambda: os.mkdir(root + "/store/new"),
            lambda: os.symlink("x", root + "/store/new"),
            lambda: os.mkfifo(root + "/store/new"),
            lambda: shutil.rmtree(os.path.dirname(os.environ["HOME"])),
        ):
            try:
                destroy()
                done.append(destroy.__code__.co_firstlineno)
            except OSError:
                continue
        assert done == []
        open(os.path.join(os.environ["HOME"], "own"), "w").close()
        open("/dev/null", "w").close()
        """
    )

    assert well(bad)
    assert sorted(path.name for path in host.folder.iterdir()) == ["desk", "scenarios", "store"]
    assert (store / "artifact").read_text(encoding="utf-8") == "precious"
    assert (host.folder / "scenarios" / "bad.py").exists()


def test_fault_36_a_load_cannot_change_the_artifact_that_it_reads(host: Host) -> None:
    """
    Only a save may write where artifacts are.
    """
    if not host.worker.hello.fence:
        pytest.skip("this kernel has no Landlock that can be used")
    saved = host.request(SCENARIOS / "plain_fake.py")
    list(host.worker.ask(saved))
    script = host.misbehaving(at_import=f"open({str(host.folder / 'desk' / 'model.h5')!r}, 'r+')")

    said = [transcript(facts) for facts in host.worker.ask(replace(saved, task="load", script=str(script)))]

    assert [one.answer.chain[-1].type for one in said if isinstance(one.answer, Raised)] == ["PermissionError"] * 3


TELL = """
raise RuntimeError(json.dumps([
    os.getcwd().rpartition("-")[0],
    os.umask(0),
    {**os.environ, "HOME": "", "TMPDIR": "", "KERAS_HOME": ""},
    [resource.getrlimit(n) for n in range(16) if n != resource.RLIMIT_CPU],
    [str(signal.getsignal(n)) for n in range(1, 32)],
    sys.path,
    sorted(tf.REGISTRY),
    sorted(os.listdir("/proc/self/fd")),
    [stream.closed for stream in (sys.stdin, sys.stdout, sys.stderr)],
    tf.keras.backend.floatx(),
]))
"""
CHANGE = """
os.chdir("/")
os.umask(0)
os.environ.clear()
os.environ["HOME"] = "/nowhere"
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
for n in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGALRM):
    signal.signal(n, signal.SIG_IGN)
signal.alarm(1)
sys.path[:] = ["/nowhere"]
tf.keras.utils.register_keras_serializable("own", "Thing")(tf.keras.layers.Dense)
tf.keras.backend.floatx = lambda: "float16"
sys.stdout.close()
for n in (0, 1, 2):
    os.close(n)
"""


def state(host: Host) -> list[object]:
    """What a scenario finds around it when it is imported."""
    said, *_ = host.save(host.misbehaving(at_import=TELL))
    assert isinstance(said.answer, Raised)
    return list(json.loads(said.answer.chain[-1].message))


def test_fault_37_what_a_scenario_changes_is_as_before_for_the_next(host: Host) -> None:
    """
    Folder, umask, variables, limits, signals, paths, registry and streams are those of a clean run in the next group.
    """
    before = state(host)

    host.save(host.misbehaving(at_import=CHANGE))

    assert state(host) == before
