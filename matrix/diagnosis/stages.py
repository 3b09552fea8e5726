"""How far a load got, from the functions of Keras that its traceback went through.

`load_model` is one call for us, and five stages for the reader of a page. The names are those of Keras' own saving
code, from 2.2.4 (tensorflow/python/keras/saving/hdf5_format.py) to 3.x (keras/src/saving/saving_lib.py and
keras/src/legacy/saving/legacy_h5_format.py). An unknown traceback keeps the stage that the worker announced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model import Stage

_FUNCTIONS = (
    (
        re.compile(
            r"compile_from_config|compile_args_from_training_config|compile|load_optimizer_weights\w*"
            r"|_deserialize_metric|_try_build_layer_compile"
        ),
        Stage.COMPILE,
    ),
    (
        re.compile(
            r"load_weights\w*|load_own_variables|_load_state|_load_container_state|_raise_loading_failure"
            r"|preprocess_weights_for_loading|load_subset_weights_from_hdf5_group"
        ),
        Stage.WEIGHTS,
    ),
    (re.compile(r"build|build_from_config|_build_\w+|_maybe_build|_try_build_layer"), Stage.BUILD),
    (
        re.compile(
            r"model_from_config|from_config|deserialize\w*|_deserialize\w*|process_node|class_and_config_for\w*"
            r"|_retrieve_class_or_fn|_revive\w+|load_layers|_load_layer"
        ),
        Stage.CONFIG,
    ),
)

_OPENING = re.compile(r"/saved_model/load\.py load_(internal|partial)$")
_READING = re.compile(r"saving_api\.py load_model$|saved_model/loader_impl\.py \w+$|^h5py/")
_COMPILING = re.compile(r"compile|optimizer|loss|metric")


def stage_of(announced: Stage, frames: Iterable[tuple[str, int, str]]) -> Stage:
    """Return the latest stage that a traceback went through inside `load_model`, else the announced one.

    The latest, because the stages use each other: compiling deserializes an optimizer, reviving a layer builds it.
    """
    if announced is not Stage.READ:
        return announced
    functions = {function for _file, _line, function in frames}
    for pattern, stage in _FUNCTIONS:
        if any(pattern.fullmatch(function) for function in functions):
            return stage
    return announced


def unread(stage: Stage, frames: Iterable[tuple[str, int, str]]) -> bool:
    """Whether a traceback shows that `load_model` could not read the file: no class and no option changes that.

    Args:
        stage: how far the load got, from `stage_of`.
        frames: of the whole chain of exceptions.
    """
    return stage is Stage.READ and any(
        _READING.search(f"{file} {function}") for file, _line, function in [*frames][-1:]
    )


def unopened(chain: Iterable[Iterable[tuple[str, int, str]]]) -> bool:
    """Whether TensorFlow itself could not open a SavedModel: without Keras it ends the same.

    So it is when an exception comes from below the function that opens one, and nothing of Keras is in between: up to
    2.4 Keras builds its layers from there.

    Args:
        chain: of each exception the frames, outermost first.
    """
    below = []
    for frames in chain:
        places = [f"{file} {function}" for file, _line, function in frames]
        below += [places[number:] for number, place in enumerate(places) if _OPENING.search(place)][-1:]
    return bool(below) and not any("keras/" in place for places in below for place in places)


def uncompiled(stage: Stage, frames: Iterable[tuple[str, int, str]]) -> bool:
    """Whether a traceback shows that a load ended before Keras compiled anything: `compile=False` changes nothing then.

    So it is while the scenario's code is imported, while TensorFlow itself opens a SavedModel (Keras compiles what it
    returns), and where a config is read, unless a file or a function on the way speaks of what compiling needs.

    Args:
        stage: how far the load got, from `stage_of`.
        frames: of the whole chain of exceptions.
    """
    places = [f"{file} {function}" for file, _line, function in frames]
    shown = stage in {Stage.IMPORT, Stage.CONFIG} or any(_OPENING.search(place) for place in places)
    return shown and not any(_COMPILING.search(place) for place in places)
