"""What a stored config becomes for another Keras, on the interpreter that runs this file."""

import importlib.util
import json
import os

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
GUEST = os.path.join(os.path.dirname(os.path.dirname(HERE)), "matrix", "inside", "translation.py")
SPEC = importlib.util.spec_from_file_location("translation_of_the_guest", GUEST)
translation = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(translation)

DENSE = ["name", "trainable", "dtype", "units", "activation", "use_bias", "kernel_initializer"]


def known(module, *arguments):
    """What a dialect says of a class."""
    return {"module": "keras." + module, "arguments": list(arguments)}


def dialect(wraps, functional, **classes):
    """A dialect with a few classes."""
    stock = {
        "Sequential": {"module": "keras", "arguments": ["name", "layers"]},
        "Functional": {"module": "keras", "arguments": []},
        "Model": {"module": "keras", "arguments": []},
        "InputLayer": known("layers", "batch_shape" if wraps else "batch_input_shape", "dtype", "name"),
        "Dense": known("layers", *DENSE),
        "BatchNormalization": known("layers", "axis", "momentum"),
        "GlorotUniform": known("initializers", "seed"),
    }
    stock.update(classes)
    return {"wraps": wraps, "functional": functional, "activations": ["relu", "softmax"], "classes": stock}


OLD = dialect(False, "Model", GlorotUniform=known("initializers", "seed", "dtype"), L1L2=known("regularizers"))
MIDDLE = dialect(False, "Functional", L2=known("regularizers"))
NEW = dialect(True, "Model")
KEPT = {"module": "builtins", "class_name": "function", "config": "own", "registered_name": "function"}
POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


def node(class_name, **config):
    """A node with nothing but its class and its config."""
    return {"class_name": class_name, "config": config}


def full(module, class_name, **config):
    """A node as Keras 3 keeps it."""
    return {"module": "keras" + module, "class_name": class_name, "config": config, "registered_name": None}


def stand(*history):
    """What stands for a tensor in the config of a graph of Keras 3."""
    return node("__keras_tensor__", shape=[], dtype="float32", keras_history=list(history))


def told(name, class_name, *calls):
    """A layer of a graph, and how it is called."""
    return dict(node(class_name), name=name, inbound_nodes=list(calls))


def graph(*layers, ends=()):
    """A graph of layers."""
    return node("Functional", layers=list(layers), output_layers=list(ends))


CASES = [
    pytest.param("uncompiled", NEW, dict(node("Own"), compile_config={}), node("Own"), id="no-compile-config"),
    pytest.param("uncompiled", OLD, dict(node("Own"), shared_object_id=7), node("Own"), id="no-shared-objects"),
    pytest.param("policy", OLD, node("Own", dtype=POLICY), node("Own", dtype="float32"), id="policy-is-its-name"),
    pytest.param(
        "policy", OLD, node("Policy", name="a", source_name="b"), node("Policy", name="a", source_name="b"), id="policy"
    ),
    pytest.param("older_name", OLD, node("Functional", layers=[]), node("Model", layers=[]), id="graph-in-2.2"),
    pytest.param("older_name", MIDDLE, node("Model", layers=[]), node("Functional", layers=[]), id="graph-since-2.3"),
    pytest.param("older_name", OLD, node("L2", l2=0.5), node("L1L2", l1=0.0, l2=0.5), id="l2-in-2.2"),
    pytest.param("older_name", MIDDLE, node("L2", l2=0.5), node("L2", l2=0.5), id="l2-where-it-is-known"),
    pytest.param("older_name", NEW, node("BatchNormalizationV1"), node("BatchNormalization"), id="class-of-1.15"),
    pytest.param(
        "shape_of_input",
        OLD,
        node("InputLayer", batch_shape=[None, 4]),
        node("InputLayer", batch_input_shape=[None, 4]),
    ),
    pytest.param(
        "shape_of_input",
        NEW,
        node("InputLayer", batch_input_shape=[None, 4]),
        node("InputLayer", batch_shape=[None, 4]),
    ),
    pytest.param("shape_of_input", OLD, node("Own", batch_shape=[4]), node("Own", batch_shape=[4]), id="of-ones-own"),
    pytest.param(
        "input_of_first",
        NEW,
        node("Sequential", layers=[node("Dense", name="d", dtype="float32", batch_input_shape=[None, 4])]),
        node(
            "Sequential",
            layers=[
                full(".layers", "InputLayer", batch_shape=[None, 4], name="d_input", dtype="float32"),
                node("Dense", name="d", dtype="float32"),
            ],
        ),
        id="input-of-the-first",
    ),
    pytest.param(
        "input_of_first",
        NEW,
        node("Sequential", layers=[node("InputLayer", batch_shape=[1]), node("Dense", batch_input_shape=[1], units=1)]),
        node("Sequential", layers=[node("InputLayer", batch_shape=[1]), node("Dense", units=1)]),
        id="shape-of-no-other",
    ),
    pytest.param(
        "nodes",
        OLD,
        graph(told("a", "Dense"), told("b", "Dense", {"args": [stand("a", 0, 0)], "kwargs": {"mask": None}})),
        graph(told("a", "Dense"), told("b", "Dense", [["a", 0, 0, {}]])),
        id="one-tensor-for-2",
    ),
    pytest.param(
        "nodes",
        OLD,
        graph(told("a", "Add", {"args": [[stand("b", 0, 0), stand("b", 0, 1)]], "kwargs": {"m": stand("b", 1, 0)}})),
        graph(told("a", "Add", [["b", 0, 0, {"m": ["b", 1, 0]}], ["b", 0, 1, {"m": ["b", 1, 0]}]])),
        id="two-tensors-for-2",
    ),
    pytest.param(
        "nodes",
        OLD,
        graph(told("b", "Sequential", {"args": [stand("b", 0, 0)], "kwargs": {}}), ends=["b", 1, 0]),
        graph(told("b", "Sequential", [["b", 1, 0, {}]]), ends=["b", 2, 0]),
        id="stack-in-a-graph-for-2",
    ),
    pytest.param(
        "nodes",
        OLD,
        graph(told("b", "Functional", {"args": [stand("b", 0, 0)], "kwargs": {}}), ends=["b", 1, 0]),
        graph(told("b", "Functional", [["b", 1, 0, {}]]), ends=["b", 1, 0]),
        id="graph-in-a-graph-for-2",
    ),
    pytest.param(
        "nodes",
        NEW,
        graph(told("b", "Sequential", [["b", 1, 0, {}]]), ends=[["b", 1, 0]]),
        graph(told("b", "Sequential", {"args": [stand("b", 0, 0)], "kwargs": {}}), ends=[["b", 0, 0]]),
        id="stack-in-a-graph-for-3",
    ),
    pytest.param(
        "nodes",
        NEW,
        graph(told("b", "Add", [["b", 0, 0, {"v": ["b", 0, 1], "n": 3}], ["b", 0, 1, {}]])),
        graph(
            told(
                "b", "Add", {"args": [[stand("b", 0, 0), stand("b", 0, 1)]], "kwargs": {"v": stand("b", 0, 1), "n": 3}}
            )
        ),
        id="tensor-by-name-for-3",
    ),
    pytest.param("one_axis", NEW, node("BatchNormalization", axis=[1]), node("BatchNormalization", axis=1), id="axis"),
    pytest.param(
        "type_of_initial", NEW, node("GlorotUniform", dtype="float32"), node("GlorotUniform"), id="initializer-of-1.15"
    ),
    pytest.param("type_of_initial", NEW, node("Dense", units=1), node("Dense", units=1), id="no-initializer"),
    pytest.param("silent", NEW, node("Dense", quantization_config=None), node("Dense"), id="new-argument"),
    pytest.param("silent", NEW, node("Dense", groups=2), node("Dense", groups=2), id="argument-that-matters"),
    pytest.param("silent", NEW, node("Own", groups=1), node("Own", groups=1), id="argument-of-ones-own"),
    pytest.param("function", OLD, node("Dense", activation=KEPT), node("Dense", activation="own"), id="function"),
    pytest.param("own_activation", NEW, node("Own", activation="own"), node("Own", activation=KEPT), id="own-function"),
    pytest.param("own_activation", NEW, node("Own", activation="relu"), node("Own", activation="relu"), id="known"),
    pytest.param("wrapped", NEW, node("Dense", units=1), full(".layers", "Dense", units=1), id="class-of-keras"),
    pytest.param(
        "wrapped",
        NEW,
        node("scenario>Own"),
        {"module": None, "class_name": "Own", "config": {}, "registered_name": "scenario>Own"},
        id="registered-for-3",
    ),
    pytest.param(
        "wrapped",
        OLD,
        {"module": "x", "class_name": "Own", "config": {}, "registered_name": "scenario>Own", "build_config": {}},
        node("scenario>Own"),
        id="registered-for-2",
    ),
]


@pytest.mark.parametrize(("rule", "reader", "before", "after"), CASES)
def test_each_rule_is_one_difference(rule, reader, before, after):
    """
    It changes what it is about, and nothing of a user's own.
    """
    (change,) = [one for one in translation.RULES if one.__name__ == rule]

    assert translation.translated(before, reader, [change]) == after


def test_every_rule_has_an_example():
    """
    A rule that nothing shows is a guess.
    """
    shown = {case.values[0] for case in CASES if case.values[2] != case.values[3]}

    assert {rule.__name__ for rule in translation.RULES} == shown


@pytest.mark.parametrize("reader", [OLD, MIDDLE, NEW], ids=["old", "middle", "new"])
def test_what_is_translated_stays_so(reader):
    """
    The second time there is nothing left to change, and what was read is what it was.
    """
    for case in CASES:
        before = json.dumps(case.values[2])
        once = translation.translated(case.values[2], reader)

        assert translation.translated(once, reader) == once
        assert json.dumps(case.values[2]) == before


def test_a_model_of_keras_3_becomes_one_of_keras_2():
    """
    As a whole: names, shapes, policies, arguments.
    """
    dense = dict(full(".layers", "Dense", name="d", dtype=POLICY, units=1, quantization_config=None), build_config={})
    begin = full(".layers", "InputLayer", batch_shape=[None, 4], dtype="float32", name="i", optional=False)
    model = dict(full("", "Sequential", name="s", dtype=POLICY, layers=[begin, dense]), compile_config={"loss": "mse"})

    assert translation.translated(model, MIDDLE) == node(
        "Sequential",
        name="s",
        dtype="float32",
        layers=[
            node("InputLayer", batch_input_shape=[None, 4], dtype="float32", name="i"),
            node("Dense", name="d", dtype="float32", units=1),
        ],
    )


def test_all_classes_of_a_config_are_found():
    """
    Inner ones too, and the names that a rule may give them.
    """
    config = node("Sequential", layers=[node("Dense", kernel_regularizer=node("L2"), units=1)])

    assert translation.classes(config) == {"Sequential", "Dense", "L2", "L1L2", "InputLayer"}
