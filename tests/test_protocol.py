"""What the host asks a worker, and what it believes of the answer."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from values import CELL, FRAME, line, loaded, of_array, packed, raised, saved

from matrix.model import Format, Rung, Stage, Variant, Way
from matrix.protocol import (
    Answer,
    Hello,
    Item,
    Loaded,
    Problem,
    ProtocolError,
    Raised,
    Request,
    Saved,
    Transcript,
    Unsupported,
    arrays,
    hello,
    problems,
    transcript,
)

GREETING = {
    "python": "3.8.20",
    "tensorflow": "2.4.4",
    "keras": "2.4.0",
    "numpy": "1.19.5",
    "h5py": "2.10.0",
    "safe_mode": False,
    "register": True,
    "tfsm": False,
    "start": "fork",
    "fence": True,
}


def nested(depth: int) -> dict[str, Any]:
    """A structure of lists in lists."""
    value: dict[str, Any] = packed(1.0)
    for _ in range(depth):
        value = {"list": [value]}
    return value


def test_a_request_is_one_line_of_json() -> None:
    """
    The line has all that `matrix/inside/__main__.py` promises to read, and nothing else.
    """
    ways = (
        Rung(),
        Rung(code=Variant.CUSTOM_OBJECTS, compile=False),
        Rung(code=Variant.REGISTERED, safe_mode=False, call=True),
        Rung(way=Way.TFSM),
    )
    request = Request(
        task="load",
        scenario="plain",
        script="plain.py",
        code="load",
        items=[
            Item(
                id=rung.name,
                format=Format.KERAS,
                path="model é\n.keras",
                inputs="key",
                registered=True,
                rung=rung,
                resave=(Format.H5, "again.h5") if rung.way is Way.TFSM else None,
            )
            for rung in ways
        ],
        inputs={"key": packed(1.0)},
        timeout=20.0,
        memory=1 << 30,
        isolation="cell",
    )

    text = json.dumps(request.to_json("7"))

    assert "\n" not in text
    assert json.loads(text) == {
        "request": "7",
        "task": "load",
        "scenario": {"name": "plain", "path": "plain.py"},
        "code": "load",
        "cells": [
            {
                "id": name,
                "format": "keras",
                "path": "model é\n.keras",
                "inputs": "key",
                "rung": {
                    "name": name,
                    "way": way,
                    "custom_objects": custom,
                    "packaged": True,
                    "compile": compiled,
                    "safe_mode": safe,
                    "call": call,
                },
                "resave": None if name != "tfsm" else {"format": "h5", "path": "again.h5"},
            }
            for name, way, custom, compiled, safe, call in (
                ("as it is", "own", False, True, True, False),
                ("custom_objects+compile=False", "own", True, False, True, False),
                ("registered+safe_mode=False+call", "own", False, True, False, True),
                ("tfsm", "tfsm", False, True, True, False),
            )
        ],
        "inputs": {"key": packed(1.0)},
        "timeout": 20.0,
        "memory": 1 << 30,
        "isolation": "cell",
    }


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        pytest.param(loaded(packed(1.0)), Loaded(packed(1.0), {}), id="loaded"),
        pytest.param(saved(packed(1.0)), Saved(packed(1.0), packed(1.0), {}), id="saved"),
        pytest.param({"unsupported": "no export"}, Unsupported("no export"), id="unsupported"),
        pytest.param(
            raised(("ValueError", "outer"), ("KeyError", "inner")),
            Raised(
                tuple(
                    Problem(type=kind, message=text, frames=(("keras/src/saving/saving_api.py", 196, "load_model"),))
                    for kind, text in (("ValueError", "outer"), ("KeyError", "inner"))
                )
            ),
            id="raised",
        ),
        pytest.param(None, None, id="silence"),
    ],
)
def test_a_line_means_a_transcript(answer: Any, meant: Answer | None) -> None:
    """
    Each kind of answer is a value of its own, and so is none.
    """
    assert transcript(line(answer)) == Transcript(
        cell=CELL.id, rung="as it is", stage=Stage.READ, ending="exited", seconds=0.5, noise="", answer=meant
    )


def test_a_line_tells_how_a_first_try_ended() -> None:
    """
    A cell whose child died is tried once more; lines of older workers say nothing of it.
    """
    assert transcript(line(first="signal 9")).first == "signal 9"
    assert transcript(line(first="")).first == transcript(line()).first == ""


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="nothing"),
        pytest.param([1], id="a-list"),
        pytest.param({key: value for key, value in line().items() if key != "noise"}, id="a-part-is-missing"),
        pytest.param(line(stage="thinking"), id="unknown-stage"),
        pytest.param(line(ending="well"), id="unknown-ending"),
        pytest.param(line(ending="signal nine"), id="signal-without-number"),
        pytest.param(line(ending="signal 9\nexited"), id="two-endings"),
        pytest.param(line(first="well"), id="unknown-first-ending"),
        pytest.param(line(seconds="soon"), id="seconds-in-words"),
        pytest.param(line(seconds=float("nan")), id="seconds-not-a-number"),
        pytest.param(line(seconds=float("inf")), id="seconds-without-end"),
        pytest.param(line(seconds=-1), id="seconds-before-the-start"),
        pytest.param(line(seconds=10**400), id="seconds-too-many-for-a-float"),
        pytest.param(line([1]), id="answer-as-list"),
        pytest.param(line("loaded"), id="answer-as-text"),
        pytest.param(line({}), id="answer-without-kind"),
        pytest.param(line({**loaded(packed(1.0)), "unsupported": "x"}), id="two-answers"),
        pytest.param(line({"passed": True}), id="unknown-kind"),
        pytest.param(line({"loaded": None}), id="loaded-nothing"),
        pytest.param(line({"loaded": {"outputs": packed(1.0)}}), id="loaded-without-weights"),
        pytest.param(line({"saved": {"outputs": packed(1.0), "state": {}}}), id="saved-without-inputs"),
        pytest.param(line(saved({"list": []})), id="saved-without-outputs"),
        pytest.param(line(saved(of_array(np.zeros((4, 0), "f4")))), id="saved-without-a-number"),
        pytest.param(line({"raised": []}), id="no-exception"),
        pytest.param(line({"raised": "ValueError"}), id="exception-as-text"),
        pytest.param(line({"raised": [{"type": "E", "message": ""}]}), id="exception-without-frames"),
        pytest.param(line({"raised": [{"type": "E", "message": "", "frames": [["f", "x", "g"]]}]}), id="line-in-words"),
        pytest.param(line({"raised": [{"type": "E", "message": "", "frames": [[*FRAME, 1]]}]}), id="long-frame"),
    ],
)
def test_a_line_that_means_nothing_is_refused(facts: Any) -> None:
    """
    Whatever a scenario's code makes of the line, the only exception is ProtocolError.
    """
    with pytest.raises(ProtocolError):
        transcript(facts)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param({"dtype": "|O", "shape": [1], "data": "AAAAAAAAAAA="}, id="objects"),
        pytest.param({"dtype": "<U1", "shape": [1], "data": "YQAAAA=="}, id="text"),
        pytest.param({"dtype": "<c8", "shape": [1], "data": "AAAAAAAAAAA="}, id="complex"),
        pytest.param({"dtype": "<M8[ns]", "shape": [1], "data": "AAAAAAAAAAA="}, id="dates"),
        pytest.param({"dtype": "|V4", "shape": [1], "data": "AAAAAA=="}, id="void"),
        pytest.param({"dtype": "<f3", "shape": [0], "data": ""}, id="no-such-type"),
        pytest.param({"dtype": "<f4,<f4", "shape": [0], "data": ""}, id="fields"),
        pytest.param({"dtype": "<f4,(2,", "shape": [0], "data": ""}, id="type-with-broken-syntax"),
        pytest.param({"dtype": "(999999999,)f8", "shape": [0], "data": ""}, id="type-with-a-shape"),
        pytest.param({"dtype": None, "shape": [0], "data": ""}, id="type-none"),
        pytest.param({"dtype": [["a", "<f4"]], "shape": [0], "data": ""}, id="type-as-list"),
        pytest.param({"dtype": "<f4", "shape": [-1], "data": "AAAAAA=="}, id="negative-size"),
        pytest.param({"dtype": "<f4", "shape": [-1, -1], "data": "AAAAAA=="}, id="two-negative-sizes"),
        pytest.param({"dtype": "<f4", "shape": [2], "data": "AAAAAA=="}, id="too-few-bytes"),
        pytest.param({"dtype": "<f4", "shape": [], "data": "AAAAAAAA"}, id="too-many-bytes"),
        pytest.param({"dtype": "<f4", "shape": [10**30], "data": ""}, id="huge-size"),
        pytest.param({"dtype": "<f4", "shape": [0, 10**30], "data": ""}, id="huge-size-of-nothing"),
        pytest.param({"dtype": "<f4", "shape": [0] * 100, "data": ""}, id="a-hundred-dimensions"),
        pytest.param({"dtype": "<f4", "shape": [float("inf")], "data": ""}, id="infinite-size"),
        pytest.param({"dtype": "<f4", "shape": [None], "data": ""}, id="open-size"),
        pytest.param({"dtype": "<f4", "shape": [1], "data": "A A A A A A = ="}, id="base64-with-spaces"),
        pytest.param({"dtype": "<f4", "shape": [1], "data": "é"}, id="no-base64"),
        pytest.param({"dtype": "<f4", "shape": [0], "data": []}, id="data-as-list"),
        pytest.param({"dict": [packed(1.0)]}, id="dict-as-list"),
        pytest.param({"dict": [1]}, id="dict-as-list-of-numbers"),
        pytest.param({"list": 5}, id="list-as-number"),
        pytest.param("list", id="text"),
        pytest.param(nested(20_000), id="nested-too-deep"),
    ],
)
def test_forged_arrays_are_refused(forged: Any) -> None:
    """
    No object is made, no memory is taken, no stack overflows: the line is a broken protocol.
    """
    with pytest.raises(ProtocolError):
        transcript(line(loaded(forged)))


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.array([[1.5, -2.0]], "<f4"), id="float32"),
        pytest.param(np.array([1.5], ">f8"), id="big-endian"),
        pytest.param(np.array([1.5], "<f2"), id="float16"),
        pytest.param(np.array([True, False]), id="boolean"),
        pytest.param(np.array([-1], "i1"), id="int8"),
        pytest.param(np.array([2**64 - 1], "u8"), id="uint64"),
        pytest.param(np.array(7.0), id="scalar"),
        pytest.param(np.zeros((0, 3), "f4"), id="empty"),
        pytest.param(np.array([np.nan, np.inf]), id="not-finite"),
    ],
)
def test_arrays_come_back_as_they_were(array: np.ndarray[Any, Any]) -> None:
    """
    Type, shape and every bit.
    """
    (found,) = arrays(of_array(array))

    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_leaves_come_in_order() -> None:
    """
    Lists in their order, dictionaries by key, whatever the order in which they were written.
    """
    value = {"dict": {"b": packed(3.0), "a": {"list": [packed(1.0), packed(2.0)]}}}

    assert [float(array[0]) for array in arrays(value)] == [1.0, 2.0, 3.0]


def test_a_greeting_is_kept_and_more_is_ignored() -> None:
    """
    A worker may say more than this host knows.
    """
    assert hello({**GREETING, "machine": "x"}) == Hello(**GREETING)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", GREETING)
def test_a_greeting_is_complete(name: str) -> None:
    """
    Each fact is needed.
    """
    with pytest.raises(ProtocolError, match=name):
        hello({key: value for key, value in GREETING.items() if key != name})


def test_a_worker_that_cannot_start_describes_why() -> None:
    """
    Its chain of exceptions is the same as that of a cell.
    """
    chain = raised(("ImportError", "libcuda"))["raised"]

    assert problems(chain) == (
        Problem(type="ImportError", message="libcuda", frames=(("keras/src/saving/saving_api.py", 196, "load_model"),)),
    )


def test_every_stage_that_a_guest_announces_is_let_through() -> None:
    """
    A worker ends a child that says what no child says, so it knows all stages, and so does the host.
    """
    inside = Path(__file__).parents[1] / "matrix" / "inside"
    calls = [
        node
        for path in inside.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "reach"
    ]
    announced = {node.args[0].value for node in calls if isinstance(node.args[0], ast.Constant)}
    known = ast.literal_eval(re.findall(r"STAGES = frozenset\((.*)\)", (inside / "log.py").read_text("utf-8"))[0])

    assert {"read", "config", "weights", "predict"} <= announced <= set(known) <= set(map(str, Stage))
