"""Disks are full or fail: a run ends with a sentence, what was measured stays, and no model is blamed."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from pathlib import Path

import pytest
from hardships import needs_mounts, needs_strace, traced, until_traced
from ordeals import Ordeal
from programs import small_disk, until
from small import Small

from matrix.model import Format

PLAIN = Path(__file__).parent / "scenarios" / "plain_fake.py"


def test_fault_18_a_half_written_artifact_is_none(fake_environment: Path, tmp_path: Path) -> None:
    """
    A run that is killed while a saver writes leaves nothing under a key, and the next one writes all of it.
    """
    flag, script = tmp_path / "slow", tmp_path / "slowly.py"
    slow = f"""
import os, time

class Slow(tf.keras.layers.Dense):
    def get_config(self):
        while "(saved)" in __name__ and os.path.exists({str(flag)!r}):
            time.sleep(0.01)
        return super().get_config()
"""
    text = PLAIN.read_text("utf-8").replace("[tf.keras.layers.Dense(3)]", "[Slow(3)]")
    script.write_text(text.replace("\n\ndef build", f"\n{slow}\n\ndef build", 1), "utf-8")
    ordeal = Ordeal(Small(tmp_path, fake_environment, scenarios=(str(script),), formats=(Format.H5,)))
    flag.touch()

    halfway = ordeal.started()
    until(lambda: list((ordeal.small.store / "desk").glob("*/*/model.h5")))
    halfway.signal(signal.SIGKILL)
    halfway.ended()
    ordeal.survived()
    assert not list(ordeal.small.store.glob("artifacts/*/*"))

    flag.unlink()
    ordeal.ends()
    assert not list(ordeal.small.store.glob("desk/*"))


def starved_once(folder: Path, python: Path, scarce: str) -> bool:
    """Run on a disk that is too small, and again when it has grown; return False when it was not too small."""
    ordeal = Ordeal(Small(folder, python))
    program = small_disk(ordeal.small, scarce, "size=64m,nr_inodes=10000")
    code = program.ended()
    if code == 0:
        return False
    assert code == 40, program.said
    assert "No space left on device" in program.said or "disk is full" in program.said
    done = (folder / "done-scarce").read_text("utf-8").split()
    asked_before = (folder / "asked-scarce").read_text("utf-8").split()
    asked = ordeal.small.journal.read("asked")[len(asked_before) :]
    assert set(done) & set(asked) == set()
    shutil.rmtree(ordeal.small.store)
    shutil.move(folder / "copy", ordeal.small.store)
    ordeal.settled()
    return True


def test_fault_19_a_full_disk_stops_a_run_that_goes_on_later(fake_environment: Path, tmp_path: Path) -> None:
    """
    Wherever the disk is full first (the index, an artifact, a record), the run ends with 4 and the reason; what it
    acknowledged is there when there is room again, and is not measured twice.
    """
    needs_mounts()
    rooms = [40]

    while starved_once(tmp_path / str(rooms[-1]), fake_environment, f"size={rooms[-1]}k"):
        rooms.append(rooms[-1] + 14)

    assert len(rooms) > 3


def test_fault_19_a_disk_without_room_for_names_is_full(fake_environment: Path, tmp_path: Path) -> None:
    """
    Bytes are left, but no file can be made: the same.
    """
    needs_mounts()

    assert starved_once(tmp_path, fake_environment, "nr_inodes=14")


@pytest.mark.parametrize(
    ("place", "error"),
    [
        pytest.param("store.before_fsync", "ENOSPC", id="20-full"),
        pytest.param("store.before_move", "ENOSPC", id="20-artifact"),
        pytest.param("store.before_fsync", "EIO", id="21-broken"),
    ],
)
def test_fault_20_records_that_cannot_be_written_stop_the_run(
    fake_environment: Path, tmp_path: Path, place: str, error: str
) -> None:
    """
    From its first, second, third ... record on the disk takes no more: the run ends with 4 and says where, nothing is
    called done that is not there, and the same command goes on.
    """
    ordeal = Ordeal(Small(tmp_path, fake_environment, formats=(Format.H5,)))
    visit = 1

    while (code := ordeal.disturbed(f"{place}={error}:{visit}+")) != 0:
        assert code == 4
        assert f"The results cannot be kept in {ordeal.small.store}" in ordeal.last.said
        assert os.strerror(getattr(errno, error)) in ordeal.last.said
        visit += 1

    assert visit > 1
    ordeal.settled()


@pytest.mark.parametrize("call", ["fsync", "fdatasync"])
def test_fault_21_what_could_not_be_synchronised_is_not_believed(
    fake_environment: Path, tmp_path: Path, call: str
) -> None:
    """
    The kernel fails one synchronisation: that record is not there, it is not tried again, and the run ends with 4.
    """
    needs_strace()
    ordeal = Ordeal(Small(tmp_path, fake_environment, formats=(Format.H5,)))
    times = 1

    while (code := traced(ordeal.started(before=until_traced), call, f"error=EIO:when={times}")) != 0:
        assert code == 4
        ordeal.survived()
        times += 1

    assert times > (call == "fsync")
    ordeal.settled()
