"""What a model is handed when it is asked to predict."""

import numpy

BATCH = 32  # what `predict` takes at once when nothing else is said


def fed(tensorflow, inputs, plainly):
    """Return inputs in the form in which `model.predict` takes them fastest.

    Most of the time of a `predict` goes into the pipeline that Keras makes of arrays: shuffling, indices, slices. A
    pipeline that is there already spares that, and the model sees the same batches of the same types, with the number
    of rows as open as before. Handed over as they are: where `plainly` says so, in graphs, and what is no array.
    """
    structured = isinstance(inputs, (dict, list, tuple))
    leaves = list(inputs.values() if isinstance(inputs, dict) else inputs) if structured else [inputs]
    if plainly or not works_in_steps(tensorflow) or not all(has_rows(tensorflow, leaf) for leaf in leaves):
        return inputs
    floats = tensorflow.keras.backend.floatx()
    if isinstance(inputs, dict):
        whole = ({key: typed(value, floats) for key, value in inputs.items()},)
    elif structured:
        whole = (tuple(typed(value, floats) for value in leaves),)  # else the second would be taken for targets
    else:
        whole = typed(inputs, floats)
    return tensorflow.data.Dataset.from_tensor_slices(whole).batch(BATCH)


def works_in_steps(tensorflow):
    """Whether this Keras works in steps that it hands to TensorFlow, eager or traced, as it has since `train_step`.

    Those before take targets out of a pipeline in ways of their own, and save another SavedModel after eager training.
    """
    return tensorflow.executing_eagerly() and hasattr(tensorflow.keras.Model, "train_step")


def has_rows(tensorflow, value):
    """Whether a value is a dense array or tensor of numbers, of one dimension or more."""
    if isinstance(value, numpy.ndarray):
        return value.ndim > 0 and value.dtype.kind in "fiub"
    return isinstance(value, tensorflow.Tensor) and len(value.shape) > 0


def typed(value, floats):
    """Return an array in the type that Keras makes of it."""
    return value.astype(floats) if isinstance(value, numpy.ndarray) and value.dtype.kind == "f" else value
