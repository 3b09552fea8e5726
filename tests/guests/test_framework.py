"""What a child forgets from one cell to the next, on the interpreter that runs this file."""

import importlib.util
import os
import types

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
GUEST = os.path.join(os.path.dirname(os.path.dirname(HERE)), "matrix", "inside", "framework.py")
SPEC = importlib.util.spec_from_file_location("framework_of_the_guest", GUEST)
framework = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(framework)


class Tensor:
    """What a symbolic input is where all models are part of one graph."""


def made(calls, symbolic, resets):
    """A TensorFlow that notes what of its Keras is called."""
    backend = types.SimpleNamespace(clear_session=lambda: calls.append("clear_session"))
    if resets:
        backend.reset_uids = lambda: calls.append("reset_uids")
    config = types.SimpleNamespace(disable_traceback_filtering=lambda: calls.append("all frames"))
    keras = types.SimpleNamespace(Input=lambda _shape: symbolic, backend=backend, config=config)
    return types.SimpleNamespace(Tensor=Tensor, keras=keras, debugging=None)


@pytest.mark.parametrize(
    ("symbolic", "resets", "raised", "expected"),
    [
        pytest.param(object(), True, False, ["reset_uids"], id="2.4-after-success"),
        pytest.param(object(), True, True, ["clear_session", "all frames"], id="2.4-after-an-exception"),
        pytest.param(object(), False, False, [], id="3-after-success"),
        pytest.param(object(), False, True, ["clear_session", "all frames"], id="3-after-an-exception"),
        pytest.param(Tensor(), True, False, ["clear_session", "all frames"], id="1.15-after-success"),
    ],
)
def test_a_session_is_cleared_where_something_may_be_left(symbolic, resets, raised, expected):
    """
    After an exception, and where a graph would keep every model; and what clearing forgets of us is said again.
    """
    calls = []

    framework.Session(made(calls, symbolic, resets)).clear(raised)

    assert calls == expected
