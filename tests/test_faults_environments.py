"""Environments that break while they are built, or afterwards: real nox, real uv, and an index that misbehaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from fakes import FakeBackend, engine, environment, fake_python, letters, scenario
from local_index import Fault, LocalIndex, Served, serving
from test_env_sessions import PYTHON, SILENT, Place
from uv import find_uv_bin

from matrix import contents, environments, lock, wheels
from matrix.backends.nox import GUARD, NoxEnvironments
from matrix.config import Config, UserEnvironment
from matrix.entries import Entry, Sdist
from matrix.errors import EnvironmentFailed
from matrix.folders import read_mark

BIG = "x" * (3 << 19)
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOST = """
import sys
from pathlib import Path
from matrix import catalog
from matrix.backends.nox import NoxEnvironments

project = Path(sys.argv[1])
wanted = next(item for item in catalog.environments(project) if item.id == "mine")
print(NoxEnvironments(project, project / ".nox").ensure(wanted, lambda _: None).mark)
"""


def locked(id_: str, *files: Served, python: str = PYTHON) -> Entry:
    """An environment that holds these wheels."""
    return Entry(
        id=id_,
        python=python,
        tensorflow="",
        keras="",
        requirements=("tiny==1.0",),
        cutoff="2026-02-01T00:00:00Z",
        download=1,
        lock="".join(f"{file.project}==1.0 \\\n    --hash=sha256:{file.sha256}\n" for file in files),
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    """An index of our own, and a cache of our own."""
    monkeypatch.delenv("UV_OFFLINE", raising=False)
    with serving() as made:
        for name, value in {
            "UV_DEFAULT_INDEX": made.url,
            "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_HTTP_RETRIES": "1",
            "UV_HTTP_TIMEOUT": "1",
            "UV_LINK_MODE": "hardlink",
        }.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def tiny(index: LocalIndex) -> Served:
    """A package with a module, and a file that is too big to be hashed each time."""
    return index.put("tiny", "1.0", {"tiny.py": "VALUE = 1\n", "tiny_data/big.txt": BIG})


@pytest.fixture
def place(tmp_path: Path, tiny: Served, index: LocalIndex) -> Iterator[Place]:
    """A project with the environment `mine`, which holds `tiny`, and `other`, which holds another package."""
    project = tmp_path / "project"
    project.mkdir()
    made = Place(project, locked("mine", tiny), locked("other", index.put("another", "1.0")))
    yield made
    made.environments.stop()


def again(place: Place) -> NoxEnvironments:
    """The same environments, as the next process sees them."""
    return NoxEnvironments(place.project, place.envdir)


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def processes(word: str) -> list[int]:
    """Who has a word on its command line."""
    found = psutil.process_iter(["cmdline"])
    return [item.pid for item in found if any(word in part for part in item.info["cmdline"] or ())]


def module(place: Place, name: str = "tiny.py") -> Path:
    """The one file of that name in `mine`."""
    (found,) = place.folder("mine").path.rglob(name)
    return found


def replaced(path: Path, text: str) -> None:
    """Change a file without changing what it is linked to."""
    path.unlink()
    path.write_text(text, encoding="utf-8")


def broken(path: Path) -> None:
    """Change a file as a failing disk would: its time stays as it was."""
    before = path.stat()
    path.write_bytes(b"\xff" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# 26: half built


def test_fault_26_nothing_is_left_of_a_build_whose_runner_was_killed(place: Place, tiny: Served) -> None:
    """
    When a runner is killed in the middle of a build, every process of the build is gone within two seconds and the
    environment is free; what was half built is moved aside, and the next run builds.
    """
    tiny.fail(Fault.SLOW, times=1)
    environ = {**os.environ, "UV_HTTP_TIMEOUT": "60"}
    host = subprocess.Popen([sys.executable, "-c", HOST, place.project], env=environ)
    assert within(60, lambda: tiny.asked > 0)
    (place.folder("mine").path / "half").write_text("", encoding="utf-8")

    host.kill()
    host.wait()

    assert within(2, lambda: not processes(str(place.envdir)))
    with place.folder("mine").try_locked() as free:
        assert free
    assert not place.environments.ready(place["mine"])
    place.environments.ensure(place["mine"], SILENT)
    assert not (place.folder("mine").path / "half").exists()


@pytest.mark.parametrize("how", ["owner-dies", "command-ends"])
def test_fault_26_a_guard_leaves_nothing_of_its_command(tmp_path: Path, how: str) -> None:
    """
    What the command started is killed with it, also what went into a session of its own and lost its parent.
    """
    marker = f"60.{os.getpid()}{how == 'owner-dies':d}"
    end = "wait" if how == "owner-dies" else "exit 3"
    script = f"sleep {marker} & (setsid sh -c 'sleep {marker} & sleep {marker}' &) ; sleep 0.3; {end}"
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", GUARD, "sh", "-c", script], stdin=subprocess.PIPE, cwd=tmp_path
    )
    assert guard.stdin is not None

    if how == "owner-dies":
        assert within(20, lambda: len(processes(marker)) >= 4)
        guard.stdin.close()
    code = guard.wait(20)
    guard.stdin.close()

    assert code == (137 if how == "owner-dies" else 3)
    assert processes(marker) == []


# 27: damaged later


def test_fault_27_a_damaged_environment_is_built_anew(place: Place) -> None:
    """
    A file that changed since the build is found by the next process that uses the environment: no worker starts in it,
    and `ensure` says so and builds it anew, once. The mark alone does not tell.
    """
    place.environments.ensure(place["mine"], SILENT)
    said: list[str] = []
    replaced(module(place), "VALUE = 'damaged'\n")

    later = again(place)
    assert later.ready(place["mine"])
    with (
        pytest.raises(EnvironmentFailed, match=r"tiny\.py: another size. matrix env build mine"),
        later.in_use(place["mine"]),
    ):
        pass
    for _ in range(2):
        later.ensure(place["mine"], said.append)

    assert [line for line in said if "damaged" in line] == ["damaged: tiny.py: another size; building anew"]
    assert len([line for line in said if line.startswith("building")]) == 1
    assert module(place).read_text(encoding="utf-8") == "VALUE = 1\n"
    with later.in_use(place["mine"]) as built, again(place).in_use(place["mine"]) as same:
        assert built == same


def test_fault_27_each_kind_of_damage_is_seen(place: Place, tmp_path: Path) -> None:
    """
    What is missing, of another size, of the same size but with other contents, added, removed, or compiled from
    something else is damage; what was touched is not.
    """
    info = "tiny-1.0.dist-info"
    kinds: list[tuple[Callable[[Path], object], str]] = [
        (lambda _: None, ""),
        (lambda site: (site / "tiny.py").touch(), ""),
        (lambda site: (site / "tiny.py").unlink(), "tiny.py: missing"),
        (lambda site: replaced(site / "tiny.py", ""), "tiny.py: another size"),
        (lambda site: replaced(site / "tiny.py", "VALUE = 2\n"), "tiny.py: other contents"),
        (lambda site: replaced(site / "tiny_data/big.txt", BIG[1:] + "y"), "tiny_data/big.txt: other contents"),
        (lambda site: next(site.rglob("tiny*.pyc")).touch(), "tiny.py: its bytecode was written later"),
        (lambda site: (site / info / "RECORD").touch(), f"{info}/RECORD: installed again"),
        (
            lambda site: broken(site / info / "RECORD"),
            f"{info}/RECORD: 'utf-8' codec can't decode byte 0xff in position 0",
        ),
        (lambda site: shutil.copytree(site / info, site / "new-1.dist-info"), "new: installed since"),
        (lambda site: shutil.rmtree(site / info), "tiny: removed since"),
        (shutil.rmtree, "site-packages: missing"),
    ]
    place.environments.ensure(place["mine"], SILENT)
    seen = []

    for number, (damage, _) in enumerate(kinds):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(place.folder("mine").path, copy, symlinks=True)
        mark = read_mark(copy)
        assert mark is not None
        damage(next(copy.glob("lib/python*/site-packages")))
        seen.append(contents.damage(copy, mark))

    assert [text.partition(": invalid")[0] for text in seen] == [expected for _, expected in kinds]


def test_fault_27_damage_that_comes_back_ends_with_the_file_and_what_to_do(place: Place) -> None:
    """
    Where uv's cache itself is damaged, the environment that is built from it is refused as often as it is tried, with
    the file's name, until the cache was cleaned as the remedy says.
    """
    place.environments.ensure(place["mine"], SILENT)
    with module(place, "big.txt").open("r+", encoding="utf-8") as file:  # a link to the file in the cache
        file.write("damaged")

    for _ in range(2):
        with pytest.raises(EnvironmentFailed, match=r"tiny_data/big\.txt: other contents") as caught:
            again(place).ensure(place["mine"], SILENT)
        assert "uv cache clean tiny, then: matrix env build mine" in caught.value.remedy
        assert not place.environments.ready(place["mine"])
    subprocess.run([find_uv_bin(), "cache", "clean", "--quiet", "tiny"], check=True)

    assert again(place).ensure(place["mine"], SILENT).mark.packages == {"tiny": "1.0"}


# 28: the network


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param((Fault.TRUNCATED, Fault.ERROR, Fault.SLOW), id="network"),
        pytest.param((Fault.OTHER_BYTES,), id="other-bytes"),
    ],
)
def test_fault_28_a_download_that_fails_once_is_tried_again(
    place: Place, index: LocalIndex, faults: tuple[Fault, ...]
) -> None:
    """
    Half a file, an error of the server, silence, or other bytes: it is asked for again, and the environment is built.
    """
    files = [index.put(f"package{number}", "1.0") for number in range(len(faults))]
    for file, fault in zip(files, faults, strict=True):
        file.fail(fault, times=1)
    place.lock(locked("mine", *files))

    place.environments.ensure(place["mine"], SILENT)

    assert [file.asked for file in files] == [2] * len(faults)
    assert module(place, "package0.py").read_text(encoding="utf-8") == "VALUE = 1\n"


def test_fault_28_a_download_that_always_fails_fails_its_own_environment(
    place: Place, tiny: Served, index: LocalIndex
) -> None:
    """
    The failure names the package, and nothing of the bad file is used once the index is well, whatever others get.
    """
    bad = index.put("bad", "1.0")
    place.lock(locked("mine", tiny), locked("other", bad))
    tiny.fail(Fault.TRUNCATED)
    bad.fail(Fault.OTHER_BYTES)

    for id_, package in (("mine", "tiny"), ("other", "bad")):
        with pytest.raises(EnvironmentFailed, match=rf"could not be installed.*{package}==1\.0"):
            place.environments.ensure(place[id_], SILENT)
    assert place.environments.sizes() == {}
    tiny.faults.clear()
    place.environments.ensure(place["mine"], SILENT)

    assert list(place.environments.sizes()) == ["mine"]
    assert module(place).read_text(encoding="utf-8") == "VALUE = 1\n"


@pytest.mark.parametrize(
    ("faults", "asked", "outcome"),
    [
        pytest.param([Fault.TRUNCATED, Fault.OTHER_BYTES], 3, "", id="recovers"),
        pytest.param([Fault.ERROR] * 9, 3, r"source-1\.0\.tar\.gz \(HTTP Error 500", id="error"),
        pytest.param([Fault.OTHER_BYTES] * 9, 3, "not the file that was locked", id="other-bytes"),
        pytest.param([Fault.GONE] * 9, 1, r"source-1\.0\.tar\.gz \(HTTP Error 404", id="gone"),
    ],
)
def test_fault_28_a_source_is_fetched_whole_or_not_at_all(
    index: LocalIndex, tmp_path: Path, faults: list[Fault], asked: int, outcome: str
) -> None:
    """
    A source is asked for three times, unless there is none, and is built only when it is what was locked.
    """
    served = index.serve("source-1.0.tar.gz", b"the source" * 1000)
    served.faults = list(faults)
    sdist = Sdist(name="source", version="1.0", url=index.link(served), sha256=served.sha256)
    entry = locked("mine")
    built: list[bytes] = []

    def build(source: Path, target: Path) -> None:
        built.append(source.read_bytes())
        (target / "source-1.0-py3-none-any.whl").write_bytes(b"")

    if outcome:
        with pytest.raises(EnvironmentFailed, match=outcome):
            wheels.built(tmp_path / "wheels", entry, sdist, build)
    else:
        wheels.built(tmp_path / "wheels", entry, sdist, build)

    assert built == ([] if outcome else [served.content])
    assert served.asked == asked


# 29: no interpreter


def test_fault_29_a_shim_is_not_taken_for_an_interpreter(
    place: Place, tiny: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where PATH has only a script that answers "command not found", the environment fails with the places that were
    looked at and with what would help, and the others are built.
    """
    shim = tmp_path / "shims" / "python3.99"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")
    place.lock(locked("mine", tiny, python="3.99"), locked("other", tiny))

    with pytest.raises(
        EnvironmentFailed, match=rf"no CPython 3\.99 on this machine. Looked at {shim.parent}"
    ) as caught:
        place.environments.ensure(place["mine"], SILENT)

    assert caught.value.remedy == "pyenv install 3.99"
    assert place.environments.ensure(place["other"], SILENT).mark.python.startswith(PYTHON)


# 30: taken back, and gone


def test_fault_30_a_release_that_was_taken_back_is_still_installed_from_a_lock(place: Place, tiny: Served) -> None:
    """
    A yanked release is what the lock says, and has its hash; what is in uv's cache is installed also when it is gone.
    """
    tiny.yanked = True
    for _ in range(2):
        place.environments.discard(place["mine"], SILENT)
        assert place.environments.ensure(place["mine"], SILENT).mark.packages == {"tiny": "1.0"}
        assert "yanked" in place.folder("mine").log.read_text(encoding="utf-8")
        tiny.fail(Fault.GONE)


def test_fault_30_a_file_that_is_gone_is_named(place: Place, tiny: Served) -> None:
    """
    A file that the index does not have any more fails its environment by name.
    """
    tiny.fail(Fault.GONE)

    with pytest.raises(EnvironmentFailed, match=rf"404.*{tiny.name}"):
        place.environments.ensure(place["mine"], SILENT)


# 31: no set of packages


def test_fault_31_pins_that_exclude_each_other_fail_with_the_words_of_the_resolver(
    index: LocalIndex, tmp_path: Path
) -> None:
    """
    What uv said of the conflict is the reason, and only that environment has no lock.
    """
    for version in ("1", "2"):
        index.put("shared", version)
        index.put(f"needs-{version}", "1", requires=(f"shared=={version}",))
    own = {
        "broken": UserEnvironment(python=PYTHON, requirements=("needs-1==1", "needs-2==1")),
        "sound": UserEnvironment(python=PYTHON, requirements=("needs-1==1",)),
    }
    config = replace(Config.found(tmp_path), environments=own)

    known = environments.locked(config, environments.known(config), own, SILENT)

    assert list(known.broken) == ["broken"]
    assert "no set of packages satisfies needs-1==1, needs-2==1" in str(known.broken["broken"])
    assert "needs-2 depend on shared==2" in str(known.broken["broken"])
    (sound,) = (item for item in known.environments if item.id == "sound")
    assert "shared==1 \\\n" in sound.lock


def test_fault_31_an_index_that_fails_is_no_conflict(index: LocalIndex) -> None:
    """
    Where the index has no such project, the reason is not that versions exclude each other.
    """
    question = lock.Question(id="mine", python=PYTHON, requirements=("absent==1",), cutoff=NOON)

    with pytest.raises(EnvironmentFailed, match="absent was not found in the package registry"):
        lock.with_uv(question)
    assert index.files == {}


# 32: does not import


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(
            "raise ImportError('libfoo.so.1: cannot open shared object file')",
            "ImportError: libfoo.so.1: cannot open shared object file",
            id="missing-library",
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGILL)", "exit code -4", id="illegal-instruction"
        ),
    ],
)
def test_fault_32_one_import_answers_for_all_cells(tmp_path: Path, code: str, reason: str) -> None:
    """
    A TensorFlow that does not import is imported once; every cell of its environment is `E` with that reason.
    """
    python = fake_python(tmp_path / "env")
    (stub,) = (tmp_path / "env").rglob("site-packages/tensorflow.py")
    stub.write_text(f"open({str(tmp_path / 'imports')!r}, 'a').write('x')\n{code}\n", encoding="utf-8")
    wanted = environment("2.0.0")

    outcome = engine(FakeBackend(python), tmp_path / "store", [wanted], [scenario("plain_fake")]).run()

    found = letters(outcome)
    assert len(found) > 1
    assert set(found.values()) == {"E"}
    assert all(reason in result.reason for result in outcome.results)
    assert (tmp_path / "imports").read_text(encoding="utf-8") == "x"


# 34: two builders


def test_fault_34_two_runners_build_once(place: Place, tiny: Served) -> None:
    """
    Of two processes that want the same environment at the same time, one builds and the other waits and uses it.
    """
    command = [sys.executable, "-c", HOST, str(place.project)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    marks = [process.communicate(timeout=120)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert marks[0] == marks[1]
    assert str(read_mark(place.folder("mine").path)) == marks[0].strip()
    assert tiny.asked == 1
