"""The `env` sessions: real nox and real uv, without a network. Packages come from a source that builds itself."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix import catalog, entries, interpreters, noxfile, wheels
from matrix.backends.nox import NOXFILE, BuiltEnvironment, NoxEnvironments
from matrix.entries import Entry, Sdist
from matrix.errors import EnvironmentFailed
from matrix.folders import MARK, Folder, Mark, weight
from matrix.holdings import objections
from matrix.model import Environment

pytestmark = pytest.mark.integration
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BACKEND = """
import base64, hashlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    files = {
        "tiny.py": "answer = lambda: 1\\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text)}\\n"
    files["tiny-1.0.dist-info/RECORD"] = record + "tiny-1.0.dist-info/RECORD,,\\n"
    with zipfile.ZipFile(f"{folder}/tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "tiny-1.0-py3-none-any.whl"
"""
BUILD_SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
SILENT: Callable[[str], None] = lambda _: None  # noqa: E731 - a listener that does nothing


def source(folder: Path) -> Sdist:
    """Write a source distribution that needs nothing to be built."""
    path = folder / "tiny-1.0.tar.gz"
    files = {"pyproject.toml": BUILD_SYSTEM, "backend.py": BACKEND, "PKG-INFO": "Name: tiny\nVersion: 1.0\n"}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"tiny-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return Sdist(name="tiny", version="1.0", url=path.as_uri(), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def entry(id_: str, sdist: Sdist, *, python: str = PYTHON) -> Entry:
    """An environment that holds one package."""
    return Entry(
        id=id_,
        python=python,
        tensorflow="",
        keras="",
        requirements=("tiny==1.0",),
        cutoff="2026-01-01T00:00:00Z",
        download=1,
        sdists=(sdist,),
        lock=f"tiny==1.0 \\\n    --hash=sha256:{sdist.sha256}\n",
    )


class Place:
    """A project with environments of its own, and the folder that they are built in."""

    def __init__(self, project: Path, *entries_: Entry) -> None:
        self.project = project
        self.envdir = project / ".nox"
        self.environments = NoxEnvironments(project, self.envdir)
        self.lock(*entries_)

    def lock(self, *entries_: Entry) -> None:
        """Replace the locks of the project."""
        entries.write(self.project / "locks", self.project / "locks", entries_, by="a test")

    def __getitem__(self, id_: str) -> Environment:
        return next(item for item in catalog.environments(self.project) if item.id == id_)

    def folder(self, id_: str) -> Folder:
        """The folder of one environment."""
        return Folder(self.envdir, id_)


@pytest.fixture
def sdist(tmp_path: Path) -> Sdist:
    """A package that comes as source."""
    return source(tmp_path)


@pytest.fixture
def place(tmp_path: Path, sdist: Sdist, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A project with the environments `mine` and `other`."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    made = Place(tmp_path, entry("mine", sdist), entry("other", sdist))
    yield made
    made.environments.stop()


def test_an_environment_is_built_from_its_lock_and_marked(place: Place) -> None:
    """
    The mark has what was found; bytecode is there although the shell forbids it; a second call starts nothing.
    """
    built = place.environments.ensure(place["mine"], SILENT)
    log = place.folder("mine").log.stat().st_mtime_ns
    again = place.environments.ensure(place["mine"], SILENT)

    assert dict(built.mark.packages) == {"tiny": "1.0"}
    assert built.mark.python.startswith(PYTHON)
    assert built.mark.fingerprint == place["mine"].fingerprint
    assert list(place.folder("mine").path.rglob("tiny.*.pyc"))
    assert again == built
    assert place.folder("mine").log.stat().st_mtime_ns == log
    assert place.environments.sizes() == {"mine": built.mark.size}


def test_a_source_is_built_once(place: Place) -> None:
    """
    Two environments share the wheel, and its hash is recorded.
    """
    for id_ in ("mine", "other"):
        place.environments.ensure(place[id_], SILENT)

    journal = json.loads((place.envdir / "wheels" / wheels.JOURNAL).read_text(encoding="utf-8"))
    (facts,) = journal.values()
    (wheel,) = (place.envdir / "wheels").rglob("*.whl")
    assert facts["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_a_folder_without_a_mark_is_built_anew(place: Place) -> None:
    """
    What a killed build left behind is moved aside, never repaired.
    """
    left = place.folder("mine").path / "lib" / "half-installed"
    left.mkdir(parents=True)

    place.environments.ensure(place["mine"], SILENT)

    assert not left.exists()
    assert place.environments.ready(place["mine"])
    assert not list(place.envdir.glob(".discarded-*"))


def test_another_lock_makes_another_environment(place: Place, sdist: Sdist) -> None:
    """
    An environment that was built from an older lock is not ready, and is replaced.
    """
    old = place.environments.ensure(place["mine"], SILENT)
    changed = entry("mine", sdist)
    place.lock(Entry(**{**vars(changed), "variables": (("KERAS_BACKEND", "jax"),)}))

    assert not place.environments.ready(place["mine"])
    assert place.environments.ensure(place["mine"], SILENT).mark.fingerprint != old.mark.fingerprint


def test_two_builders_build_once(place: Place) -> None:
    """
    Of two that want the same environment at the same time, one builds and the other waits and uses it.
    """
    wanted, marks = place["mine"], []
    both = [NoxEnvironments(place.project, place.envdir) for _ in range(2)]

    def ensure(environments: NoxEnvironments) -> None:
        marks.append(environments.ensure(wanted, SILENT).mark)

    threads = [threading.Thread(target=ensure, args=(item,)) for item in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(marks) == 2
    assert marks[0] == marks[1]


def test_a_missing_interpreter_stops_only_its_own(place: Place, sdist: Sdist) -> None:
    """
    Nox skips such a session with exit code 0; here it fails with the places that were looked at, and the rest goes on.
    """
    place.lock(entry("mine", sdist, python="3.99"), entry("other", sdist))

    with pytest.raises(EnvironmentFailed, match=r"no CPython 3\.99 on this machine. Looked at /") as caught:
        place.environments.ensure(place["mine"], SILENT)

    assert caught.value.remedy == "pyenv install 3.99"
    assert place.environments.ensure(place["other"], SILENT).python.exists()


def test_a_source_that_is_not_the_locked_one_is_refused(place: Place, sdist: Sdist) -> None:
    """
    A file that changed on the index since it was locked is not built.
    """
    forged = Sdist(**{**vars(sdist), "sha256": "0" * 64})
    place.lock(entry("mine", forged))

    with pytest.raises(EnvironmentFailed, match="not the file that was locked"):
        place.environments.ensure(place["mine"], SILENT)

    assert not place.environments.ready(place["mine"])


def test_packages_that_cannot_be_had_end_with_the_words_of_uv(place: Place, sdist: Sdist) -> None:
    """
    When a package cannot be installed, the message has what uv said of it.
    """
    wanted = entry("mine", sdist)
    place.lock(Entry(**{**vars(wanted), "sdists": (), "lock": f"absent-package==1.0 --hash=sha256:{'0' * 64}\n"}))

    with pytest.raises(EnvironmentFailed, match=r"could not be installed.*absent") as caught:
        place.environments.ensure(place["mine"], SILENT)

    assert "matrix env build mine" in caught.value.remedy


def test_an_environment_in_use_is_not_pruned(place: Place) -> None:
    """
    Prune removes what is not to be kept, half-built folders too, and leaves what a run is using.
    """
    for id_ in ("mine", "other"):
        place.environments.ensure(place[id_], SILENT)
    with place.folder("broken").locked(SILENT):
        place.folder("broken").path.mkdir()

    with place.environments.in_use(place["mine"]):
        freed = place.environments.prune(keep=())

    assert {item.id: item.removed for item in freed} == {"broken": True, "mine": False, "other": True}
    assert all(item.freed <= item.size for item in freed)
    assert list(place.environments.sizes()) == ["mine"]
    assert [item.id for item in place.environments.prune(keep=["mine"])] == []


def built(place: Place, id_: str, size: int, used: float) -> None:
    """Write the folder of an environment that was last used then, and weighs so much."""
    folder = place.folder(id_)
    with folder.locked(SILENT):
        folder.python.parent.mkdir(parents=True)
        folder.python.write_text("", encoding="utf-8")
        folder.finish(
            Mark(
                id=id_,
                fingerprint="",
                python=PYTHON,
                interpreter="",
                packages={},
                size=size,
                created="",
                seconds=1.0,
            )
        )
    os.utime(place.envdir / f"{folder.name}.lock", (used, used))


@pytest.mark.parametrize(
    ("limit", "keep", "removed"),
    [
        pytest.param(100, (), [], id="all-fit"),
        pytest.param(99, (), ["oldest"], id="one-too-many"),
        pytest.param(60, (), ["oldest", "older"], id="until-they-fit"),
        pytest.param(60, ("older",), ["oldest", "newest"], id="some-are-wanted"),
        pytest.param(0, ("oldest", "older"), ["newest"], id="never-what-is-wanted"),
    ],
)
def test_those_unused_for_longest_make_room(
    place: Place, limit: int, keep: tuple[str, ...], removed: list[str]
) -> None:
    """
    Environments go in the order of their last use until the rest weighs at most the limit; what is wanted stays.
    """
    for id_, size, used in (("newest", 40, 3.0), ("oldest", 20, 1.0), ("older", 40, 2.0)):
        built(place, id_, size, used)

    freed = place.environments.evict(limit, keep)

    assert [(item.id, item.removed) for item in freed] == [(id_, True) for id_ in removed]
    assert set(place.environments.sizes()) == {"newest", "oldest", "older"} - set(removed)


def test_what_is_in_use_makes_no_room(place: Place) -> None:
    """
    An environment in use stays, is said to, and was used just now; the next one goes in its place.
    """
    for id_, used in (("oldest", 1.0), ("older", 2.0)):
        built(place, id_, 40, used)

    with place.folder("oldest").in_use():
        freed = place.environments.evict(40, ())
        again = place.environments.evict(0, ())

    assert {item.id: item.removed for item in freed} == {"older": True}
    assert {item.id: item.removed for item in again} == {"oldest": False}
    assert time.time() - place.folder("oldest").used < 60


def test_what_is_linked_elsewhere_is_not_given_back(tmp_path: Path) -> None:
    """
    Files that uv also keeps in its cache count for the size, not for what a prune frees.
    """
    (tmp_path / "cache").write_bytes(b"1234")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "linked").hardlink_to(tmp_path / "cache")
    (tmp_path / "env" / "own").write_bytes(b"12")

    assert weight(tmp_path / "env") == (6, 2)


def test_what_is_not_built_cannot_be_used(place: Place) -> None:
    """
    Using an environment that was never built fails with the command that builds it.
    """
    with pytest.raises(EnvironmentFailed, match="matrix env build mine"), place.environments.in_use(place["mine"]):
        pass


def test_stop_ends_a_build_and_its_children(place: Place) -> None:
    """
    After a stop no build goes on, none begins, and nothing is marked.
    """
    failures: list[EnvironmentFailed] = []

    def ensure() -> None:
        try:
            place.environments.ensure(place["mine"], SILENT)
        except EnvironmentFailed as error:
            failures.append(error)

    with place.folder("mine").locked(SILENT):  # so that the build waits for us
        thread = threading.Thread(target=ensure)
        thread.start()
        while not place.environments._children:
            time.sleep(0.01)
        place.environments.stop()
        thread.join(10)
    ensure()

    assert not thread.is_alive()
    assert [str(error) for error in failures] == ["mine: stopped before it was built."] * 2
    assert not place.environments.ready(place["mine"])


def test_only_the_environment_that_was_asked_for_is_built(place: Place, sdist: Sdist) -> None:
    """
    Nox takes names for Python expressions, in which 2.1 is 2.10: asking for one must not build the other.
    """
    place.lock(entry("tf-2.1", sdist), entry("tf-2.10", sdist))

    place.environments.ensure(place["tf-2.10"], SILENT)

    assert list(place.environments.sizes()) == ["tf-2.10"]


def test_sessions_are_listed_without_running_an_interpreter(place: Place) -> None:
    """
    `nox -l` names every environment of the package and of the project; a shim on PATH is not started.
    """
    shim = place.project / "shims" / "python3.7"
    shim.parent.mkdir()
    shim.write_text(f"#!/bin/sh\ntouch {place.project}/started\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    environ = {**os.environ, "MATRIX_PROJECT": str(place.project), "PATH": f"{shim.parent}:{os.environ['PATH']}"}

    done = subprocess.run(
        [sys.executable, "-m", "nox", "-f", NOXFILE, "-l"], env=environ, capture_output=True, text=True, check=True
    )

    listed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("- ")]
    assert {"env(tf-1.15)", "env(tf-2.12)", "env(tf-2.21)", "env(mine)"} <= set(listed)
    assert not (place.project / "started").exists()


FACTS: dict[str, Any] = {
    "python": f"{PYTHON}.7",
    "distributions": [["Tiny", "1.0"]],
    "damaged": [],
    "sources": 100,
    "uncompiled": 2,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [], id="as-locked"),
        pytest.param({"distributions": []}, ["tiny 1.0 is missing"], id="missing"),
        pytest.param({"distributions": [["tiny", "1.1"]]}, ["tiny is 1.1, not 1.0"], id="another-version"),
        pytest.param(
            {"distributions": [["tiny", "1.0"], ["pip", "9"]]}, ["pip is 9, not in the lock"], id="not-asked-for"
        ),
        pytest.param({"damaged": [["tiny.py", "missing"]]}, ["tiny.py: missing"], id="damaged-file"),
        pytest.param({"python": "3.6.15"}, [f"its Python is 3.6.15, not {PYTHON}"], id="another-python"),
        pytest.param({"uncompiled": 50}, ["50 of 100 files have no bytecode"], id="no-bytecode"),
    ],
)
def test_an_environment_must_hold_what_was_asked_for(sdist: Sdist, change: dict[str, Any], expected: list[str]) -> None:
    """
    Whatever differs between lock and inventory is named; any of it makes the environment fail.
    """
    assert objections(entry("mine", sdist), {**FACTS, **change}) == expected


def test_the_inventory_notices_damaged_files(place: Place) -> None:
    """
    A changed, a shortened and a missing file are told apart from what was installed.
    """
    built = place.environments.ensure(place["mine"], SILENT)
    (module,) = place.folder("mine").path.rglob("tiny.py")
    seen = []

    for text in ("answer = lambda: 1\n", "answer = lambda: 2\n", "", None):
        module.unlink()
        if text is not None:
            module.write_text(text, encoding="utf-8")
        seen.append([why for _, why in inventory(built)["damaged"]])

    assert seen == [[], ["other contents"], ["another size"], ["missing"]]
    assert inventory(built)["damaged_distributions"] == ["tiny"]


def inventory(built: BuiltEnvironment, *options: str) -> dict[str, Any]:
    """What the inventory says of an environment."""
    command = [str(built.python), "-I", "-B", str(noxfile.INVENTORY), *options]
    facts: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return facts


def test_big_files_are_hashed_where_something_was_damaged(place: Place) -> None:
    """
    Of a file that makes up most of an environment the size is compared, and its contents once there is a reason.
    """
    built = place.environments.ensure(place["mine"], SILENT)
    big = b"#" * (3 << 19)
    digest = base64.urlsafe_b64encode(hashlib.sha256(big).digest()).rstrip(b"=").decode()
    (record,) = place.folder("mine").path.rglob("RECORD")
    record.write_text(f"big.so,sha256={digest},{len(big)}\n", encoding="utf-8")
    (record.parents[1] / "big.so").write_bytes(big[1:] + b"-")

    assert inventory(built)["damaged"] == []
    assert inventory(built, "--thorough")["damaged"] == [["big.so", "other contents"]]


def test_tests_of_packages_have_no_bytecode(place: Place) -> None:
    """
    Modules are compiled with the environment's own Python; what only a package's developers run is left out, and
    counts neither as a source nor as uncompiled; what is in the syntax of another Python counts as uncompiled.
    """
    built = place.environments.ensure(place["mine"], SILENT)
    (record,) = place.folder("mine").path.rglob("RECORD")
    site = record.parents[1]
    files = {"good.py": "", "bad.py": "print 1\n", "package/tests/test_it.py": "", "data.txt": ""}
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    record.write_text("".join(f"{name},,\n" for name in files), encoding="utf-8")

    facts = inventory(built, "--compile")

    assert (facts["sources"], facts["uncompiled"], facts["damaged"]) == (2, 1, [])
    assert [path.name.partition(".")[0] for path in site.rglob("*.pyc") if "tiny" not in path.name] == ["good"]


def test_bytecode_of_equal_sources_is_shared(place: Place) -> None:
    """
    A module that another environment of the same Python has compiled is linked from there, if that is whole, and is
    imported as if it had been compiled here.
    """
    place.environments.ensure(place["mine"], SILENT)
    built = place.environments.ensure(place["other"], SILENT)
    mine, other = (next(place.folder(id_).path.rglob("tiny.*.pyc")) for id_ in ("mine", "other"))
    source = other.parents[1] / "tiny.py"
    code = "import tiny; print(tiny.answer(), tiny.answer.__code__.co_filename)"

    def imported() -> list[str]:
        command = [str(built.python), "-I", "-B", "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert mine.samefile(other)
    assert imported() == ["1", str(source)]

    other.unlink()
    mine.write_bytes(mine.read_bytes()[:-1] + b"?")
    inventory(built, "--compile", "--like", str(mine.parents[1]))

    assert not mine.samefile(other)
    assert imported() == ["1", str(source)]


def test_a_mark_without_an_interpreter_does_not_count(place: Place) -> None:
    """
    When the Python that an environment was made from is removed, it is not ready any more; nor with a torn mark.
    """
    place.environments.ensure(place["mine"], SILENT)
    place.environments.ensure(place["other"], SILENT)

    place.folder("mine").python.unlink()
    (place.folder("other").path / MARK).write_text('{"id": ', encoding="utf-8")

    assert not place.environments.ready(place["mine"])
    assert not place.environments.ready(place["other"])


def test_a_mark_that_cannot_be_read_says_nothing(place: Place) -> None:
    """
    With too many open files an environment is not taken for one that has to be built anew.
    """
    place.environments.ensure(place["mine"], SILENT)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))

    try:
        with pytest.raises(OSError, match="Too many open files"):
            place.environments.ready(place["mine"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_folders_are_named_as_nox_names_them() -> None:
    """
    `.nox` holds the environments under the names that nox gives to the sessions.
    """
    from nox.sessions import _normalize_path

    for id_ in ("tf-2.12", "tf-2.12.0", "tf-2.19+legacy", "My Server"):
        assert Folder(Path("x"), id_).path == Path(_normalize_path("x", f"env({id_})"))


def test_the_noxfile_needs_no_newer_python_than_nox() -> None:
    """
    All that the noxfile imports runs on Python 3.10, with nothing installed but nox.
    """
    found = interpreters.find("3.10", os.environ, Path.home())
    if found.path is None:
        pytest.skip("no CPython 3.10 on this machine")
    names = "entries, folders, interpreters, wheels"
    code = f"import sys; sys.path.insert(0, {str(NOXFILE.parent.parent)!r}); from matrix import {names}; print('fine')"

    said = subprocess.run([found.path, "-I", "-B", "-c", code], check=True, capture_output=True, text=True).stdout

    assert said == "fine\n"


def test_only_the_hash_of_what_was_built_is_replaced() -> None:
    """
    A lock that is installed differs from the one on disk in the hashes of sources only.
    """
    lock = "a==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\ngast==0.2 \\\n    --hash=sha256:cc\n"

    changed = wheels.installable(lock, {("gast", "0.2"): wheels.Wheel(Path("w"), "dd")})

    assert changed == lock.replace("cc", "dd")
