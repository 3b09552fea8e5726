"""The few lines with which somebody repeats a cell far from here: what saves its file, and each way that loads it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ..byhand import INSIDE, script
from ..model import Cell, Format, Rung, Scenario, Variant
from ..plan import ladder, own_rung
from ..results import Run

SCENARIO = Path("scenario.py")
FILES = {
    Format.H5: "model.h5",
    Format.KERAS: "model.keras",
    Format.SAVED_MODEL: "model",
    Format.EXPORT: "model",
    Format.WEIGHTS_H5: "model.weights.h5",
}
_SAVE = {
    Format.H5: "model.save({file!r})",
    Format.KERAS: "model.save({file!r})",
    Format.SAVED_MODEL: 'model.save({file!r}, save_format="tf")',
    Format.EXPORT: "model.export({file!r})",
    Format.WEIGHTS_H5: "model.save_weights({file!r})",
}
_BUILD = """\
import runpy
import tensorflow as tf
code = runpy.run_path({script!r})
"""
_REGISTER = """\
for name, thing in code["CUSTOM_OBJECTS"].items():
    tf.keras.utils.register_keras_serializable("scenario", name)(thing)
"""
_PREDICT = """\
model = code["build"]()
inputs = code["inputs"]()
outputs = model.predict(inputs)
if getattr(model, "optimizer", None) is not None:
    model.train_on_batch(inputs, outputs)  # so that there is a state of the optimizer to be saved
"""
Program = tuple[Variant, Format, str]


def saving(variant: Variant, format_: Format) -> str:
    """Return a program that builds the model of `scenario.py`, saves it, and prints what it predicts."""
    register = _REGISTER if variant is Variant.REGISTERED else ""
    save = _SAVE[format_].format(file=FILES[format_])
    return f"{_BUILD.format(script=str(SCENARIO))}{register}{_PREDICT}{save}\nprint(model.predict(inputs))\n"


@cache
def loading(variant: Variant, format_: Format, remedy: str) -> str:
    """Return a program that loads what `saving` saved, by a remedy or by its own way, and prints what it predicts.

    Empty for a remedy that no ladder has, as in a run of another edition.
    """
    cell = Cell(writer="", reader="", scenario="", variant=variant, format=format_)
    rung = _rung(cell, remedy)
    if rung is None:
        return ""
    scenario = Scenario(name="", path=SCENARIO, title="", digest="")
    program = script(cell, Path(FILES[format_]), scenario, rung)
    there = "sys.path.append('matrix/inside')  # a folder of the sources of keras-matrix"
    return program.replace(f"sys.path.append({str(INSIDE)!r})", there) + "\n"


def _rung(cell: Cell, remedy: str) -> Rung | None:
    if not remedy:
        return own_rung(cell)
    known = {one.name: one for one in ladder(cell, tuple(Variant), safe_mode=True)}
    return known.get(remedy)


def needed(run: Run) -> Iterable[Program]:
    """Return what the cells of a run are loaded by: variant, format, and remedy, which is empty for the own way."""
    found = {(one.cell.variant, one.cell.format, one.remedy) for one in run.results}
    return sorted({*found, *((variant, format_, "") for variant, format_, _ in found)})
