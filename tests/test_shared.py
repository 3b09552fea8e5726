"""A cache that several checkouts share."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import fsspec
import pytest
from checker import told, unsound
from fakes import FakeBackend, Heard, engine, environment, letters, scenario
from fsspec.implementations.memory import MemoryFileSystem

from matrix.artifact import tree_digest
from matrix.errors import UsageError
from matrix.model import Environment, Format
from matrix.shared import Shared

KEY = "ab" + "0" * 62
RECORD = {"cell": "a/b/plain/bare/h5", "said": [{"noise": "é \ud800"}], "number": 1.5}
OLD, NEW = environment("2.0.0"), environment("3.0.0")
FORMATS = (Format.H5, Format.SAVED_MODEL)


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A cache in a folder, and one behind a URL."""
    return str(tmp_path / "cache") if request.param == "folder" else f"memory://{uuid.uuid4().hex}/cache"


@contextmanager
def opened(url: str) -> Iterator[tuple[Shared, list[str]]]:
    """A cache, and what it complains of; everything is sent at the end."""
    problems: list[str] = []
    shared = Shared(url, problems.append)
    yield shared, problems
    shared.flush()


def published(url: str, record: dict[str, Any] = RECORD, artifact: tuple[str, Path] | None = None) -> list[str]:
    """Send a record under KEY, and return the complaints."""
    with opened(url) as (shared, problems):
        shared.publish(KEY, record, artifact)
    return problems


def objects(url: str) -> dict[str, bytes]:
    """All objects of a cache, by their path in it."""
    files, root = fsspec.url_to_fs(url)
    return {path.removeprefix(root): files.cat_file(path) for path in sorted(files.find(root))}


def overwritten(url: str, path: str, data: bytes) -> None:
    """Put something else in the place of an object."""
    files, root = fsspec.url_to_fs(url)
    files.makedirs(os.path.dirname(root + path), exist_ok=True)  # noqa: PTH120 - a URL's path
    files.pipe_file(root + path, data)


def test_what_one_checkout_sends_another_finds(url: str) -> None:
    """
    By its key; what is not there is no problem.
    """
    assert published(url) == []

    with opened(url) as (shared, problems):
        assert dict(shared.records([KEY, "cd" + "1" * 62])) == {KEY: RECORD}
    assert problems == []


def test_who_comes_first_wins(url: str) -> None:
    """
    A second writer of the same key changes nothing, and does no harm.
    """
    published(url)
    before = objects(url)

    assert published(url, {**RECORD, "number": 2}) == []

    assert objects(url) == before
    assert not [path for path in before if "/." in path]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_artifact_arrives_as_it_was(url: str, tmp_path: Path, kind: str) -> None:
    """
    A file or a folder of files, under its own name, with its digest; it is there before the record that speaks of it.
    """
    path = tmp_path / "one" / "model"
    (path / "variables" if kind == "folder" else path.parent).mkdir(parents=True)
    (path / "variables" / "data" if kind == "folder" else path).write_bytes(os.urandom(1000))
    digest = tree_digest(path)
    published(url, artifact=(digest, path))

    (there := tmp_path / "two").mkdir()
    with opened(url) as (shared, problems):
        assert shared.artifact(KEY, digest, there)
        assert not shared.artifact(KEY, "another digest", there)

    assert tree_digest(there / "model") == digest
    assert problems == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(gzip.compress(json.dumps(RECORD).encode())[:-9], id="cut-off"),
        pytest.param(gzip.compress(b"no json"), id="no-json"),
        pytest.param(gzip.compress(b"[" * 100_000), id="too-deep"),
        pytest.param(gzip.compress(b"\xff\xfe"), id="no-text"),
        pytest.param(gzip.compress(b"[1]"), id="a-list"),
    ],
)
def test_a_torn_record_is_none(url: str, data: bytes) -> None:
    """
    It is not believed, and nothing but the cache itself is complained of, once.
    """
    overwritten(url, f"/records/ab/{KEY}.json.gz", data)

    with opened(url) as (shared, problems):
        assert dict(shared.records([KEY])) == {}
        assert dict(shared.records([KEY])) == {}

    assert len(problems) <= 1


def packed(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """A tar with one member."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, target, 4 if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(b"evil"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(packed("../outside"), id="upwards"),
        pytest.param(packed("model/../../outside"), id="upwards-inside"),
        pytest.param(packed("/tmp/matrix-outside"), id="absolute"),  # noqa: S108 - it must not be written
        pytest.param(packed("model.h5", tarfile.SYMTYPE, "/etc/passwd"), id="symlink"),
        pytest.param(packed("model.h5", tarfile.LNKTYPE, "../../outside"), id="hard-link"),
        pytest.param(packed("model.h5", tarfile.FIFOTYPE), id="pipe"),
        pytest.param(packed("model.h5", tarfile.CHRTYPE), id="device"),
        pytest.param(packed("model.h5")[:700], id="cut-off"),
        pytest.param(b"garbage" * 100, id="garbage"),
    ],
)
def test_a_hostile_artifact_is_none(url: str, tmp_path: Path, data: bytes) -> None:
    """
    Nothing is written beside the folder, no link is made, and it is said once.
    """
    overwritten(url, f"/artifacts/ab/{KEY}-digest.tar", data)
    (there := tmp_path / "deep" / "there").mkdir(parents=True)

    with opened(url) as (shared, problems):
        assert not shared.artifact(KEY, "digest", there)

    assert len(problems) == 1
    found = [path for path in (tmp_path / "deep").rglob("*") if path != there]
    assert not [path for path in found if there not in path.parents or path.is_symlink() or not path.is_file()]
    assert not Path("/tmp/matrix-outside").exists()  # noqa: S108 - see above


class Broken(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A store that is down."""

    protocol = "broken"

    def cat_file(self, *_arguments: object, **_options: object) -> NoReturn:
        """Fail."""
        raise ConnectionError("the store is down")

    def pipe_file(self, *_arguments: object, **_options: object) -> NoReturn:
        """Fail."""
        raise PermissionError("403")


fsspec.register_implementation("broken", Broken)


def test_a_store_that_is_down_is_said_once() -> None:
    """
    Reading finds nothing, sending is forgotten.
    """
    with opened("broken://x") as (shared, problems):
        assert dict(shared.records([KEY, "cd" + "1" * 62])) == {}
        assert not shared.artifact(KEY, "digest", Path("nowhere"))
        for _ in range(5):
            shared.publish(KEY, RECORD)

    assert len(problems) == 1
    assert "broken://x is no help" in problems[0]


@pytest.mark.parametrize("url", ["nonsense://x", "s3x://bucket/path"])
def test_an_unknown_kind_of_place_is_refused(url: str) -> None:
    """
    As a wrong option, before anything runs.
    """
    with pytest.raises(UsageError, match="cannot be opened"):
        Shared(url, pytest.fail)


def run(
    backend: FakeBackend,
    store: Path,
    url: str,
    environments: list[Environment],
    change: Callable[[Any], None] | None = None,
) -> tuple[Any, list[str], Any]:
    """Run with a cache: what came of it, what was measured, and what was said."""
    heard = Heard()
    first = len(backend.asked)
    made = engine(
        backend,
        store,
        environments,
        [scenario("plain_fake")],
        formats=FORMATS,
        heard=heard,
        shared=Shared(url, heard.problem),
    )
    with made.store.owned():
        if change is not None:
            change(made)
        outcome = made.run()
    return outcome, [item.id for request in backend.asked[first:] for item in request.items], heard


def test_a_second_checkout_measures_nothing(backend: FakeBackend, tmp_path: Path, url: str) -> None:
    """
    It gets the letters and numbers of the first, starts no worker, and is as whole; a third environment costs its own
    row and column, with the artifacts of the others.
    """
    first, _, _ = run(backend, tmp_path / "a", url, [OLD])
    backend.prepared.clear()

    second, asked, heard = run(backend, tmp_path / "b", url, [OLD])

    assert told(second.results) == told(first.results)
    assert (asked, backend.prepared, heard.problems) == ([], [], [])
    more, asked, heard = run(backend, tmp_path / "b", url, [OLD, NEW])
    alone = engine(backend, tmp_path / "c", [OLD, NEW], [scenario("plain_fake")], formats=FORMATS).run()
    assert told(more.results) == told(alone.results)
    assert not [name for name in asked if name.startswith("tf-2.0/plain_fake/")]
    assert heard.problems == []
    assert unsound(tmp_path / "b") == []


def test_a_spoiled_cache_costs_time_and_nothing_else(backend: FakeBackend, tmp_path: Path, url: str) -> None:
    """
    Whatever stands under its keys, records and artifacts that cannot be understood are measured anew.
    """
    first, _, _ = run(backend, tmp_path / "a", url, [OLD])
    forged = [
        b"garbage",
        *(
            gzip.compress(json.dumps(one).encode())
            for one in ({}, {"said": 7}, {"said": ["x"]}, {"said": {"answer": 1}})
        ),
    ]
    for number, path in enumerate(objects(url)):
        overwritten(url, path, forged[number % len(forged)] if "records" in path else packed("../x"))

    second, _, heard = run(backend, tmp_path / "b", url, [OLD])

    assert told(second.results) == told(first.results)
    assert len(heard.problems) <= 1
    assert unsound(tmp_path / "b") == []


def test_another_artifact_under_a_key_is_saved_here(backend: FakeBackend, tmp_path: Path, url: str) -> None:
    """
    Files that do not have the digest of their record are never loaded.
    """
    run(backend, tmp_path / "a", url, [OLD])
    for path in objects(url):
        if "artifacts" in path:
            overwritten(url, path, packed("model.h5"))

    second, asked, _ = run(backend, tmp_path / "b", url, [OLD, NEW])

    alone = engine(backend, tmp_path / "c", [OLD, NEW], [scenario("plain_fake")], formats=FORMATS).run()
    assert letters(second) == letters(alone)
    assert "tf-2.0/plain_fake/plain/h5" in asked
    assert unsound(tmp_path / "b") == []


def test_a_run_goes_on_without_its_cache(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A store that is down is said once, and every cell is measured.
    """
    outcome, _, heard = run(backend, tmp_path / "a", "broken://x", [OLD])

    assert set(letters(outcome).values()) == {"R", "P"} or set(letters(outcome).values()) == {"P"}
    assert len(heard.problems) == 1


def test_the_cache_can_be_asked_after_a_run(backend: FakeBackend, tmp_path: Path, url: str) -> None:
    """
    As an audit does for an artifact that is not on this disk.
    """
    run(backend, tmp_path / "a", url, [OLD])
    heard = Heard()
    made = engine(
        backend,
        tmp_path / "b",
        [OLD],
        [scenario("plain_fake")],
        formats=FORMATS,
        heard=heard,
        shared=Shared(url, heard.problem),
    )
    with made.store.owned():
        made.run()
        artifacts = made.known[0]
        assert not any(one.intact for one in artifacts.values())
        assert all(made.writer.at_hand(one) for one in artifacts.values())

    assert unsound(tmp_path / "b") == []
