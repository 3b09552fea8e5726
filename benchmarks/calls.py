"""Runs inside an environment: the plain calls of a user, one after the other, in one process.

    python calls.py SCENARIOS       jobs as JSON lines on standard input, a line on standard output for each

A job is `{"save": [[scenario, registered, format, path], ...]}` or
`{"load": [[scenario, code, format, path, {options}], ...]}`; it answers how many calls went well. Python 3.7, the
standard library, numpy and TensorFlow.
"""

import importlib.util
import json
import os
import sys

import numpy
import tensorflow as tf

SCENARIOS = sys.argv[1]
MODULES = {}
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def module(name):
    if name not in MODULES:
        spec = importlib.util.spec_from_file_location(name, os.path.join(SCENARIOS, name + ".py"))
        MODULES[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(MODULES[name])
    return MODULES[name]


def predicted(model, name, plain):
    inputs = module(name).inputs()
    if not plain and tf.executing_eagerly():
        inputs = tf.data.Dataset.from_tensors(inputs)
    return model.predict(inputs, verbose=0)


def register(name):
    for key, thing in getattr(module(name), "CUSTOM_OBJECTS", {}).items():
        tf.keras.utils.register_keras_serializable(package="scenario", name=key)(thing)


def save(models, name, registered, kind, path, plain):
    if (name, registered) not in models:
        tf.keras.backend.clear_session()
        if registered:
            register(name)
        model = models[name, registered] = module(name).build()
        outputs = numpy.asarray(predicted(model, name, plain))
        model.train_on_batch(module(name).inputs(), numpy.linspace(0, 1, outputs.size).reshape(outputs.shape))
        predicted(model, name, plain)
    model = models[name, registered]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if kind == "export":
        model.export(path)
    elif kind == "weights_h5":
        model.save_weights(path)
    else:
        model.save(path, **({"save_format": "tf"} if kind == "saved_model" else {}))


def load(name, code, kind, path, options, plain):
    if code == "registered":
        register(name)
    if code == "custom_objects":
        options = dict(options, custom_objects=module(name).CUSTOM_OBJECTS)
    if kind == "export":
        served = tf.saved_model.load(path).signatures["serving_default"]
        return served(**{key: tf.constant(module(name).inputs()) for key in served.structured_input_signature[1]})
    if kind == "weights_h5":
        model = module(name).build()
        predicted(model, name, plain)
        model.load_weights(path)
    else:
        model = tf.keras.models.load_model(path, **options)
    return predicted(model, name, plain)


for line in sys.stdin:
    job, well, models = json.loads(line), 0, {}
    for call in job.get("save", []) + job.get("load", []):
        try:
            save(models, *call, job["plain"]) if "save" in job else load(*call, job["plain"])
            well += 1
        except Exception as error:  # noqa: BLE001 - a model that does not load is an answer
            print(call, type(error).__name__, file=sys.stderr)
            tf.keras.backend.clear_session()  # it may have left something half done
    out.write(json.dumps({"well": well}) + "\n")
    out.flush()
