"""Small values of the matrix's own words, for tests that need some."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from matrix.model import Cell, Environment, Format, Scenario, Stage, Status, Variant
from matrix.protocol import Facts, Hello
from matrix.results import Attempt, EnvironmentReport, Result, Run

ALL = tuple(Variant)
ABLE = Hello(
    python="3.11.0",
    tensorflow="2.19.0",
    keras="3.10.0",
    numpy="2.0.0",
    h5py="3.13.0",
    safe_mode=True,
    register=True,
    tfsm=True,
    start="fork",
    fence=True,
)
CELL = Cell(writer="old", reader="new", scenario="plain", variant=Variant.BARE, format=Format.H5)
FRAME = ["keras/src/saving/saving_api.py", 196, "load_model"]


def environment(name: str, tensorflow: str = "2.12.1", keras: str = "2.12.0", **more: Any) -> Environment:
    """An environment, its lock named after its TensorFlow."""
    return Environment(
        id=name, python="3.11", tensorflow=tensorflow, keras=keras, **{"lock": f"tensorflow=={tensorflow}", **more}
    )


def scenario(name: str = "plain", **more: Any) -> Scenario:
    """A scenario without custom code, its digest named after it."""
    return Scenario(name=name, path=Path(f"{name}.py"), title=f"Does {name} survive?", **{"digest": name, **more})


def packed(*values: object, dtype: str = "<f4") -> dict[str, Any]:
    """One array, as a worker sends it."""
    return of_array(np.array(values, dtype=dtype))


def of_array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """An array, as a worker sends it."""
    data = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}


def line(answer: Any = None, **more: Any) -> Facts:
    """One line of a worker about a cell."""
    return {
        "request": "1",
        "cell": CELL.id,
        "rung": "as it is",
        "stage": "read",
        "ending": "exited",
        "seconds": 0.5,
        "noise": "",
        "answer": answer,
        **more,
    }


def loaded(outputs: Any) -> dict[str, Any]:
    """What a reader answers that could open a file."""
    return {"loaded": {"outputs": outputs, "state": {}}}


def saved(outputs: Any) -> dict[str, Any]:
    """What a writer answers that could write a file."""
    return {"saved": {"inputs": packed(1.0), "outputs": outputs, "state": {}}}


def raised(*chain: tuple[str, str], frames: tuple[list[object], ...] = (FRAME,)) -> dict[str, Any]:
    """What a worker answers when Keras raised, outermost exception first."""
    return {"raised": [{"type": kind, "message": text, "frames": list(frames)} for kind, text in chain]}


def result(status: Status, cell: Cell = CELL) -> Result:
    """The result of a cell, with one attempt where a reader tried."""
    own = Attempt(rung="own way", status=status, stage=Stage.COMPARE, seconds=0.25)
    return Result(cell=cell, status=status, attempts=(own,) if status.measured else ())


def run(letters: str, *, focus: tuple[str, str] = ("old", "new"), complete: bool = True, broken: str = "") -> Run:
    """A run whose cells, from `old` to `new` in the order of the scenarios a, b, c, got these letters."""
    scenarios = tuple(scenario(name) for name in "abcdefghij"[: len(letters)])
    environments = (environment("old"), environment("new", "2.19.0", "3.10.0"))
    return Run(
        id="2026-11-23T20-15-07",
        started="2026-11-23T20:15:07+00:00",
        finished="2026-11-23T20:15:09+00:00",
        seconds=2.0,
        command="run",
        profile="default",
        complete=complete,
        focus=focus,
        environments=tuple(
            EnvironmentReport(environment=item, error="no disk" if item.id == broken else "") for item in environments
        ),
        scenarios=scenarios,
        results=tuple(
            result(Status(letter), replace(CELL, scenario=item.name))
            for letter, item in zip(letters, scenarios, strict=True)
        ),
    )
