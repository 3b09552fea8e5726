"""A small stand-in for TensorFlow: enough of its surface for a worker to save, load and predict in milliseconds.

One file plays every release. `FAKETF_VERSION` (a variable of the environment) says which one it is; the major number is
the generation of its Keras: a reader of generation 2 refuses files of generation 3, and has no `safe_mode`; generation
1 has no registry and no `export`; generation 3 has no `save_format`, and a `TFSMLayer`. `FAKETF_BROKEN` breaks the import, `FAKETF_THREAD`
starts a thread while importing and `FAKETF_OP` runs an op, so that a fork is not safe. `FAKETF_LAZY` makes
`load_weights` match nothing.
"""

import json
import os
import sys
import threading
import time
import types

import numpy

__version__ = os.environ.get("FAKETF_VERSION", "2.0.0")
GENERATION = int(__version__.split(".")[0])
if os.environ.get("FAKETF_BROKEN"):
    raise ImportError(os.environ["FAKETF_BROKEN"])
if os.environ.get("FAKETF_THREAD"):
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()

context = types.ModuleType("tensorflow.python.eager.context")
context._context = None
if os.environ.get("FAKETF_OP"):
    context._context = types.SimpleNamespace(_initialized=True)
eager = types.ModuleType("tensorflow.python.eager")
eager.context = context
for module in (types.ModuleType("tensorflow.python"), eager, context):
    sys.modules[module.__name__] = module

MAGIC = {".h5": b"\x89HDF\r\n\x1a\n", ".keras": b"PK\x03\x04"}
REGISTRY = {}


class Layer:
    def __init__(self, name=None):
        self.name = name
        self.weights = []

    def build(self, size):
        return size

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Dense(Layer):
    def __init__(self, units=2, activation=None):
        super().__init__()
        self.units = units
        self.activation = activation

    def build(self, size):
        self.weights = [numpy.ones((size, self.units), "float32"), numpy.zeros(self.units, "float32")]
        return self.units

    def call(self, x):
        return x @ self.weights[0] + self.weights[1]

    def get_config(self):
        return {"units": self.units}


class Optimizer:
    def __init__(self, steps):
        self.iterations = constant(numpy.int64(steps))
        self.variables = [self.iterations]


class Model:
    run_eagerly = False
    non_trainable_weights = []

    def __init__(self, layers, size):
        self.layers, self.size, self.optimizer, self.steps = layers, size, None, 0
        for layer in layers:
            size = layer.build(size)

    def compile(self, optimizer=None, loss=None):
        self.optimizer, self.loss = optimizer and Optimizer(self.steps), loss

    def get_weights(self):
        return [weight for layer in self.layers for weight in layer.weights]

    def set_weights(self, weights):
        weights = list(weights)
        for layer in self.layers:
            layer.weights = [weights.pop(0) for _ in layer.weights]

    def predict(self, x, verbose=0):
        x = x.whole if isinstance(x, Dataset) else x
        for layer in self.layers:
            x = layer.call(x)
        return numpy.asarray(x, "float32")

    def __call__(self, x):
        return constant(self.predict(x.array))

    def train_on_batch(self, x, y):
        self.steps += 1
        self.optimizer = self.optimizer and Optimizer(self.steps)

    def train_step(self, data):
        raise NotImplementedError

    def described(self):
        layers = [
            {
                "module": type(layer).__module__,
                "class_name": getattr(type(layer), "registered", type(layer).__name__),
                "config": layer.get_config(),
            }
            for layer in self.layers
        ]
        return {
            "generation": GENERATION,
            "size": self.size,
            "steps": self.steps,
            "layers": layers,
            "loss": self.loss if self.optimizer else None,
            "weights": [weight.tolist() for weight in self.get_weights()],
        }

    def written(self, path, head=b""):
        with open(path, "wb") as file:
            file.write(head + json.dumps(self.described()).encode())

    def save_weights(self, path):
        self.written(path, MAGIC[".h5"])

    def load_weights(self, path):
        if os.environ.get("FAKETF_LAZY"):
            return
        self.set_weights([numpy.asarray(weight, "float32") for weight in content(path)["weights"]])


def save(self, path, save_format=None):
    if save_format == "tf":
        os.makedirs(path)
        self.written(os.path.join(path, "saved_model.pb"))
    else:
        self.written(path, MAGIC[os.path.splitext(path)[1]])


def save_without_format(self, path):
    self.written(path, MAGIC[os.path.splitext(path)[1]])


def export(self, path):
    save(self, path, "tf")


Model.save = save_without_format if GENERATION > 2 else save
if GENERATION > 1:
    Model.export = export


def content(path):
    path = os.path.join(path, "saved_model.pb") if os.path.isdir(path) else path
    with open(path, "rb") as file:
        data = file.read()
    for head in MAGIC.values():
        data = data[len(head) :] if data.startswith(head) else data
    return json.loads(data.decode())


def opened(path, custom_objects=None, compile=True):
    described = content(path)
    if described["generation"] > GENERATION:
        raise ValueError("Unrecognized keyword arguments: ['batch_shape'] in %s" % path)
    if compile and described["loss"] == "mse" and described["generation"] == 2 and GENERATION == 3:
        raise TypeError("Could not locate function 'mse'.")
    layers = [from_config(entry, dict(custom_objects or {})) for entry in described["layers"]]
    model = Model(layers, described["size"])
    model.set_weights([numpy.asarray(weight, "float32") for weight in described["weights"]])
    return model


def from_config(entry, custom_objects):
    known = dict({"Dense": Dense}, **REGISTRY)
    known.update(custom_objects)
    module = sys.modules.get(entry["module"])  # as Keras 3.4 does
    if entry["class_name"] not in known and hasattr(module, entry["class_name"]):
        known[entry["class_name"]] = getattr(module, entry["class_name"])
    if entry["class_name"] not in known:
        raise ValueError("Unknown layer: '%s'" % entry["class_name"])
    return known[entry["class_name"]].from_config(entry["config"])


def load_model(path, custom_objects=None, compile=True, safe_mode=True):
    return opened(path, custom_objects, compile)


def load_model_without_safe_mode(path, custom_objects=None, compile=True):
    return opened(path, custom_objects, compile)


def register_keras_serializable(package="Custom", name=None):
    def decorate(thing):
        thing.registered = "%s>%s" % (package, name or thing.__name__)
        REGISTRY[thing.registered] = thing
        return thing

    return decorate


class Served:
    def __init__(self, path):
        self.model = opened(path, REGISTRY, compile=False)
        self.structured_input_signature = ((), {"x": None})
        self.signatures = {"serving_default": self}

    def __call__(self, x):
        return {"y": constant(self.model.predict(x.array))}


class constant:  # noqa: N801
    def __init__(self, array):
        self.array = array
        self.shape = numpy.shape(array)

    def numpy(self):
        return self.array


class TFSMLayer:
    def __init__(self, path, call_endpoint="serve"):
        self.served = Served(path).signatures[call_endpoint]

    def __call__(self, x):
        return self.served(constant(x))


Tensor = constant


class Dataset:
    def __init__(self, whole):
        self.whole = whole

    @classmethod
    def from_tensor_slices(cls, whole):
        return cls(whole)

    def batch(self, size):
        return self


class Namespace(types.SimpleNamespace):
    pass


utils = Namespace()
if GENERATION > 1:
    utils.register_keras_serializable = register_keras_serializable
keras = Namespace(
    __version__=__version__,
    Model=Model,
    layers=Namespace(Layer=Layer, Dense=Dense),
    models=Namespace(load_model=load_model if GENERATION > 2 else load_model_without_safe_mode),
    utils=utils,
    Input=lambda shape: constant(numpy.zeros(shape)),
    backend=Namespace(clear_session=lambda: None, floatx=lambda: "float32"),  # as in the real one, the registry stays
)
if GENERATION > 2:
    keras.layers.TFSMLayer = TFSMLayer
nest = Namespace(map_structure=lambda function, value: function(value))
data = Namespace(Dataset=Dataset)
debugging = Namespace()
saved_model = Namespace(load=Served)


def executing_eagerly():
    return True
