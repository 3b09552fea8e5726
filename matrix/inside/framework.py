"""The TensorFlow found in this environment, and what its Keras can do. Asked, never looked up by version."""

import inspect


def imported():
    """Import TensorFlow and its Keras, without running an op, and return the module."""
    import tensorflow

    tensorflow.keras.models.load_model  # noqa: B018 - newer releases import Keras at first use
    show_all_frames(tensorflow)
    return tensorflow


def show_all_frames(tensorflow):
    """Have all frames of Keras and TensorFlow in tracebacks: they tell how far a load got, and hide by default."""
    for settings in (tensorflow.debugging, getattr(tensorflow.keras, "config", None)):
        disable = getattr(settings, "disable_traceback_filtering", None)
        if disable is not None:
            disable()


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
        "tfsm": hasattr(keras.layers, "TFSMLayer"),
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


class Session:
    """What Keras keeps from one cell of a child to the next.

    `clear_session` drops it all, and with it every kernel that TensorFlow has prepared, which costs the next cell more
    than it gains. So after a cell that went well only the name counters start anew, where Keras has a function for it.
    That is not enough after an exception, which may have left something half done, nor where all models are part of
    one graph that keeps them: before 2.4, where a symbolic input is a tensor of that graph.
    """

    def __init__(self, tensorflow):
        self.tensorflow = tensorflow
        self.backend = tensorflow.keras.backend
        self.in_one_graph = isinstance(tensorflow.keras.Input((1,)), tensorflow.Tensor)

    def clear(self, raised):
        """Forget the last cell; `raised` says whether it ended with an exception."""
        if raised or self.in_one_graph:
            self.backend.clear_session()
            show_all_frames(self.tensorflow)  # Keras 3 forgets that too
        elif hasattr(self.backend, "reset_uids"):
            self.backend.reset_uids()
