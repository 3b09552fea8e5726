"""Open an artifact in one way, and return what the model in it predicts."""

from . import dialects, filling, stored, translation
from .arrays import packed, unpacked
from .feeding import fed
from .framework import Session
from .saving import SAVE
from .scenario import custom_objects, packaged
from .state import state


class Loader:
    """Loads artifacts as a job wants it. `module` is the scenario's code, or None where only the file is given."""

    def __init__(self, tensorflow, module, job):
        self.tensorflow = tensorflow
        self.module = module
        self.plainly = job["plainly"]
        self.inputs = job["inputs"]
        self.feeds = {}
        self.model_of_code = None
        self.session = None
        self.raised = None  # whether the last cell ended with an exception

    def load(self, cell, reach):
        """Load one artifact and predict; `reach(stage)` is called as it gets there. Return the answer."""
        if self.raised is not None:
            self.session = self.session or Session(self.tensorflow)
            self.session.clear(self.raised)
        self.raised = True
        answer = self.loaded(cell, reach)
        self.raised = False
        return answer

    def loaded(self, cell, reach):
        """Do so, whatever the cells before have left."""
        reach("read")
        rung = cell["rung"]
        way = "raw_saved_model" if cell["format"] == "export" and rung["way"] == "own" else rung["way"]
        if way in SERVED:
            outputs = SERVED[way](self.tensorflow, cell["path"], unpacked(self.inputs[cell["inputs"]]), reach)
            return {"loaded": {"outputs": packed(outputs), "state": {}}}
        model = self.opened(cell, reach)
        reach("predict")
        if rung["call"]:
            outputs = called(self.tensorflow, model, unpacked(self.inputs[cell["inputs"]]))
        else:
            outputs = model.predict(self.feed(cell["inputs"]), verbose=0)
        answer = {"loaded": {"outputs": packed(outputs), "state": state(self.tensorflow, model)}}
        if cell["resave"]:
            reach("resave")
            SAVE[cell["resave"]["format"]](model, cell["resave"]["path"])
        return answer

    def feed(self, key):
        """Return what to predict from, made once for all cells with these inputs."""
        if key not in self.feeds:
            self.feeds[key] = fed(self.tensorflow, unpacked(self.inputs[key]), self.plainly)
        return self.feeds[key]

    def opened(self, cell, reach):
        """Return the model of a file, opened in the way of a rung."""
        way = cell["rung"]["way"]
        if way == "config_patch":
            return self.patched(cell, reach)
        if way == "weights":
            values = stored.variables(cell["path"], self.tensorflow)
            return self.rebuilt(cell, reach, lambda model: filling.fill(model, values, self.tensorflow))
        if cell["format"] == "weights_h5":
            return self.rebuilt(cell, reach, lambda model: model.load_weights(cell["path"]))
        return self.model(cell)

    def model(self, cell):
        """Return what `load_model` makes of a file."""
        rung, options = cell["rung"], {}
        if rung["custom_objects"]:
            options["custom_objects"] = self.classes(rung)
        if not rung["compile"]:
            options["compile"] = False
        if not rung["safe_mode"]:
            options["safe_mode"] = False
        return self.tensorflow.keras.models.load_model(cell["path"], **options)

    def classes(self, rung):
        """Return the scenario's custom objects as a rung hands them over."""
        return packaged(self.module) if rung["packaged"] else custom_objects(self.module)

    def patched(self, cell, reach):
        """Return the model that a file describes, its config translated for this Keras, with the weights in there."""
        config = stored.config(cell["path"])
        values = stored.variables(cell["path"], self.tensorflow)
        reach("config")
        dialect = dialects.spoken(self.tensorflow, translation.classes(config))
        classes = self.classes(cell["rung"]) if cell["rung"]["custom_objects"] else {}
        model = dialects.model(self.tensorflow, translation.translated(config, dialect), classes)
        reach("build")
        if not filling.has_variables(model):
            model.predict(self.feed(cell["inputs"]), verbose=0)
        filling.emptied(model)
        reach("weights")
        filling.fill(model, values, self.tensorflow)
        return model

    def rebuilt(self, cell, reach, fill):
        """Return the model built from code, with the weights of a file, which `fill` puts into it."""
        reach("build")
        model = self.built(cell)
        filling.emptied(model)
        reach("weights")
        fill(model)
        return model

    def built(self, cell):
        """Return the model that the code builds, with its variables.

        One for all cells of a child: filled with NaN it does not know what was loaded into it before, and to build and
        to trace it takes longer than all the rest. In graphs it is gone with the last cell.
        """
        if self.model_of_code is not None:
            return self.model_of_code
        model = self.module.build()
        if not model.get_weights():
            model.predict(self.feed(cell["inputs"]), verbose=0)
        if not self.plainly and self.tensorflow.executing_eagerly():
            self.model_of_code = model
        return model


def served(tensorflow, path, inputs, reach):
    """Return what the serving signature of a SavedModel answers, called in the way of this TensorFlow."""
    if tensorflow.executing_eagerly():
        loaded = tensorflow.saved_model.load(path)
        reach("predict")
        signature = loaded.signatures["serving_default"]
        names = sorted(signature.structured_input_signature[1])
        answer = signature(**{key: tensorflow.constant(array) for key, array in named(names, inputs).items()})
        return flat({key: tensor.numpy() for key, tensor in answer.items()})
    v1 = tensorflow.compat.v1
    with v1.Session(graph=tensorflow.Graph()) as session:
        graph = v1.saved_model.load(session, ["serve"], path)
        reach("predict")
        signature = graph.signature_def["serving_default"]
        feeds = named(sorted(signature.inputs), inputs)
        answer = session.run(
            {key: tensor.name for key, tensor in signature.outputs.items()},
            {signature.inputs[key].name: array for key, array in feeds.items()},
        )
        return flat(answer)


def layered(tensorflow, path, inputs, reach):
    """Return what a SavedModel answers as a layer of Keras 3, in the form of `predict`."""
    layer = tensorflow.keras.layers.TFSMLayer(path, call_endpoint="serving_default")
    reach("predict")
    answer = layer(inputs)
    return flat(answer) if isinstance(answer, dict) else answer


def called(tensorflow, model, inputs):
    """Return what a model answers that is called itself."""
    answer = model(tensorflow.nest.map_structure(tensorflow.constant, inputs))
    if tensorflow.executing_eagerly():
        return answer
    return tensorflow.nest.map_structure(tensorflow.keras.backend.get_value, answer)


def named(names, inputs):
    """Return the inputs under the names of a signature, by name for a dict, else in order."""
    if isinstance(inputs, dict):
        return inputs
    return dict(zip(names, inputs if isinstance(inputs, list) else [inputs]))


def flat(answer):
    """Return a signature's outputs as `predict` would: one array, or a list in the order of the names."""
    arrays = [answer[key] for key in sorted(answer)]
    return arrays[0] if len(arrays) == 1 else arrays


SERVED = {"raw_saved_model": served, "tfsm": layered}
