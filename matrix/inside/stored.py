"""What the file of a model holds, read without Keras: its config, and its variables under the paths they have there.

Like `filling`, `translation` and `dialects` it imports none of its neighbours: a script of a user's own can import it
from this folder.
"""

import io
import json
import os
import re
import zipfile

# What is kept beside the layers; the last is a second list of the same variables, in exports of Keras 3.
NO_LAYER = re.compile(r"optimizer|metrics|keras_api|save_counter|_CHECKPOINTABLE_OBJECT_GRAPH|_all_variables")
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def config(path):
    """Return the config in a `.keras` archive or an HDF5 file, whatever the file is called.

    Raises:
        ValueError: there is none.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json").decode("utf-8"))
    import h5py

    with h5py.File(path, "r") as file:
        stored = file.attrs.get("model_config")
    if stored is None:
        raise ValueError("%s holds no config of a model" % os.path.basename(path))
    return json.loads(stored.decode("utf-8") if isinstance(stored, bytes) else stored)


def variables(path, tensorflow):
    """Return all variables of a model in the order of its file, each as `(parts of its path, array)`.

    Three layouts, told apart by the first part of a path:

        ("by layer", "dense", "kernel:0")                HDF5 up to Keras 2.11, and `.h5` since then; layers in order
        ("layers", "dense", "0")                         HDF5 of `.keras` and `.weights.h5` since then, in any order
        ("layer_with_weights-0", "kernel")               the checkpoint in a SavedModel, in any order
    """
    if os.path.isdir(path):
        return in_checkpoint(os.path.join(path, "variables", "variables"), tensorflow)
    import h5py

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            path = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(path, "r") as file:
        return in_hdf5(file)


def in_checkpoint(prefix, tensorflow):
    """Return the variables of a checkpoint of objects, those of its optimizer and metrics left out."""
    reader = tensorflow.train.load_checkpoint(prefix)
    found = []
    for key in sorted(reader.get_variable_to_shape_map(), key=numbered):
        if key.endswith(VALUE) and not NO_LAYER.match(key) and "OPTIMIZER_SLOT" not in key:
            parts, array = key[: -len(VALUE)].split("/"), reader.get_tensor(key)
            if parts[0] == "variables":  # an export has one list, which is counted anew without what is no weight
                parts[1] = str(len(found))
            if parts[0] != "variables" or not chance(array):
                found.append((tuple(parts), array))
    return found


def chance(array):
    """Whether an array is the state of a generator of random numbers, which Keras 3 counts among the variables.

    (https://github.com/keras-team/keras/blob/v3.13.1/keras/src/random/seed_generator.py)
    """
    return array.dtype.kind in "iu" and array.shape == (2,)


def numbered(key):
    """Return what sorts paths by the numbers in them: 10 comes after 9."""
    return [(part.isdigit(), int(part) if part.isdigit() else part) for part in key.split("/")]


def in_hdf5(file):
    """Return the variables of an HDF5 file in either of its layouts."""
    if "model_weights" in file:
        file = file["model_weights"]
    if "layer_names" in file.attrs or "layer_names0" in file.attrs:
        return [
            (("by layer", layer, name), file[layer][name][()])
            for layer in named(file, "layer_names")
            for name in named(file[layer], "weight_names")
        ]
    found = []

    def visit(name, thing):
        parts = tuple(part for part in name.split("/") if part != "vars")
        if hasattr(thing, "shape") and not NO_LAYER.match(name):
            found.append((parts, thing[()]))

    file.visititems(visit)
    return found


def named(group, name):
    """Return a list of texts that is kept in the attributes of a group, in pieces where it is long."""
    pieces = [group.attrs[name]] if name in group.attrs else []
    while name + str(len(pieces)) in group.attrs:
        pieces.append(group.attrs[name + str(len(pieces))])
    return [text.decode("utf-8") if isinstance(text, bytes) else text for piece in pieces for text in piece]
