"""Failures in their stable words."""

from __future__ import annotations

import timeit

import pytest

from matrix.diagnosis.signatures import LENGTH, signature

DIGEST = "3f786850e387550fdab836ed7e6dc881de23001b0a2ea7ff2e1f1c3c8f1b1e2d"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        pytest.param("Unable to open file /home/me/run/model.h5", "Unable to open file PATH", id="path"),
        pytest.param("(name = '/a/b/model.h5', errno = 2)", "(name = 'PATH', errno = N)", id="quoted-path"),
        pytest.param("No file '/a/my own models/b/model.h5'", "No file 'PATH'", id="quoted-path-with-spaces"),
        pytest.param("filepath=/a/my models/b/model.keras. Or", "filepath=PATH Or", id="bare-path-with-a-space"),
        pytest.param("at: /a/b/{saved_model.pb|.pbtxt}", "at: PATH", id="path-with-choices"),
        pytest.param(f"No {DIGEST} here", "No ID here", id="digest"),
        pytest.param("Unknown layer: 'custom_layer_11'", "Unknown layer: 'custom_layer'", id="counter"),
        pytest.param("layer conv2d_3/kernel:0", "layer conv2d/kernel:N", id="counter-after-a-digit"),
        pytest.param("sub_model_2_dense_1", "sub_model_dense", id="counters-inside-a-name"),
        pytest.param("dense_1_2", "dense", id="counter-of-a-counter"),
        pytest.param("expected (None, 10), got (10,)", "expected SHAPE, got SHAPE", id="shapes"),
        pytest.param("TensorShape([None, 10]) and (?, 3)", "TensorShape(SHAPE) and SHAPE", id="shapes-of-1.x"),
        pytest.param("[4 10] [ 4,10 ] (-1, 3)", "SHAPE SHAPE SHAPE", id="shapes-of-numpy"),
        pytest.param("<Dense object at 0x7f3a5c0b2d60>", "<Dense object at ADDRESS>", id="address"),
        pytest.param("expected 2 layers, found 3.", "expected N layers, found N.", id="numbers"),
        pytest.param("error 1.5e-07 > 0.25", "error N > N", id="numbers-with-a-point"),
        pytest.param(
            "op in binary running on my-box.lan. Make sure", "op in binary running on HOST. Make sure", id="host"
        ),
        pytest.param("two\n  lines\tand tabs ", "two lines and tabs", id="white-space"),
    ],
)
def test_what_changes_from_cell_to_cell_is_taken_out(message: str, words: str) -> None:
    """
    Paths, digests, counters, shapes, addresses and numbers.
    """
    assert signature("ValueError", message) == f"ValueError: {words}"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Unknown layer: 'SigmoidTanhLayer'", id="class"),
        pytest.param("needs Keras 2.12.1 or newer", id="release"),
        pytest.param("float32 is not int8", id="types"),
        pytest.param("Unrecognized keyword: `batch_shape` and/or `ragged`", id="keywords"),
        pytest.param("object 'model_weights/dense' doesn't exist", id="name-inside-a-file"),
        pytest.param("Unbekannte Schicht: »Größe« 🙂", id="unicode"),
    ],
)
def test_what_tells_failures_apart_stays(message: str) -> None:
    """
    Names of classes, keywords and releases are what the failure is about.
    """
    assert signature("ValueError", message) == f"ValueError: {message}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            "File not found: filepath=/home/me/.matrix/desk/0a/h5/model.h5. Please ensure",
            "File not found: filepath=/data/b c/.matrix/desk/f9/h5/model.h5. Please ensure",
            id="where-the-project-is",
        ),
        pytest.param(
            "Layer 'dense_4' expected 2 variables, received 0. Expected: ['kernel:0']",
            "Layer 'dense_17' expected 4 variables, received 3. Expected: ['kernel:0']",
            id="order-of-cells",
        ),
        pytest.param(
            "Could not deserialize <keras.src.Functional object at 0x7f00>, shape=(None, 10)",
            "Could not deserialize <keras.src.Functional object at 0x55ffee>, shape=(None, 10, 4)",
            id="process-and-model",
        ),
        pytest.param("x" * 10_000 + " one", "x" * 10_000 + " other", id="end-of-a-long-message"),
    ],
)
def test_equal_failures_have_equal_signatures(one: str, other: str) -> None:
    """
    Whatever the machine, the order and the model.
    """
    assert signature("ValueError", one) == signature("ValueError", other)


def test_a_signature_is_its_own_signature() -> None:
    """
    Taking out twice takes out no more.
    """
    once = signature("E", "layer_3 at /a/b c/d.h5: (None, 10) != (1, 2), 0x7f and 12.5%")

    assert signature("E", once.removeprefix("E: ")) == once


def test_a_message_is_not_needed() -> None:
    """
    The type alone, without a colon.
    """
    assert signature("KeyError", " \n") == "KeyError"


def test_signatures_are_short() -> None:
    """
    A message of a hundred kilobytes still fits in a cell of a table.
    """
    assert len(signature("ValueError", "word " * 20_000)) <= len("ValueError: ") + LENGTH


@pytest.mark.parametrize(
    "piece",
    [
        "(1",
        "1",
        "1,",
        "1 ",
        "( ",
        "[None,",
        "/a",
        "/a/b{",
        "'/a/",
        "/",
        " /a/b c",
        "_1",
        "a_1",
        "0x",
        "1.",
        "1e",
        "\n",
        "(",
    ],
)
def test_no_message_is_slow(piece: str) -> None:
    """
    A hundred kilobytes of anything, ending in what fits no rule, take less than a tenth of a second.
    """
    message = "(" + piece * (100_000 // len(piece)) + "!"

    times = timeit.repeat(lambda: signature("ValueError", message), number=1, repeat=10)

    assert min(times) < 0.1  # the others waited for something else
