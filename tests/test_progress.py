"""Who tells how a run goes on."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from matrix.lives import Listener
from matrix.outlook import LOAD_SECONDS, SAVE_SECONDS
from matrix.progress import Lines, Live, Pace, listener


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def told(told: Listener) -> None:
    """Tell of a small run."""
    told.phase("saving", 2)
    told.working("tf-2.12", "importing TensorFlow")
    told.done()
    told.problem("tf-2.4: no Python 3.8")
    told.done()
    told.working("tf-2.12", "")


def test_quiet_says_only_what_is_wrong() -> None:
    """
    One line for a broken environment, and nothing else.
    """
    stream = io.StringIO()

    with listener(quiet=True, stream=stream) as who:
        told(who)

    assert stream.getvalue() == "! tf-2.4: no Python 3.8\n"


def test_a_log_gets_whole_lines() -> None:
    """
    The phase, what an environment begins with, what is wrong, and the end of the phase.
    """
    stream = io.StringIO()

    with listener(quiet=False, stream=stream) as who:
        told(who)

    assert stream.getvalue().splitlines() == [
        "saving: 2 to do",
        "tf-2.12: importing TensorFlow",
        "! tf-2.4: no Python 3.8",
        "saving: 2 of 2",
    ]


def test_a_phase_with_nothing_to_do_is_silent_in_a_log() -> None:
    """
    When everything is known there is nothing to tell.
    """
    stream = io.StringIO()

    Lines(stream).phase("saving", 0)

    assert stream.getvalue() == ""


def test_a_log_counts_over_threads() -> None:
    """
    A thousand cells that finish in eight threads give one last line.
    """
    stream = io.StringIO()
    lines = Lines(stream)
    lines.phase("loading", 1_000)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(1_000):
            pool.submit(lines.done)

    assert stream.getvalue().splitlines() == ["loading: 1000 to do", "loading: 1000 of 1000"]


@pytest.mark.parametrize(
    ("saved", "loaded", "left"),
    [
        pytest.param(0, 0, "", id="nothing-known"),
        pytest.param(1_000, 0, "about 3 min left", id="cells-that-a-save-decided-take-no-time"),
        pytest.param(1_000, 9_999, "", id="nearly-there"),
    ],
)
def test_what_is_left_goes_by_what_it_took(saved: int, loaded: int, left: str) -> None:
    """
    A save takes longer than a load: after all of them, most of the parts are left, and not most of the time.
    """
    now = 0.0
    pace = Pace(21_000, saves=1_000, clock=lambda: now)
    for _ in range(saved):
        pace.done("save", 11)
        now += SAVE_SECONDS / 2
    for _ in range(loaded):
        pace.done("load", 1)
        now += LOAD_SECONDS / 2

    assert pace.left == left


def test_a_terminal_gets_a_bar() -> None:
    """
    The phase, the count and the environments that are at work; the bar is gone at the end.
    """
    stream = Terminal()

    with listener(quiet=False, stream=stream) as who:
        assert isinstance(who, Live)
        told(who)
        who.working("tf-2.19", "loading")
        who.progress.refresh()

    text = stream.getvalue()
    assert "! tf-2.4: no Python 3.8" in text
    assert "saving" in text
    assert "2/2" in text


@pytest.mark.parametrize(
    "message", ["took [2/3] in /a/[b]", "an end without a begin [/bold]", "[red]no colour[/red]", "[link=x]"]
)
def test_brackets_are_brackets(message: str) -> None:
    """
    A builder's line or an error is text, whatever it looks like to the library that draws the bar.
    """
    stream = Terminal()

    with listener(quiet=False, stream=stream) as who:
        assert isinstance(who, Live)
        who.working("tf-2.12", message)
        who.problem(message)
        who.progress.refresh()

    assert f"! {message}" in stream.getvalue()


class Gone(io.StringIO):
    """A stream whose other end was closed."""

    tries = 0

    def write(self, _text: str) -> int:
        """Fail as a pipe does."""
        self.tries += 1
        raise BrokenPipeError


def test_a_stream_that_goes_away_ends_nothing() -> None:
    """
    When the terminal or the log is closed, the run goes on in silence.
    """
    for quiet in (True, False):
        stream = Gone()
        with listener(quiet=quiet, stream=stream) as who:
            told(who)

        assert stream.tries == 1


def test_every_listener_is_one_for_the_engine() -> None:
    """
    All three can be told the same, and none keeps an error to itself.
    """
    for stream, quiet in ((io.StringIO(), True), (io.StringIO(), False), (Terminal(), False)):
        with listener(quiet=quiet, stream=stream) as who:
            told(who)

        assert "! tf-2.4: no Python 3.8" in stream.getvalue()
