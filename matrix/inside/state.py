"""What a model holds beside its outputs, and may lose on its way to a reader without a word."""

import re

import numpy

from .arrays import digest


def state(tensorflow, model):
    """Return name → what a model has of it, as text: equal where models are equal, whatever Keras they are of.

    `weights` and `statistics` do not depend on the order of variables, which differs between Keras. Empty text where a
    model has none of it.
    """
    layers = list(parts(model))
    return {
        "weights": contents(model.get_weights()),
        "statistics": contents(value(tensorflow, one) for one in model.non_trainable_weights),
        "structure": ", ".join(map(called, layers)),
        "vocabulary": vocabularies(layers),
        **trained(tensorflow, getattr(model, "optimizer", None)),
    }


def parts(layer):
    """Yield the layers of a model that have none inside."""
    inner = getattr(layer, "layers", None)
    if isinstance(inner, list) and inner:
        for one in inner:
            yield from parts(one)
    elif type(layer).__name__ != "InputLayer":
        yield layer


def called(layer):
    """Return what a layer is and what function it ends with, e.g. `Dense relu`."""
    name = re.sub(r"V[12]$", "", type(layer).__name__)
    return " ".join(filter(None, [name, getattr(getattr(layer, "activation", None), "__name__", "")]))


def contents(arrays):
    """Return one digest of some arrays, in whatever order; empty when there are none."""
    return of_text("".join(sorted(digest([array]) for array in arrays)))


def of_text(text):
    """Return the digest of a text; empty for an empty one."""
    return digest([numpy.frombuffer(text.encode(), "uint8")]) if text else ""


def vocabularies(layers):
    """Return one digest of all words that layers look up."""
    words = [list(map(str, one.get_vocabulary())) for one in layers if hasattr(one, "get_vocabulary")]
    return of_text(repr(words)) if words else ""


def trained(tensorflow, optimizer):
    """Return the optimizer by name, how many steps it has done, and how many variables of it hold more than zeros."""
    if optimizer is None:
        return {"optimizer": "", "step": "", "slots": ""}
    arrays = optimizer.get_weights() if hasattr(optimizer, "get_weights") else variables(tensorflow, optimizer)
    return {
        "optimizer": type(optimizer).__name__,
        "step": str(int(value(tensorflow, optimizer.iterations))),
        "slots": str(sum(bool(numpy.ndim(array) and numpy.any(array)) for array in arrays)),
    }


def variables(tensorflow, optimizer):
    """Return the values of what an optimizer remembers; `variables` is a method in some Keras."""
    found = optimizer.variables
    return [value(tensorflow, one) for one in (found() if callable(found) else found)]


def value(tensorflow, variable):
    """Return what a variable holds."""
    return variable.numpy() if tensorflow.executing_eagerly() else tensorflow.keras.backend.get_value(variable)
