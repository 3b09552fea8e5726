"""Which stored value goes into which variable, on the interpreter that runs this file."""

import importlib.util
import json
import os
import types
import zipfile

import numpy
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "matrix", "inside")


def guest(name):
    """Return a module of the guest."""
    spec = importlib.util.spec_from_file_location(name + "_of_the_guest", os.path.join(INSIDE, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


filling, stored = guest("filling"), guest("stored")


class Variable:
    """A variable of Keras 3."""

    def __init__(self, *shape):
        self.shape = shape
        self.value = None

    def assign(self, value):
        """Take a value, once."""
        assert self.value is None
        self.value = value


class Layer:
    """A layer with some variables, or with layers of its own."""

    def __init__(self, name, *variables, **parts):
        self.name = name
        self._trainable_variables, self._non_trainable_variables = list(variables), []
        self.__dict__.update(parts)
        inner = [value for value in parts.values() if isinstance(value, Layer)]
        self.weights = self.trainable_weights = [*variables, *(one for part in inner for one in part.weights)]
        self.non_trainable_weights = []


class Dense(Layer):
    """A layer of another class."""


class Model:
    """Some layers, one after the other."""

    def __init__(self, *layers):
        self.layers = list(layers)
        self.weights = self.variables = [one for layer in layers for one in layer.weights]
        self.trainable_variables = self.weights


EAGER = types.SimpleNamespace(executing_eagerly=lambda: True)
ONE, TWO, THREE = (numpy.full((2, 2), number, "float32") for number in (1, 2, 3))
BIAS = numpy.zeros(2, "float32")


def model():
    """A layer of one's own, two dense ones, and one of two parts."""
    parts = {"forward": Layer("forward", Variable(2, 2)), "backward": Layer("backward", Variable(2, 2))}
    return Model(
        Layer("own", Variable(2, 2)),
        Dense("a", Variable(2, 2), Variable(2)),
        Dense("b", Variable(2, 2)),
        Layer("two", **parts),
    )


def values(filled):
    """The first number of each variable."""
    return [float(one.value.flat[0]) for one in filled.weights]


def archive(*paths):
    """Stored variables under some paths, numbered in the order of the model."""
    return sorted(
        (tuple(path.split("/")), BIAS if number == 2 else numpy.full((2, 2), number))
        for number, path in enumerate(paths)
    )


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(
            "layers/layer/0 layers/dense/0 layers/dense/1 layers/dense_1/0 "
            "layers/layer_1/forward/0 layers/layer_1/backward/0",
            id="archive",
        ),
        pytest.param(
            "_layer_checkpoint_dependencies/layer/0 _layer_checkpoint_dependencies/dense/0 "
            "_layer_checkpoint_dependencies/dense/1 _layer_checkpoint_dependencies/dense_12/0 "
            "_layer_checkpoint_dependencies/layer_3/forward/0 _layer_checkpoint_dependencies/layer_3/backward/0",
            id="archive-of-2.12-with-gaps",
        ),
        pytest.param("variables/0 variables/1 variables/2 variables/3 variables/4 variables/5", id="export"),
        pytest.param(
            "layer_with_weights-0/_trainable_variables/0 layer_with_weights-1/_trainable_variables/0 "
            "layer_with_weights-1/_trainable_variables/1 layer_with_weights-2/_trainable_variables/0 "
            "layer_with_weights-3/forward/_trainable_variables/0 layer_with_weights-3/backward/_trainable_variables/0",
            id="saved-model",
        ),
    ],
)
def test_structure_says_what_belongs_where(paths):
    """
    Whatever the order in the file, and also where all shapes are alike.
    """
    filled = model()

    assert filling.fill(filled, archive(*paths.split()), EAGER) == "structure"
    assert values(filled) == [0, 1, 0, 3, 4, 5]


def test_layers_of_an_older_file_come_in_the_order_of_the_model():
    """
    Their names may be others.
    """
    filled = Model(Dense("x", Variable(2, 2)), Layer("none"), Dense("y", Variable(2, 2)))

    assert (
        filling.fill(filled, [(("by layer", "p", "w:0"), ONE), (("by layer", "q", "w:0"), TWO)], EAGER) == "structure"
    )
    assert values(filled) == [1, 2]


def test_names_count_where_the_order_is_another():
    """
    Shapes show that it is.
    """
    filled = Model(Dense("a", Variable(2, 2)), Dense("b", Variable(2)))

    assert filling.fill(filled, [(("by layer", "b", "w:0"), BIAS), (("by layer", "a", "w:0"), ONE)], EAGER) == "name"
    assert values(filled) == [1, 0]


def test_the_order_counts_where_nothing_else_fits():
    """
    The same number of variables, of the same shapes.
    """
    filled = Model(Dense("a", Variable(2, 2), Variable(2)))

    assert filling.fill(filled, [(("unheard of", "0"), ONE), (("unheard of", "1"), BIAS)], EAGER) == "order"


@pytest.mark.parametrize(
    "file",
    [
        pytest.param([(("by layer", "a", "w:0"), ONE)], id="too-few"),
        pytest.param([(("by layer", name, "w:0"), ONE) for name in "abc"], id="too-many"),
        pytest.param([(("by layer", name, "w:0"), BIAS) for name in "ab"], id="other-shapes"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_does_not_fit_is_refused(file):
    """
    All variables are filled, each once, or none is touched.
    """
    refusing = Model(Dense("a", Variable(2, 2)), Dense("b", Variable(2, 2)))

    with pytest.raises(ValueError, match="do not fit the model"):
        filling.fill(refusing, file, EAGER)

    assert [one.value for one in refusing.weights] == [None, None]


class Group(dict):
    """A group of an HDF5 file: members, and attributes."""

    def __init__(self, attrs=(), **members):
        super().__init__(members)
        self.attrs = dict(attrs)

    def visititems(self, visit, before=""):
        """Call `visit` with the path of everything below, and with that."""
        for name in sorted(self):
            visit(before + name, self[name])
            if isinstance(self[name], Group):
                self[name].visititems(visit, before + name + "/")


def test_an_older_hdf5_file_tells_its_layers_in_order():
    """
    Also where names are bytes, and where a list of names is in pieces.
    """
    layer = Group({"weight_names": [b"b/w:0"]}, **{"b/w:0": ONE})
    other = Group({"weight_names": ["a/w:0"]}, **{"a/w:0": TWO})
    weights = Group({"layer_names0": [b"b"], "layer_names1": ["a"]}, a=other, b=layer)

    found = stored.in_hdf5(Group(model_weights=weights, optimizer_weights=Group()))

    assert [parts for parts, _ in found] == [("by layer", "b", "b/w:0"), ("by layer", "a", "a/w:0")]
    assert [array[0, 0] for _, array in found] == [1, 2]


def test_a_newer_hdf5_file_tells_paths():
    """
    The optimizer is no part of them.
    """
    found = stored.in_hdf5(
        Group(layers=Group(dense=Group(vars=Group(**{"0": ONE}))), optimizer=Group(vars=Group(**{"0": TWO})))
    )

    assert [parts for parts, _ in found] == [("layers", "dense", "0")]


def test_a_checkpoint_tells_paths():
    """
    Optimizer, metrics and slots are no part of them.
    """
    suffix = stored.VALUE
    names = ["layer_with_weights-0/kernel", "optimizer/iter", "keras_api/metrics/0/total"]
    names.append("layer_with_weights-0/kernel/.OPTIMIZER_SLOT/optimizer/m")
    arrays = {name + suffix: ONE for name in names}
    arrays["_CHECKPOINTABLE_OBJECT_GRAPH"] = b""
    arrays["_all_variables/0" + suffix] = ONE
    reader = types.SimpleNamespace(get_variable_to_shape_map=lambda: arrays, get_tensor=arrays.get)
    train = types.SimpleNamespace(load_checkpoint=lambda _prefix: reader)

    found = stored.in_checkpoint("variables", types.SimpleNamespace(train=train))

    assert [parts for parts, _ in found] == [("layer_with_weights-0", "kernel")]


def test_an_export_has_its_variables_in_order():
    """
    By number, and without the states of random generators, which older models have not.
    """
    arrays = {"variables/%d%s" % (number, stored.VALUE): numpy.full(2, number, "float32") for number in range(12)}
    arrays["variables/3" + stored.VALUE] = numpy.zeros(2, "int64")
    reader = types.SimpleNamespace(get_variable_to_shape_map=lambda: arrays, get_tensor=arrays.get)
    train = types.SimpleNamespace(load_checkpoint=lambda _prefix: reader)

    found = stored.in_checkpoint("variables", types.SimpleNamespace(train=train))

    assert [parts for parts, _ in found] == [("variables", str(number)) for number in range(11)]
    assert [array[0] for _, array in found] == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]


def test_the_config_of_an_archive_is_found_whatever_it_is_called(tmp_path):
    """
    By what is in it, as `.keras` was the ending of both containers.
    """
    place = str(tmp_path / "model.h5")
    with zipfile.ZipFile(place, "w") as file:
        file.writestr("config.json", json.dumps({"class_name": "Sequential"}))

    assert stored.config(place) == {"class_name": "Sequential"}
