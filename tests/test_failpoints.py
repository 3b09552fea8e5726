"""Where a run can be made to fail on purpose."""

from __future__ import annotations

import errno
import signal
from types import FrameType

import pytest

from matrix.failpoints import VARIABLE, reach


def test_without_the_variable_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As for every user.
    """
    monkeypatch.delenv(VARIABLE, raising=False)

    found = [reach("unset.place") for _ in range(3)]  # type: ignore[func-returns-value]

    assert found == [None, None, None]


def test_an_error_is_raised_at_the_visit_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Once, as the system would raise it; at other places and visits nothing happens.
    """
    monkeypatch.setenv(VARIABLE, "once.place=ENOSPC:2,another.place=EIO:1")
    reach("once.place")

    with pytest.raises(OSError, match="No space left on device") as caught:
        reach("once.place")

    assert caught.value.errno == errno.ENOSPC
    reach("once.place")
    reach("third.place")
    with pytest.raises(OSError, match="Input/output error"):
        reach("another.place")


def test_a_disk_can_stay_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    From a visit on, every time.
    """
    monkeypatch.setenv(VARIABLE, "full.place=ENOSPC:2+")
    reach("full.place")

    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            reach("full.place")


def test_a_signal_is_sent_to_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    And heard as one from outside.
    """
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    before = signal.signal(signal.SIGUSR1, hear)
    monkeypatch.setenv(VARIABLE, "signal.place=SIGUSR1:1")

    reach("signal.place")

    signal.signal(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1]


@pytest.mark.parametrize("text", ["place", "place=kill", "place=kill:x", "place=kill:1++", "a=kill:1;b=kill:1"])
def test_a_rule_that_is_not_understood_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """
    A test that injects nothing would prove nothing.
    """
    monkeypatch.setenv(VARIABLE, text)

    with pytest.raises(ValueError, match="not understood"):
        reach("refused.place")
