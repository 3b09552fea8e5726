"""The few lines that load one artifact as a user would: in the own way of its cell, and nothing else."""

from __future__ import annotations

import shlex
from pathlib import Path

from .model import Cell, Environment, Format, Scenario, Variant
from .plan import needs_code

_CODE = """\
code = runpy.run_path({script!r})
inputs = code["inputs"]()"""
_REGISTER = """\
for name, thing in code["CUSTOM_OBJECTS"].items():
    tf.keras.utils.register_keras_serializable("scenario", name)(thing)"""
_LOAD = {
    Format.EXPORT: """\
tf.compat.v1.enable_v2_behavior()  # as 2.x does by itself; 1.15 needs a session else
signature = tf.compat.v2.saved_model.load({file!r}).signatures["serving_default"]""",
    Format.WEIGHTS_H5: """\
model = code["build"]()
model.weights or model.predict(inputs)  # some have no variables before they have seen data
model.load_weights({file!r})""",
}
_LOAD_MODEL = "model = tf.keras.models.load_model({file!r}{options})"
_SERVE = """\
names = sorted(signature.structured_input_signature[1])
named = inputs if isinstance(inputs, dict) else dict(zip(names, inputs if isinstance(inputs, list) else [inputs]))
print(signature(**{name: tf.constant(value) for name, value in named.items()}))"""
_PREDICT = "print(model.predict(inputs))"


def script(cell: Cell, file: Path, scenario: Scenario) -> str:
    """Return a Python program that loads a cell's artifact in the cell's own way, and predicts.

    Args:
        cell: which way.
        file: the artifact.
        scenario: whose code the variant needs, and whose inputs it is given.
    """
    options = ', custom_objects=code["CUSTOM_OBJECTS"]' if cell.variant is Variant.CUSTOM_OBJECTS else ""
    code = _CODE.format(script=str(scenario.path))
    load = _LOAD.get(cell.format, _LOAD_MODEL).format(file=str(file), options=options)
    if cell.variant is Variant.REGISTERED:
        steps = [code, _REGISTER, load]
    else:  # what is bare must open before anybody has seen the code
        steps = [code, load] if needs_code(cell) else [load, code]
    return "\n".join(
        ["import runpy", "import tensorflow as tf", *steps, _SERVE if cell.format is Format.EXPORT else _PREDICT]
    )


def command(environment: Environment, python: Path, program: str) -> str:
    """Return what runs a program in an environment, to be pasted into a shell.

    Args:
        environment: whose variables it needs.
        python: its interpreter.
        program: what `script` returned.
    """
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment.variables]
    return "\n".join([" ".join([*variables, shlex.quote(str(python)), "-", "<<'END'"]), program, "END"])
