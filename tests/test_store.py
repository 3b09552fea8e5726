"""What was measured, kept."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrix.artifact import tree_digest
from matrix.errors import Incomplete
from matrix.store import SCHEMA, Store

KEY = "ab" + "0" * 62


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store in a folder that is not there yet."""
    return Store(tmp_path / "deep" / ".matrix")


def only_file(store: Store) -> Path:
    """The one file below a store."""
    (found,) = (path for path in store.root.rglob("*") if path.is_file())
    return found


def kept(store: Store, text: str = "model", name: str = "model.h5") -> tuple[Path, dict[str, str]]:
    """An artifact that was written and kept: its place, and what its record says of it."""
    with store.desk() as desk:
        path = desk / name
        path.write_text(text)
        record = {"file": name, "digest": tree_digest(path)}
        return store.keep(path, KEY), record


def test_what_was_put_is_found(store: Store) -> None:
    """
    By its key, with the schema, and by no other key.
    """
    store.put(KEY, {"said": [{"noise": "é \ud800 \u2028"}], "number": float("inf")})

    assert store.get(KEY) == {"schema": SCHEMA, "said": [{"noise": "é \ud800 \u2028"}], "number": float("inf")}
    assert store.get("ab" + "1" * 62) is None


def test_an_empty_store_answers(store: Store) -> None:
    """
    A folder that is not there knows nothing, and asking makes none.
    """
    assert store.get(KEY) is None
    assert store.facts(KEY) is None
    assert store.traceback(KEY) == ""
    assert store.artifact(KEY, {"file": "model.h5", "digest": ""}) is None
    assert store.prune() == 0
    assert not store.root.exists()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"schema": 1, "said": [{"cell"', id="cut-off"),
        pytest.param(b"\xff\xfe\x00", id="not-utf-8"),
        pytest.param(b"[1]", id="a-list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"said": []}', id="without-schema"),
        pytest.param(b'{"schema": 999, "said": []}', id="of-another-matrix"),
    ],
)
def test_a_record_that_cannot_be_read_is_none(store: Store, data: bytes) -> None:
    """
    It is measured again, and replaced.
    """
    store.put(KEY, {"said": []})
    only_file(store).write_bytes(data)

    assert store.get(KEY) is None

    store.put(KEY, {"said": [1]})
    assert store.get(KEY) == {"schema": SCHEMA, "said": [1]}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff"])
def test_facts_that_cannot_be_read_are_none(store: Store, data: bytes) -> None:
    """
    The next worker says them again.
    """
    store.put_facts(KEY, {"python": "3.8.20"})
    assert store.facts(KEY) == {"python": "3.8.20"}

    only_file(store).write_bytes(data)
    assert store.facts(KEY) is None


def test_a_traceback_is_kept_once(store: Store) -> None:
    """
    Any text, written by whoever comes first.
    """
    store.put_traceback(KEY, 'File "é", line 1\nlone \ud800')
    before = only_file(store).stat().st_mtime_ns

    store.put_traceback(KEY, 'File "é", line 1\nlone \ud800')

    assert store.traceback(KEY).startswith('File "é", line 1\nlone ')
    assert only_file(store).stat().st_mtime_ns == before


def test_a_traceback_that_cannot_be_read_is_empty(store: Store) -> None:
    """
    Bytes that are no text cost the text.
    """
    store.put_traceback(KEY, "text")
    only_file(store).write_bytes(b"\xff\xfe")

    assert store.traceback(KEY) == ""


def test_records_appear_whole(store: Store) -> None:
    """
    Eight threads write and read one key: every read is a whole record, and no draft is left.
    """
    records = [{"said": [str(number) * 20_000]} for number in range(8)]

    def work(record: dict[str, list[str]]) -> bool:
        for _ in range(20):
            store.put(KEY, record)
            found = store.get(KEY)
            if found is None or {"said": found["said"]} not in records:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, records))
    assert json.loads(only_file(store).read_bytes())["schema"] == SCHEMA


def test_an_artifact_goes_from_the_desk_to_its_place(store: Store) -> None:
    """
    Moved, not copied, and found with its digest.
    """
    with store.desk() as desk:
        (desk / "model.h5").write_text("model")
        digest = tree_digest(desk / "model.h5")

        place = store.keep(desk / "model.h5", KEY)

        assert list(desk.iterdir()) == []
    assert place.read_text() == "model"
    assert store.artifact(KEY, {"file": "model.h5", "digest": digest}) == place


def test_a_folder_is_an_artifact_too(store: Store) -> None:
    """
    A SavedModel moves as a whole.
    """
    with store.desk() as desk:
        folder = desk / "saved_model"
        (folder / "variables").mkdir(parents=True)
        (folder / "variables" / "index").write_text("x")
        digest = tree_digest(folder)
        store.keep(folder, KEY)

    assert store.artifact(KEY, {"file": "saved_model", "digest": digest}) is not None


def test_a_changed_artifact_is_none(store: Store) -> None:
    """
    What is not what was written is saved again.
    """
    place, record = kept(store)

    place.write_text("other")
    assert store.artifact(KEY, record) is None

    place.unlink()
    assert store.artifact(KEY, record) is None

    place.symlink_to("/dev/null")
    assert store.artifact(KEY, record) is None


def test_an_artifact_whose_record_was_lost_is_replaced(store: Store) -> None:
    """
    The new save has the place for itself, also when its file has another name.
    """
    old, _ = kept(store, "old")

    new, record = kept(store, "new", "model.keras")

    assert new.read_text() == "new"
    assert not old.exists()
    assert store.artifact(KEY, record) == new


def test_desks_are_private_and_go_away(store: Store) -> None:
    """
    Two saves never share a desk, and what was not kept goes with it, also after an error.
    """
    with store.desk() as one, store.desk() as other:
        (one / "model.h5").write_text("half")
        assert one != other

    with pytest.raises(ZeroDivisionError), store.desk() as third:
        raise ZeroDivisionError
    assert not any(desk.exists() for desk in (one, other, third))


def test_one_run_at_a_time_writes_here(store: Store) -> None:
    """
    A second run is refused and told about the first; when that one is gone, the next may.
    """
    with store.owned(), pytest.raises(Incomplete, match=f"process {os.getpid()} on "), Store(store.root).owned():
        pytest.fail("two runs own one store")
    with store.owned():
        assert store.root.is_dir()


def test_desks_of_a_killed_run_are_cleared(store: Store) -> None:
    """
    What it left half-written goes; what it kept stays.
    """
    place, _ = kept(store)
    leftover = store.root / "desk" / "0a" / "model.h5"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("half")

    with store.owned():
        assert not leftover.exists()
        assert place.exists()


def test_a_record_can_be_seen_without_reading_it(store: Store) -> None:
    """
    `has` tells what is known, for a plan.
    """
    store.put(KEY, {"said": []})

    assert store.has(KEY)
    assert not store.has("ab" + "1" * 62)


def test_pruning_gives_back_what_was_used(store: Store) -> None:
    """
    Everything goes, and the bytes are counted.
    """
    kept(store, "x" * 1_000)
    store.put(KEY, {"said": []})

    assert store.prune() > 1_000
    assert not store.root.exists()
