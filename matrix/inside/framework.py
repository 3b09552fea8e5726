"""The TensorFlow found in this environment, and what its Keras can do. Asked, never looked up by version."""

import inspect


def imported():
    """Import TensorFlow and its Keras, without running an op, and return the module."""
    import tensorflow

    tensorflow.keras.models.load_model  # noqa: B018 - newer releases import Keras at first use
    for settings in (tensorflow.debugging, getattr(tensorflow.keras, "config", None)):
        show_all_frames = getattr(settings, "disable_traceback_filtering", None)
        if show_all_frames is not None:
            show_all_frames()  # they hide their own frames, which tell how far a load got
    return tensorflow


def facts(tensorflow):
    """Return the versions found, and what this Keras can do."""
    keras = tensorflow.keras
    return {
        "tensorflow": tensorflow.__version__,
        "keras": getattr(keras, "__version__", "") or version(keras.Model.__module__.split(".")[0]),
        "numpy": version("numpy"),
        "h5py": version("h5py"),
        "safe_mode": "safe_mode" in inspect.signature(keras.models.load_model).parameters,
        "register": hasattr(keras.utils, "register_keras_serializable"),
    }


def version(name):
    """Return the version of an importable module; empty when it is not there."""
    try:
        return __import__(name).__version__
    except ImportError:
        return ""


def idle():
    """Whether no op has run yet: only then may the process fork.

    Once the eager context or a session exists, it has threads that a fork does not copy
    (https://github.com/tensorflow/tensorflow/issues/2448), and children hang.
    """
    try:
        from tensorflow.python.eager import context
    except ImportError:
        return True
    made = getattr(context, "_context", None)
    return made is None or not (getattr(made, "_initialized", False) or getattr(made, "_context_handle", None))


def forget(tensorflow):
    """Drop the graph and the name counters of the last cell: a 1.15 keeps every model in one graph."""
    tensorflow.keras.backend.clear_session()
