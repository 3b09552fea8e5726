"""Puts stored variables into a model: by its structure, else by names, else in order; all of them, or none.

Imports none of its neighbours: see `stored`.
"""

import re

import numpy

# What Keras 2.12 calls it in its archives, and Keras in exports.
ALIASES = {"_layer_checkpoint_dependencies": "layers", "variables": "weights"}


def emptied(model):
    """Fill a model with NaN, so that a load that matched nothing shows: it would predict from its initial values."""
    arrays = model.get_weights()
    model.set_weights([numpy.full_like(array, numpy.nan if array.dtype.kind == "f" else 0) for array in arrays])


def has_variables(model):
    """Whether a model has its variables; some get them when they first see data."""
    try:
        return bool(model.weights)
    except ValueError:  # Keras 2 refuses to tell
        return False


def fill(model, stored, tensorflow):
    """Put variables into a model, and return how they were told apart: `structure`, `name` or `order`.

    Args:
        model: with all its variables.
        stored: what `stored.variables` returned.
        tensorflow: the module.

    Raises:
        ValueError: no way gives each variable of the model exactly one value of its shape.
    """
    slots = list(model.weights)
    for how, found in (("structure", by_structure), ("name", by_name), ("order", by_order)):
        pairs = found(model, stored, slots)
        if complete(pairs, slots):
            assign(pairs, tensorflow)
            return how
    raise ValueError(
        "The variables of the file do not fit the model, neither by structure nor by name or order: it has %s, the "
        "file holds %s." % ([shape(one) for one in slots], [("/".join(parts), array.shape) for parts, array in stored])
    )


def complete(pairs, slots):
    """Whether every variable of a model has exactly one value, of its shape."""
    wanted = sorted(map(id, slots))
    return wanted == sorted(id(one) for one, _ in pairs) and all(shape(one) == array.shape for one, array in pairs)


def shape(variable):
    """Return the shape of a variable of any Keras as a tuple."""
    return tuple(int(size) for size in variable.shape)


def assign(pairs, tensorflow):
    """Give variables their values, in graphs too."""
    if not tensorflow.executing_eagerly():
        tensorflow.keras.backend.batch_set_value(pairs)
        return
    for variable, array in pairs:
        variable.assign(array)


def by_structure(model, stored, slots):
    """Return pairs of a variable and its value, by where both are in the model."""
    if all(parts[0] == "by layer" for parts, _ in stored):
        groups, layers = grouped(stored), weighted(model.layers)
        return paired(zip(layers, groups.values())) if len(layers) == len(groups) else []
    known = set(map(id, slots))
    branches = {}
    for parts, array in stored:
        branch = branches
        for part in parts[:-1]:
            branch = branch.setdefault(part, {})
        branch[parts[-1]] = array
    return [pair for pair in descend(model, branches) if id(pair[0]) in known]


def by_name(model, stored, _slots):
    """Return such pairs by the names of layers, which both may have from the same code."""
    groups = grouped(stored)
    layers = {layer.name: layer for layer in weighted(model.layers)}
    return paired((layers[name], groups[name]) for name in groups) if set(groups) == set(layers) else []


def by_order(_model, stored, slots):
    """Return such pairs in the order of the file."""
    return list(zip(slots, [array for _, array in stored])) if len(slots) == len(stored) else []


def grouped(stored):
    """Return the arrays of each layer, by the name that the file has for it."""
    groups = {}
    for parts, array in stored:
        groups.setdefault(parts[1] if len(parts) > 1 else parts[0], []).append(array)
    return groups


def weighted(layers):
    """Return the layers that have variables."""
    return [layer for layer in layers if layer.weights]


def paired(members):
    """Return the pairs of layers and lists of arrays, variable by variable, in the order of the older HDF5 files."""
    pairs = []
    for layer, arrays in members:
        variables = list(layer.trainable_weights) + list(layer.non_trainable_weights)
        pairs += zip(variables, arrays) if len(variables) == len(arrays) else []
    return pairs


def descend(thing, branch):
    """Return the pairs of a thing and a branch of paths: of attributes, lists, and its own variables by number."""
    pairs = []
    for part, below in branch.items():
        found = step(thing, ALIASES.get(part, part))
        if not isinstance(below, dict):
            own = found if found is not None else numbered(thing, part)
            pairs += [] if own is None else [(own, below)]
        elif isinstance(found, (list, tuple)) and not all(key.isdigit() for key in below):
            pairs += members(found, below)
        elif found is not None:
            pairs += descend(found, below)
    return pairs


def step(thing, part):
    """Return what a part of a path names in a thing; None when it names nothing there."""
    kind, _, number = part.rpartition("-")
    if kind == "layer_with_weights" and number.isdigit():
        return at(weighted(getattr(thing, "layers", [])), int(number))
    if kind == "layer" and number.isdigit():
        return at(getattr(thing, "layers", []), int(number))
    if part.isdigit():
        return at(thing, int(part)) if isinstance(thing, (list, tuple)) else None
    found = getattr(thing, part, None)
    return list(found.values()) if isinstance(found, dict) else found


def at(things, number):
    """Return one of some things; None where there are not so many."""
    return things[number] if number < len(things) else None


def numbered(thing, part):
    """Return one of the variables that a layer has itself, as Keras counts them in its files."""
    own = []
    for name in ("trainable", "non_trainable"):  # Keras 2, else Keras 3
        own += getattr(thing, "_%s_weights" % name, None) or getattr(thing, "_%s_variables" % name, None) or []
    return at(own, int(part)) if part.isdigit() else None


def members(things, branch):
    """Return the pairs of the members of a list, which a file names by their class and a counter.

    The counters have gaps in files of 2.12 and 2.13, so members of one class are taken in the order of their numbers.
    (https://github.com/keras-team/keras/blob/v2.12.0/keras/saving/saving_lib.py, `_save_container_state`)
    """
    classes, pairs = {}, []
    for part in branch:
        name, number = re.match(r"(.*?)(?:_(\d+))?$", part).groups()
        classes.setdefault(name, []).append((int(number or 0), part))
    for name, parts in classes.items():
        same = [thing for thing in things if snake(type(thing).__name__) == name and thing.weights]
        if len(same) == len(parts):
            for thing, (_, part) in zip(same, sorted(parts)):
                pairs += descend(thing, branch[part])
    return pairs


def snake(name):
    """Return the name of a class as Keras writes it in files: `SigmoidTanhLayer` is `sigmoid_tanh_layer`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    return "functional" if name == "model" else name  # what a graph of layers was called up to 2.2
