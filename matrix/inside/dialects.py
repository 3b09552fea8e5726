"""What this Keras makes of the config of a model: asked from its classes, for `translation`.

Imports none of its neighbours: see `stored`.
"""

import inspect
import json

ROOMS = ("layers", "initializers", "regularizers", "constraints")


def spoken(tensorflow, names):
    """Return the dialect of this Keras, as `translation` describes it.

    Args:
        tensorflow: the module.
        names: of the classes that a config speaks of.
    """
    keras = tensorflow.keras
    known = {"Sequential": {"module": "keras", "arguments": ["name", "layers", "trainable"]}}
    known["Functional"] = known["Model"] = {"module": "keras", "arguments": []}
    for room in ROOMS:
        found = {name: getattr(getattr(keras, room), name, None) for name in names}
        known.update(
            {
                name: {"module": "keras." + room, "arguments": sorted(arguments(thing))}
                for name, thing in found.items()
                if inspect.isclass(thing)
            }
        )
    wraps = "batch_shape" in known["InputLayer"]["arguments"]
    return {
        "wraps": wraps,
        "functional": "Model" if wraps else graph(keras),
        "activations": [name for name in dir(keras.activations) if not name.startswith("_")],
        "classes": known,
    }


def graph(keras):
    """Return what this Keras calls a model that is a graph of layers."""
    end = keras.Input((1,))
    return type(keras.Model(end, end)).__name__


def arguments(kind):
    """Return the names of all arguments that a class and those above it say they take."""
    names = set()
    for base in inspect.getmro(kind):
        if "__init__" in vars(base) and base is not object:
            names.update(inspect.signature(base.__init__).parameters)
    return names


def model(tensorflow, config, custom_objects):
    """Return the model that a translated config describes, built where it tells its inputs."""
    with tensorflow.keras.utils.custom_object_scope(custom_objects):
        return tensorflow.keras.models.model_from_json(json.dumps(config), custom_objects=custom_objects)
