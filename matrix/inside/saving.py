"""Build a scenario's model, give it fixed weights, and save it in one format after the other."""

import contextlib
import inspect

import numpy

from .arrays import fixed_values, packed
from .feeding import fed, works_in_steps
from .state import state, trained

UNTRAINED = ("weights_h5", "export")  # formats that are not meant to hold what training needs


class Saver:
    """Saves one model of one scenario, built once.

    Those formats come first that only read a model: weights and .keras, then .h5, then those that trace it.
    """

    def __init__(self, tensorflow, module, plainly):
        self.model = module.build()
        self.inputs = module.inputs()
        feed = fed(tensorflow, self.inputs, plainly)
        first = self.model.predict(feed, verbose=0)  # creates what `build` left open, and shows the shape
        values = [fixed_values(position, array) for position, array in enumerate(self.model.get_weights())]
        self.model.set_weights(values)
        if getattr(self.model, "optimizer", None) is not None:
            with stepwise(tensorflow, self.model, plainly):
                self.model.train_on_batch(self.inputs, targets(module, first))  # state for optimizer and statistics
        self.outputs = self.model.predict(feed, verbose=0)
        self.state = state(tensorflow, self.model)

    def save(self, cell):
        """Write one artifact at `cell["path"]`; return the answer."""
        kind = cell["format"]
        missing = unsupported(self.model, kind)
        if missing:
            return {"unsupported": missing}
        SAVE[kind](self.model, cell["path"])
        return {
            "saved": {
                "inputs": packed(self.inputs),
                "outputs": packed(self.outputs),
                "state": dict(self.state, **(trained(None, None) if kind in UNTRAINED else {})),
            }
        }


@contextlib.contextmanager
def stepwise(tensorflow, model, plainly):
    """Let a model train op by op, where it can: to trace a training step takes ten times as long as to do it once."""
    if plainly or not works_in_steps(tensorflow):
        yield
        return
    former = model.run_eagerly
    model.run_eagerly = True
    try:
        yield
    finally:
        model.run_eagerly = former
        model.train_function = None  # the one that was made for this


def targets(module, outputs):
    """Return what the model is fitted to: the scenario's own targets, or a ramp in the shape of its outputs."""
    if hasattr(module, "targets"):
        return module.targets()
    if isinstance(outputs, dict):
        return {name: ramp(array) for name, array in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return [ramp(array) for array in outputs]
    return ramp(outputs)


def ramp(array):
    """Return evenly spaced numbers from 0 to 1 in the shape of an array."""
    array = numpy.asarray(array)
    return numpy.linspace(0.0, 1.0, array.size).reshape(array.shape).astype(array.dtype)


def unsupported(model, kind):
    """Return why this Keras has no such format, in its own terms; empty when it has."""
    if kind == "saved_model" and "save_format" not in inspect.signature(type(model).save).parameters:
        return "model.save has no argument save_format"
    if kind == "export" and not hasattr(model, "export"):
        return "the model has no method export"
    return ""


# As users write it: the ending of the file decides, where Keras lets it.
SAVE = {
    "h5": lambda model, path: model.save(path),
    "keras": lambda model, path: model.save(path),
    "saved_model": lambda model, path: model.save(path, save_format="tf"),
    "export": lambda model, path: model.export(path),
    "weights_h5": lambda model, path: model.save_weights(path),
}
