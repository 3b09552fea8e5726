"""From what a worker said to a letter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from values import CELL, line, loaded, of_array, packed, raised, saved

from matrix.judge import OWN_WAY, Difference, attempt, difference, ending_in_words, result, traceback_text
from matrix.model import Stage, Status, Tolerance
from matrix.protocol import Loaded, Raised, Saved, transcript
from matrix.results import Attempt

NAN, INF = float("nan"), float("inf")
DEFAULT = Tolerance()
EXACT = Tolerance(absolute=0.0, relative=0.0)
WRITER = Saved(packed(1.0), of_array(np.array([[0.25, 0.75]], "f4")), {})
SAME = loaded(WRITER.outputs)


def compared(ours: Any, theirs: Any, tolerance: Tolerance = DEFAULT) -> Difference:
    """The difference of two packed outputs that can be compared."""
    found = difference(Saved({}, ours, {}), Loaded(theirs, {}), tolerance)
    assert isinstance(found, Difference)
    return found


def judged(answer: Any, reference: Saved | None = WRITER, **more: Any) -> Attempt:
    """The attempt that a line of a worker is."""
    return attempt(transcript(line(answer, **more)), reference, DEFAULT)


@pytest.mark.parametrize(
    ("ours", "theirs", "close"),
    [
        pytest.param(1.0, 1.0, True, id="equal"),
        pytest.param(1.0, 1.0001, True, id="within-the-relative-part"),
        pytest.param(1.0, 1.0002, False, id="beyond-the-relative-part"),
        pytest.param(0.0, 9e-6, True, id="within-the-absolute-part"),
        pytest.param(0.0, 2e-5, False, id="beyond-the-absolute-part"),
        pytest.param(0.0, -0.0, True, id="both-zeros"),
        pytest.param(1.0, NAN, False, id="reader-nan"),
        pytest.param(NAN, 1.0, False, id="writer-nan"),
        pytest.param(NAN, NAN, False, id="both-nan"),
        pytest.param(INF, INF, True, id="equal-infinities"),
        pytest.param(INF, -INF, False, id="opposite-infinities"),
        pytest.param(INF, 0.0, False, id="everything-is-within-a-part-of-infinity"),
        pytest.param(0.0, INF, False, id="reader-infinite"),
        pytest.param(0.0, 1e308, False, id="ratio-too-large-for-a-float"),
    ],
)
def test_close(ours: float, theirs: float, *, close: bool) -> None:
    """
    |writer - reader| <= absolute + relative * |writer|, in finite numbers; without a warning of numpy.
    """
    assert compared(packed(ours, dtype="<f8"), packed(theirs, dtype="<f8")).close is close


def test_one_bad_element_is_enough() -> None:
    """
    A NaN among a thousand equal numbers, in the last of two outputs.
    """
    good = np.ones((2, 500), "f4")
    bad = good.copy()
    bad[1, 499] = NAN

    found = compared({"list": [of_array(good)] * 2}, {"list": [of_array(good), of_array(bad)]})

    assert not found.close
    assert found.max_abs == found.max_rel == INF


def test_the_worst_numbers_are_kept() -> None:
    """
    The largest absolute and the largest relative error, wherever they are.
    """
    found = compared(packed(100.0, 0.5, dtype="<f8"), packed(102.0, 0.75, dtype="<f8"))

    assert found == Difference(close=False, max_abs=2.0, max_rel=0.5, flips=0)


@pytest.mark.parametrize(
    ("ours", "theirs", "gap"),
    [
        pytest.param(of_array(np.array([1, 2])), of_array(np.array([1, 2])), 0.0, id="equal-integers"),
        pytest.param(of_array(np.array([1, 2])), of_array(np.array([1, 3])), 1.0, id="integers"),
        pytest.param(of_array(np.array([1], "u1")), of_array(np.array([2], "u1")), 1.0, id="below-zero-in-uint8"),
        pytest.param(of_array(np.array([True])), of_array(np.array([True])), 0.0, id="equal-booleans"),
        pytest.param(of_array(np.array([True])), of_array(np.array([False])), 1.0, id="booleans"),
        pytest.param(of_array(np.array([1], "i4")), of_array(np.array([1.0], "f4")), 0.0, id="integer-and-float"),
        pytest.param(of_array(np.array(2.0)), of_array(np.array(2.5)), 0.5, id="scalars"),
        pytest.param(of_array(np.array([1.0], ">f8")), of_array(np.array([1.0], "<f4")), 0.0, id="byte-orders"),
    ],
)
def test_all_kinds_of_numbers_are_compared(ours: Any, theirs: Any, gap: float) -> None:
    """
    Integers, booleans and scalars differ as numbers do.
    """
    found = compared(ours, theirs, EXACT)

    assert (found.max_abs, found.close) == (gap, gap == 0)


def test_flips_are_rows_that_changed_their_maximum() -> None:
    """
    Counted also where the numbers are within the tolerance.
    """
    ours = np.array([[0.1, 0.9], [0.5, 0.500001], [0.8, 0.2]])
    theirs = np.array([[0.1, 0.9], [0.500001, 0.5], [0.8, 0.2]])

    found = compared(of_array(ours), of_array(theirs))

    assert (found.close, found.flips) == (True, 1)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(packed(1.0, 2.0), packed(1.0), id="shorter"),
        pytest.param(packed(1.0), of_array(np.array([[1.0]], "f4")), id="another-rank"),
        pytest.param(of_array(np.zeros((2, 3), "f4")), of_array(np.zeros((3, 2), "f4")), id="transposed"),
        pytest.param(packed(1.0), {"list": [packed(1.0), packed(1.0)]}, id="more-outputs"),
        pytest.param(packed(1.0), {"list": []}, id="no-output"),
    ],
)
def test_outputs_of_another_shape_are_drift(ours: Any, theirs: Any) -> None:
    """
    Nothing is broadcast: the model predicts something else, and no number is invented.
    """
    found = judged(loaded(theirs), Saved({}, ours, {}))

    assert (found.status, found.stage) == (Status.DRIFT, Stage.COMPARE)
    assert (found.max_abs_error, found.max_rel_error, found.argmax_flips) == (None, None, None)
    assert "shapes" in found.message


def test_one_output_is_compared_however_it_is_wrapped() -> None:
    """
    A signature answers a dictionary where `predict` gave an array; the leaves count.
    """
    assert compared(packed(1.0), {"dict": {"output_0": packed(1.0)}}).close


def test_equal_outputs_pass_with_their_numbers() -> None:
    """
    P, at the stage `compare`, with zero errors.
    """
    assert judged(SAME) == Attempt(
        rung="as it is",
        status=Status.PASS,
        stage=Stage.COMPARE,
        max_abs_error=0.0,
        max_rel_error=0.0,
        argmax_flips=0,
        seconds=0.5,
    )


def test_other_outputs_drift_with_their_numbers() -> None:
    """
    D says how far, and has one signature for all.
    """
    found = judged(loaded(of_array(np.array([[0.75, 0.25]], "f4"))))

    assert (found.status, found.signature, found.max_abs_error, found.argmax_flips) == ("D", "outputs differ", 0.5, 1)
    assert "0.5" in found.message


def test_tolerance_is_the_hosts() -> None:
    """
    The same words of a worker are judged again under another tolerance.
    """
    said = transcript(line(loaded(of_array(np.array([[0.26, 0.74]], "f4")))))

    assert attempt(said, WRITER, DEFAULT).status is Status.DRIFT
    assert attempt(said, WRITER, Tolerance(absolute=0.02)).status is Status.PASS


@pytest.mark.parametrize(
    ("ending", "status", "said"),
    [
        pytest.param("timeout", Status.TIMEOUT, "killed after its time limit", id="timeout"),
        pytest.param("signal 11", Status.CRASH, "killed by SIGSEGV", id="segfault"),
        pytest.param("signal 9", Status.CRASH, "killed by SIGKILL", id="killed"),
        pytest.param("signal 250", Status.CRASH, "killed by signal 250", id="unknown-signal"),
        pytest.param("no result", Status.CRASH, "ended without a result", id="no-result"),
        pytest.param("protocol", Status.CRASH, "wrote something that is no result", id="protocol"),
    ],
)
@pytest.mark.parametrize("answer", [pytest.param(None, id="silent"), pytest.param(SAME, id="after-an-answer")])
def test_a_child_that_died_says_nothing_about_the_outcome(answer: Any, ending: str, status: Status, said: str) -> None:
    """
    T for a time limit, C for everything else, also when the child had answered already.
    """
    found = judged(answer, ending=ending, stage="weights")

    assert (found.status, found.stage, found.message) == (status, Stage.WEIGHTS, said)
    assert found.signature == f"{status.word}: {said} at weights"


def test_a_child_that_exited_without_an_answer_crashed() -> None:
    """
    Silence is never a pass.
    """
    assert judged(None).status is Status.CRASH


def test_the_end_of_its_noise_explains_a_death() -> None:
    """
    The last two thousand characters; the signature has none of them.
    """
    found = judged(None, ending="signal 6", noise="x" * 5_000 + "terminate called\n")

    assert found.message.startswith("killed by SIGABRT\nxxx")
    assert found.message.endswith("terminate called")
    assert len(found.message) < 2_100
    assert "terminate" not in found.signature


@pytest.mark.parametrize(
    ("answer", "more", "status", "message"),
    [
        pytest.param(SAME, {}, Status.PASS, "first try: killed by SIGKILL", id="pass"),
        pytest.param(
            raised(("ValueError", "Unknown layer")),
            {},
            Status.FAIL,
            "Unknown layer\nfirst try: killed by SIGKILL",
            id="fail",
        ),
        pytest.param(
            None,
            {"ending": "timeout", "noise": "File h.py"},
            Status.TIMEOUT,
            "killed after its time limit\nFile h.py\nfirst try: killed by SIGKILL",
            id="timeout",
        ),
    ],
)
def test_a_first_try_that_died_is_told_and_changes_nothing(
    answer: Any, more: dict[str, Any], status: Status, message: str
) -> None:
    """
    The letter is that of the second try; the message says how the first one ended.
    """
    again = judged(answer, first="signal 9", **more)

    assert (again.status, again.message) == (status, message)
    assert again.signature == judged(answer, **more).signature


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        pytest.param(raised(("MemoryError", "")), {}, id="python"),
        pytest.param(raised(("OSError", "[Errno 12] Cannot allocate memory")), {}, id="kernel"),
        pytest.param(raised(("RuntimeError", "std::bad_alloc"), ("ValueError", "x")), {}, id="outer-exception"),
        pytest.param(None, {"ending": "signal 6", "noise": "what():  std::bad_alloc"}, id="abort"),
        pytest.param(None, {"ending": "no result", "noise": "MemoryError"}, id="while-telling"),
    ],
)
def test_running_out_of_memory_is_a_crash(answer: Any, more: dict[str, Any]) -> None:
    """
    It is our limit that was hit, so it is C and never F.
    """
    assert judged(answer, **more).status is Status.CRASH


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        pytest.param(saved(packed(1.0)), WRITER, id="a-load-that-saved"),
        pytest.param(SAME, None, id="a-save-that-loaded"),
    ],
)
def test_the_answer_to_another_question_is_no_pass(answer: Any, reference: Saved | None) -> None:
    """
    A scenario's code can write what it likes; what was not asked is a broken protocol.
    """
    found = judged(answer, reference)

    assert (found.status, found.message) == (Status.CRASH, "wrote something that is no result")


def test_an_artifact_that_is_there_is_a_pass() -> None:
    """
    A save is compared with nothing.
    """
    found = judged(saved(packed(1.0)), None)

    assert (found.status, found.stage, found.max_abs_error) == (Status.PASS, Stage.SAVE, None)


def test_what_a_reader_lacks_is_a_failure() -> None:
    """
    Only a writer decides about U.
    """
    found = judged({"unsupported": "no saved_model.load"})

    assert (found.status, found.message) == (Status.FAIL, "no saved_model.load")


def test_the_innermost_exception_explains_a_failure() -> None:
    """
    Not the wrapper; the message of the own way is kept whole, its signature is short.
    """
    text = "Unknown layer: 'custom_layer_11'. " + "x" * 10_000
    said = transcript(line(raised(("RuntimeError", "wrapped"), ("ValueError", text))))

    found = attempt(said, WRITER, DEFAULT, rung=OWN_WAY)

    assert (found.status, found.exception, found.message) == (Status.FAIL, "ValueError", text)
    assert found.signature.startswith("ValueError: Unknown layer: 'custom_layer'. xxx")
    assert len(found.signature) < 300


def test_frames_tell_the_stage_of_a_failure() -> None:
    """
    A traceback through `load_own_variables` got as far as the weights.
    """
    frame: list[object] = ["keras/src/saving/saving_lib.py", 5, "load_own_variables"]

    assert judged(raised(("ValueError", ""), frames=(frame,))).stage is Stage.WEIGHTS


def test_equal_failures_share_a_traceback() -> None:
    """
    The digest leaves out what changes from cell to cell, and keeps frames.
    """
    one = judged(raised(("ValueError", "No file at /a/b/c.h5 in layer_1")))
    same = judged(raised(("ValueError", "No file at /d/e/f/g.h5 in layer_22")))
    frame: list[object] = ["keras/other.py", 1, "f"]
    other = judged(raised(("ValueError", "No file at /a/b/c.h5 in layer_1"), frames=(frame,)))

    assert one.traceback == same.traceback
    assert one.traceback != other.traceback


def test_a_traceback_reads_cause_first() -> None:
    """
    The innermost exception, then what it led to, each with its frames.
    """
    said = transcript(line(raised(("RuntimeError", "wrapped"), ("ValueError", "bad"))))
    assert isinstance(said.answer, Raised)

    assert traceback_text(said.answer.chain) == (
        '  File "keras/src/saving/saving_api.py", line 196, in load_model\nValueError: bad'
        "\n\nwhich led to\n\n"
        '  File "keras/src/saving/saving_api.py", line 196, in load_model\nRuntimeError: wrapped'
    )


def test_an_ending_is_said_in_words() -> None:
    """
    A way to end that a newer worker knows is said as it is.
    """
    assert ending_in_words("signal 15") == "killed by SIGTERM"
    assert ending_in_words("frozen") == "frozen"


def tried(*letters: str) -> list[Attempt]:
    """Attempts with these letters."""
    return [
        Attempt(rung=f"rung {number}", status=Status(letter), stage=Stage.COMPARE)
        for number, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "status", "remedy"),
    [
        pytest.param("P", "P", "", id="own-way"),
        pytest.param("D", "D", "", id="drift"),
        pytest.param("F", "F", "", id="no-remedy-to-try"),
        pytest.param("FFF", "F", "", id="nothing-helps"),
        pytest.param("FFP", "R", "rung 2", id="remedied"),
        pytest.param("CP", "R", "rung 1", id="a-crash-is-remedied"),
        pytest.param("TFP", "R", "rung 2", id="a-timeout-is-remedied"),
        pytest.param("FDPP", "R", "rung 2", id="the-first-that-passed"),
        pytest.param("FD", "F", "", id="other-numbers-are-no-remedy"),
        pytest.param("TCF", "T", "", id="its-own-way-gives-the-letter"),
    ],
)
def test_the_letter_of_a_cell(letters: str, status: str, remedy: str) -> None:
    """
    Its own way decides, unless it failed and a rung passed.
    """
    found = result(CELL, tried(*letters), "hdf5")

    assert (found.status, found.remedy, found.container) == (status, remedy, "hdf5")
    assert found.attempts == tuple(tried(*letters))


def test_a_name_for_the_first_attempt() -> None:
    """
    The engine calls it `own way`, whatever the worker called it.
    """
    said = transcript(line(SAME))

    assert attempt(said, WRITER, DEFAULT, rung="own way") == replace(judged(SAME), rung="own way")
