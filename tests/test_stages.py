"""How far a load got, from its traceback."""

from __future__ import annotations

import pytest

from matrix.diagnosis.stages import stage_of, uncompiled, unopened, unread
from matrix.model import Stage


def frames(*functions: str) -> list[tuple[str, int, str]]:
    """A traceback through these functions."""
    return [("keras/src/saving/saving_api.py", 1, name) for name in ("load", "load_model", *functions)]


@pytest.mark.parametrize(
    ("functions", "stage"),
    [
        pytest.param("", Stage.READ, id="nothing-known"),
        pytest.param("load_model_from_hdf5 __getitem__", Stage.READ, id="hdf5-alone"),
        pytest.param(
            "model_from_config deserialize class_and_config_for_serialized_keras_object", Stage.CONFIG, id="2.4"
        ),
        pytest.param("deserialize_keras_object _retrieve_class_or_fn", Stage.CONFIG, id="3.x-class"),
        pytest.param("_load_layer _revive_layer_or_model_from_config", Stage.CONFIG, id="saved-model"),
        pytest.param("deserialize_keras_object from_config build_from_config build", Stage.BUILD, id="build-in-config"),
        pytest.param("_load_state load_own_variables", Stage.WEIGHTS, id="3.x-weights"),
        pytest.param("load_weights_from_hdf5_group preprocess_weights_for_loading", Stage.WEIGHTS, id="2.x-weights"),
        pytest.param("compile_args_from_training_config deserialize", Stage.COMPILE, id="loss-in-compile"),
        pytest.param(
            "compile_from_config deserialize_keras_object from_config", Stage.COMPILE, id="optimizer-in-compile"
        ),
        pytest.param("load_optimizer_weights_from_hdf5_group", Stage.COMPILE, id="optimizer-state"),
        pytest.param("rebuild precompiled my_deserialize", Stage.READ, id="names-that-only-look-alike"),
    ],
)
def test_the_latest_stage_of_a_load_counts(functions: str, stage: Stage) -> None:
    """
    Compiling deserializes and building happens in configs: the later stage is where it ended.
    """
    assert stage_of(Stage.READ, frames(*functions.split())) is stage


@pytest.mark.parametrize("announced", [stage for stage in Stage if stage is not Stage.READ])
def test_outside_of_load_model_the_worker_knows_better(announced: Stage) -> None:
    """
    Predicting compiles and builds too; only `read` is looked into.
    """
    assert stage_of(announced, frames("compile_from_config", "load_own_variables")) is announced


def test_no_frames_change_nothing() -> None:
    """
    An exception without a traceback keeps the announced stage.
    """
    assert stage_of(Stage.READ, []) is Stage.READ


@pytest.mark.parametrize(
    ("stage", "file", "function", "shown"),
    [
        pytest.param(Stage.IMPORT, "inside/scenario.py", "register", True, id="the-code-itself"),
        pytest.param(Stage.CONFIG, "keras/layers/serialization.py", "deserialize", True, id="a-layer"),
        pytest.param(Stage.CONFIG, "keras/optimizers/__init__.py", "deserialize", False, id="an-optimizer"),
        pytest.param(Stage.CONFIG, "keras/saving.py", "compile_from_config", False, id="compiling"),
        pytest.param(Stage.READ, "tensorflow/python/saved_model/load.py", "load_internal", True, id="an-op"),
        pytest.param(Stage.READ, "keras/saving/saved_model/load.py", "load", False, id="keras-itself"),
        pytest.param(Stage.READ, "keras/src/saving/saving_api.py", "load_model", False, id="nothing-known"),
        pytest.param(Stage.WEIGHTS, "keras/src/saving/saving_lib.py", "_load_state", False, id="optimizer-state-maybe"),
        pytest.param(Stage.PREDICT, "keras/src/backend/trainer.py", "predict", False, id="after-loading"),
    ],
)
def test_only_a_traceback_shows_that_nothing_was_compiled(
    stage: Stage, file: str, function: str, *, shown: bool
) -> None:
    """
    Whatever is not known may have to do with compiling.
    """
    assert uncompiled(stage, [(file, 1, function)]) is shown


@pytest.mark.parametrize(
    ("stage", "file", "function", "shown"),
    [
        pytest.param(Stage.READ, "keras/src/saving/saving_api.py", "load_model", True, id="no-such-format"),
        pytest.param(Stage.READ, "h5py/h5f.pyx", "h5py.h5f.open", True, id="no-hdf5"),
        pytest.param(
            Stage.READ, "tensorflow/python/saved_model/loader_impl.py", "parse_saved_model", True, id="no-folder"
        ),
        pytest.param(Stage.READ, "keras/src/saving/new_api.py", "load_model", False, id="not-known"),
        pytest.param(Stage.READ, "tensorflow/python/saved_model/load.py", "load_internal", False, id="opened"),
        pytest.param(Stage.CONFIG, "h5py/h5a.pyx", "open", False, id="further"),
    ],
)
def test_only_a_traceback_shows_that_a_file_was_not_read(
    stage: Stage, file: str, function: str, *, shown: bool
) -> None:
    """
    By the last function that it went through.
    """
    assert unread(stage, [("keras/saving/save.py", 1, "load_model"), (file, 1, function)]) is shown


@pytest.mark.parametrize(
    ("chain", "shown"),
    [
        pytest.param([["load_model", "> load_internal", "> import_function"]], True, id="an-op"),
        pytest.param([["load_model", "> load_internal"], ["> import_function"]], True, id="an-op-in-words"),
        pytest.param([["load_model", "> load_internal", "_revive_layer"]], False, id="a-layer-of-keras"),
        pytest.param([["load_model", "_revive_layer"]], False, id="keras-alone"),
        pytest.param([], False, id="nothing-known"),
    ],
)
def test_only_a_traceback_shows_that_tensorflow_could_not_open_a_folder(chain: list[list[str]], *, shown: bool) -> None:
    """
    Below the function that opens it, and not where Keras makes its layers of it.
    """
    places = [
        [
            (f"tensorflow/python/{'saved_model' if name[0] == '>' else 'keras/saving'}/load.py", 1, name.strip("> "))
            for name in names
        ]
        for names in chain
    ]

    assert unopened(places) is shown
