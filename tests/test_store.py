"""What was measured, kept."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from values import CELL

from matrix.artifact import Artifact, tree_digest
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
    assert Store(store.root).traceback(KEY) == ""
    assert store.keys() == frozenset()
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

    assert Store(store.root).traceback(KEY) == ""


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
    assert store.place(KEY, "model.h5") == place
    assert tree_digest(place) == digest


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

    assert tree_digest(store.place(KEY, "saved_model")) == digest


def test_a_changed_artifact_is_not_intact(store: Store) -> None:
    """
    What is not what was written is seen: changed, deleted, or a link to something else.
    """
    place, record = kept(store)
    written = Artifact(save=CELL.save, key=KEY, path=place, digest=record["digest"])
    seen = [written.intact]

    place.write_text("other")
    seen.append(written.intact)
    place.unlink()
    seen.append(written.intact)
    place.symlink_to("/dev/null")
    seen.append(written.intact)

    assert seen == [True, False, False, False]


def test_a_damaged_artifact_is_put_aside(store: Store) -> None:
    """
    It can be looked at later, and its save is not known any more.
    """
    place, _ = kept(store)
    store.put(KEY, {"said": []})

    store.quarantine(KEY)
    store.quarantine(KEY)  # also when it is gone already

    (aside,) = (store.root / "quarantine").glob("*/model.h5")
    assert (aside.read_text(), place.exists(), store.get(KEY)) == ("model", False, None)


def test_an_artifact_whose_record_was_lost_is_replaced(store: Store) -> None:
    """
    The new save has the place for itself, also when its file has another name.
    """
    old, _ = kept(store, "old")

    new, record = kept(store, "new", "model.keras")

    assert new.read_text() == "new"
    assert not old.exists()
    assert tree_digest(new) == record["digest"]


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


def test_all_records_are_seen_without_reading_them(store: Store) -> None:
    """
    `keys` tells what is there, drafts left out.
    """
    other = "cd" + "1" * 62
    for key in (KEY, other):
        store.put(key, {"said": []})
    (store.root / "results" / "ab" / f".{KEY}.json.draft").write_text("half")

    assert store.keys() == {KEY, other}


def test_pruning_gives_back_what_was_used(store: Store) -> None:
    """
    Everything goes, and the bytes are counted.
    """
    kept(store, "x" * 1_000)
    store.put(KEY, {"said": []})

    assert store.prune() > 1_000
    assert not store.root.exists()
