"""Rewrites the stored config of a model for another Keras: JSON in, JSON out, nothing imported, nothing called.

What the reading Keras can do is told by a value, its dialect, which (see `dialects`) is asked from it and never
looked up by its version:

    {"wraps": bool,                 whether it keeps objects with their module and registered name, as Keras 3 does
     "functional": "Functional",    what it calls a model that is a graph of layers; "Model" up to 2.2
     "activations": [name, ...],    the functions that it knows by a plain name
     "classes": {name: {"module": "keras.layers", "arguments": [name, ...]}, ...}}     those of the config it has

Each rule is one difference between two Keras. It changes one node, `{"class_name": ..., "config": {...}}`, whose inner
nodes are translated already, and leaves alone what it is not about. What a user's own classes have in their configs is
theirs.

`matrix/data/translation.toml` tells of each rule where its difference can be read, and which pair of versions shows it.
Imports none of its neighbours: see `stored`.
"""


def translated(config, dialect, rules=None):
    """Return the config of a model as a Keras with this dialect would have written it."""
    value = walked(config, dialect, RULES if rules is None else rules)
    return value if isinstance(value, dict) else config


def classes(value):
    """Return the names of all classes in a config, also those that a rule may make of them."""
    found = {"InputLayer"}
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            found.update([value["class_name"], OLDER.get(value["class_name"], value["class_name"])])
        value = list(value.values())
    if isinstance(value, list):
        found.update(*map(classes, value))
    return found


def walked(value, dialect, changes):
    """Return a value with all nodes in it changed, inner ones first."""
    if isinstance(value, list):
        return [walked(item, dialect, changes) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: walked(item, dialect, changes) for key, item in value.items()}
    for change in changes:
        if isinstance(value, dict) and isinstance(value.get("class_name"), str):
            config = str if change is function else dict  # that of a function is its name
            value = change(value, dialect) if isinstance(value.get("config"), config) else value
    return value


def configured(node, **changes):
    """Return a node with some arguments of its config changed."""
    return dict(node, config=dict(node["config"], **changes))


def without(node, *names):
    """Return a node without some arguments in its config."""
    return dict(node, config={key: value for key, value in node["config"].items() if key not in names})


def accepts(node, name, dialect):
    """Whether the reader's class takes an argument; None where it is no class of Keras."""
    known = dialect["classes"].get(node["class_name"])
    return None if known is None else name in known["arguments"]


def uncompiled(node, _dialect):
    """Leave out what only compiling needs, and what tells shared objects apart: each gets one of its own."""
    return {key: value for key, value in node.items() if key not in ("compile_config", "shared_object_id")}


def policy(node, _dialect):
    """A policy of types that is no more than a name is that name."""
    named = node["class_name"] in ("DTypePolicy", "Policy") and set(node["config"]) <= {"name"}
    return node["config"]["name"] if named else node


def older_name(node, dialect):
    """A class has the name that the reader knows it by."""
    name = node["class_name"]
    if name in ("Functional", "Model") and "layers" in node["config"]:
        return dict(node, class_name=dialect["functional"])
    if name in dialect["classes"] or OLDER.get(name) not in dialect["classes"]:
        return node
    if name in ("L1", "L2"):
        node = configured(node, **{"l1": 0.0, "l2": 0.0, **node["config"]})
    return dict(node, class_name=OLDER[name])


OLDER = {"BatchNormalizationV1": "BatchNormalization", "L1": "L1L2", "L2": "L1L2"}


def shape_of_input(node, dialect):
    """The shape of an input, with the size of a batch, has one name or the other."""
    old, new = ("batch_input_shape", "batch_shape") if dialect["wraps"] else ("batch_shape", "batch_input_shape")
    if node["class_name"] != "InputLayer" or old not in node["config"]:
        return node
    return configured(without(node, old), **{new: node["config"][old]})


def input_of_first(node, dialect):
    """A stack of layers begins with an input, where its first layer had the shape of one; no other layer has one."""
    layers = node["config"].get("layers")
    if not dialect["wraps"] or node["class_name"] not in GRAPHS or not layers:
        return node
    first, begin = layers[0], []
    shape = first["config"].get("batch_input_shape")
    if shape is not None and node["class_name"] == "Sequential":
        kind = first["config"].get("dtype")
        given = {"batch_shape": shape, "name": first["config"].get("name", "first") + "_input"}
        given.update({"dtype": kind} if isinstance(kind, str) and first["class_name"] != "Embedding" else {})
        begin = [wrapped({"class_name": "InputLayer", "config": given}, dialect)]
    return configured(node, layers=begin + [without(one, "batch_input_shape") for one in layers])


def nodes(node, dialect):
    """How layers of a graph are called is told by lists of names, or by arguments and what stands for a tensor.

    Keras 2 counts the calls of a model in a graph from 1, for the first is its own; Keras 3 counts from 0, also where
    such an end of a graph is a stack of layers.
    """
    layers, ends = node["config"].get("layers"), node["config"].get("output_layers")
    if ends is None or all(isinstance(call, dict) is dialect["wraps"] for one in layers for call in calls(one)):
        return node
    kinds = {one.get("name"): one["class_name"] for one in layers}
    inner = {name: kind in GRAPHS for name, kind in kinds.items()}
    tell, shift = (argued, -1) if dialect["wraps"] else (listed, 1)
    told = [dict(one, inbound_nodes=[tell(call, inner, shift) for call in calls(one)]) for one in layers]
    stacks = {name: kind == "Sequential" for name, kind in kinds.items()}
    return configured(node, layers=told, output_layers=moved(ends, stacks, shift))


GRAPHS = ("Sequential", "Functional", "Model")


def calls(layer):
    """Return how a layer of a graph is called."""
    return layer.get("inbound_nodes", [])


def listed(call, inner, shift):
    """Return one call of a layer as Keras 2 tells it, from how Keras 3 does."""
    if not isinstance(call, dict) or len(call.get("args", ())) != 1:
        return call  # told so already, or in a way that Keras 2 has no words for
    args, kwargs = history([call["args"][0], call["kwargs"]])
    tensors = [args] if stands(args) else args
    kwargs = {key: moved(value, inner, shift) for key, value in kwargs.items() if value is not None}
    return [[*moved(tensor, inner, shift), kwargs] for tensor in tensors]


def argued(call, inner, shift):
    """Return one call of a layer as Keras 3 tells it, from how Keras 2 does."""
    if not isinstance(call, list) or not call or not all(isinstance(one, list) and stands(one[:3]) for one in call):
        return call
    tensors = [tensor(moved(one[:3], inner, shift)) for one in call]
    kwargs = call[0][3] if len(call[0]) > 3 else {}
    kwargs = {
        key: tensor(moved(value, inner, shift)) if stands(value) and value[0] in inner else value
        for key, value in kwargs.items()
    }
    return {"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": kwargs}


def tensor(place):
    """Return what stands for a tensor in Keras 3; its shape is looked up where it comes from."""
    return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": place}}


def history(value):
    """Return a value in which what stands for a tensor is `[layer, call, output]`."""
    if isinstance(value, list):
        return [history(item) for item in value]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return list(value["config"]["keras_history"])
    return {key: history(item) for key, item in value.items()} if isinstance(value, dict) else value


def stands(value):
    """Whether a list stands for one tensor."""
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int)


def moved(value, counted, shift):
    """Return a value in which the calls of some layers are counted from another number."""
    if stands(value):
        return [value[0], value[1] + (shift if counted.get(value[0]) else 0), value[2]]
    if isinstance(value, list):
        return [moved(item, counted, shift) for item in value]
    return {key: moved(item, counted, shift) for key, item in value.items()} if isinstance(value, dict) else value


def one_axis(node, dialect):
    """One axis is a number, not a list."""
    axis = node["config"].get("axis")
    listed = dialect["wraps"] and node["class_name"] == "BatchNormalization" and isinstance(axis, list)
    return configured(node, axis=axis[0]) if listed and len(axis) == 1 else node


def type_of_initial(node, dialect):
    """An initializer that is not told its type takes that of its variable."""
    if (
        accepts(node, "dtype", dialect) is not False
        or ".initializers" not in dialect["classes"][node["class_name"]]["module"]
    ):
        return node
    return without(node, "dtype")


# Arguments that one Keras has and another has not, and the values with which they change nothing.
SILENT = {
    "quantization_config": (None,),
    "optional": (False,),
    "sparse": (False, None),
    "unroll": (False,),
    "ragged": (False, None),
    "groups": (1,),
    "time_major": (False,),
    "implementation": (0, 1, 2),
    "zero_output_for_mask": (False,),
    "use_cudnn": ("auto",),
    "seed": (None,),
    "flash_attention": (None,),
    "synchronized": (False,),
    "renorm": (False,),
    "rms_scaling": (False,),
    "virtual_batch_size": (None,),
    "fused": (None, True, False),
    "autocast": (True,),
    "dynamic": (False,),
    "activity_regularizer": (None,),
    "input_length": (None,),
    "lora_rank": (None,),
    "lora_alpha": (None,),
    "use_gate": (False,),
    "data_format": (None, "channels_last"),
    "pad_to_aspect_ratio": (False,),
    "keepdims": (False,),
}


def silent(node, dialect):
    """An argument that the reader does not take is left out, where it changes nothing."""
    return without(
        node,
        *[
            name
            for name, value in node["config"].items()
            if name in SILENT and value in SILENT[name] and accepts(node, name, dialect) is False
        ],
    )


def function(node, dialect):
    """A function is its name, where the reader does not tell classes and functions apart."""
    return node["config"] if node["class_name"] == "function" and not dialect["wraps"] else node


def own_activation(node, dialect):
    """An activation that is not one of Keras is told to be a function."""
    if not dialect["wraps"]:
        return node
    named = {key: node["config"].get(key) for key in ("activation", "recurrent_activation")}
    strange = {key: name for key, name in named.items() if isinstance(name, str) and name not in dialect["activations"]}
    kept = {"module": "builtins", "class_name": "function", "registered_name": "function"}
    return configured(node, **{key: dict(kept, config=name) for key, name in strange.items()})


def wrapped(node, dialect):
    """An object goes with its module and its registered name, or with one name alone."""
    name = node["class_name"]
    if name.startswith("__"):
        return node
    known = dialect["classes"].get(name)
    registered = node.get("registered_name") or name
    if not dialect["wraps"]:
        kept = ("module", "registered_name", "build_config")
        plain = {key: value for key, value in node.items() if key not in kept}
        return dict(plain, class_name=registered if ">" in registered else name)
    if known is not None:
        return dict(node, module=known["module"], registered_name=None)
    return dict(node, class_name=name.split(">")[-1], module=node.get("module"), registered_name=registered)


RULES = (
    uncompiled,
    policy,
    older_name,
    shape_of_input,
    input_of_first,
    nodes,
    one_axis,
    type_of_initial,
    silent,
    function,
    own_activation,
    wrapped,
)
