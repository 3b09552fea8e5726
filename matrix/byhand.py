"""The few lines that load one artifact as a user would: in the own way of its cell, or by a rung, and nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .artifact import FILE_NAMES
from .detours import Hop
from .model import Cell, Environment, Format, Rung, Scenario, Variant, Way
from .plan import ladder, needs_code, own_rung

INSIDE = Path(__file__).parent / "inside"
_CODE = """\
code = runpy.run_path({script!r})
inputs = code["inputs"]()"""
_REGISTER = """\
for name, thing in code["CUSTOM_OBJECTS"].items():
    tf.keras.utils.register_keras_serializable("scenario", name)(thing)"""
_NEIGHBOURS = """\
sys.path.append({inside!r})
import dialects, filling, stored, translation"""
_LOAD_MODEL = "model = tf.keras.models.load_model({file!r}{options})"
_BUILD = """\
model = code["build"]()
model.weights or model.predict(inputs)  # some have no variables before they have seen data"""
_SIGNATURE = """\
tf.compat.v1.enable_v2_behavior()  # as 2.x does by itself; 1.15 needs a session else
signature = tf.compat.v2.saved_model.load({file!r}).signatures["serving_default"]"""
_PATCH = """\
config = stored.config({file!r})
dialect = dialects.spoken(tf, translation.classes(config))
model = dialects.model(tf, translation.translated(config, dialect), {classes})"""
_SEEN = "filling.has_variables(model) or model.predict(inputs)"
_FILL = "filling.fill(model, stored.variables({file!r}, tf), tf)"
_SAVE: Mapping[Format, str] = {
    Format.H5: "model.save({file!r})",
    Format.KERAS: "model.save({file!r})",
    Format.SAVED_MODEL: 'model.save({file!r}, save_format="tf")',
    Format.EXPORT: "model.export({file!r})",
    Format.WEIGHTS_H5: "model.save_weights({file!r})",
}
_CALL = """\
answer = model(inputs)
print(answer if tf.executing_eagerly() else tf.keras.backend.get_value(answer))"""
_SERVE = """\
names = sorted(signature.structured_input_signature[1])
named = inputs if isinstance(inputs, dict) else dict(zip(names, inputs if isinstance(inputs, list) else [inputs]))
print(signature(**{name: tf.constant(value) for name, value in named.items()}))"""


def script(cell: Cell, file: Path, scenario: Scenario, rung: Rung | None = None) -> str:
    """Return a Python program that loads a cell's artifact in the cell's own way, and predicts.

    Args:
        cell: which file.
        file: the artifact.
        scenario: whose code the way needs, and whose inputs it is given.
        rung: another way than the cell's own.
    """
    rung = rung or own_rung(cell)
    code = [_CODE.format(script=str(scenario.path))]
    load = [step.format(file=str(file), **_handed(cell, rung)) for step in _steps(cell, rung)]
    if rung.code is Variant.REGISTERED and rung.way is not Way.WEIGHTS:
        steps = [*code, _REGISTER, *load]
    elif rung.way is Way.CONFIG_PATCH and rung.code is Variant.BARE:  # its model may need the inputs
        steps = [load[0], *code, *load[1:]]
    elif rung.code is not Variant.BARE or rung.way is Way.WEIGHTS or (rung.way is Way.OWN and needs_code(cell)):
        steps = [*code, *load]
    else:  # what is bare must open before anybody has seen the code
        steps = [*load, *code]
    guests = rung.way in {Way.CONFIG_PATCH, Way.WEIGHTS}
    head = ["import runpy", *(["import sys"] if guests else []), "import tensorflow as tf"]
    return "\n".join([*head, *([_NEIGHBOURS.format(inside=str(INSIDE))] if guests else []), *steps, _end(cell, rung)])


def detour(cell: Cell, file: Path, scenario: Scenario, hops: Sequence[Hop], rung: str) -> Iterator[tuple[str, str]]:
    """Yield the programs of a detour, each with the environment that runs it.

    Args:
        cell: which file; its reader is who loads in the end.
        file: the artifact. What a hop saves stands beside the program, `carried-1-model.keras`.
        scenario: whose code and inputs.
        hops: the environments on the way.
        rung: the name of how the last one loads.
    """
    for number, hop in enumerate(hops, 1):
        carried = Path(f"carried-{number}-{FILE_NAMES[hop.format]}")
        here = replace(cell, reader=hop.environment)
        opened = script(here, file, scenario, _named(here, scenario, hop.rung))
        yield hop.environment, "\n".join([opened, _SAVE[hop.format].format(file=str(carried))])
        cell, file = replace(cell, writer=hop.environment, format=hop.format), carried
    yield cell.reader, script(cell, file, scenario, _named(cell, scenario, rung))


def _named(cell: Cell, scenario: Scenario, name: str) -> Rung:
    """Return a rung by its name; the cell's own way where none is named."""
    rungs = ladder(cell, scenario.variants, safe_mode=True)
    return next((rung for rung in rungs if rung.name == name), own_rung(cell))


def _steps(cell: Cell, rung: Rung) -> list[str]:
    """Return the lines that open the file."""
    match rung.way, cell.format:
        case Way.CONFIG_PATCH, _:
            return [_PATCH, _SEEN, _FILL]
        case Way.WEIGHTS, _:
            return [_BUILD, _FILL]
        case Way.TFSM, _:
            return ['model = tf.keras.layers.TFSMLayer({file!r}, call_endpoint="serving_default")']
        case (Way.RAW_SAVED_MODEL, _) | (_, Format.EXPORT):
            return [_SIGNATURE]
        case _, Format.WEIGHTS_H5:
            return [_BUILD, "model.load_weights({file!r})"]
        case _:
            return [_LOAD_MODEL]


def _handed(cell: Cell, rung: Rung) -> dict[str, str]:
    """Return how a loader is told of classes and options."""
    classes = "{}"
    if rung.code is Variant.CUSTOM_OBJECTS:
        classes = 'code["CUSTOM_OBJECTS"]'
    if rung.code is Variant.CUSTOM_OBJECTS and cell.save.registered:  # the file has them with their package
        classes = '{f"{package}{name}": thing for name, thing in code["CUSTOM_OBJECTS"].items() '
        classes += 'for package in ("", "scenario>")}'
    options = [f"custom_objects={classes}"] if rung.code is Variant.CUSTOM_OBJECTS else []
    options += [] if rung.compile else ["compile=False"]
    options += [] if rung.safe_mode else ["safe_mode=False"]
    return {"classes": classes, "options": "".join(f", {option}" for option in options)}


def _end(cell: Cell, rung: Rung) -> str:
    """Return the lines that predict."""
    if rung.way is Way.RAW_SAVED_MODEL or (rung.way is Way.OWN and cell.format is Format.EXPORT):
        return _SERVE
    if rung.call:
        return _CALL
    return f"print({'model' if rung.way is Way.TFSM else 'model.predict'}(inputs))"


def command(environment: Environment, python: Path, program: str) -> str:
    """Return what runs a program in an environment, to be pasted into a shell.

    Args:
        environment: whose variables it needs.
        python: its interpreter.
        program: what `script` returned.
    """
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment.variables]
    return "\n".join([" ".join([*variables, shlex.quote(str(python)), "-", "<<'END'"]), program, "END"])
