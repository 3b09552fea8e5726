"""Arrays as plain values: what a scenario feeds and what a model predicts."""

import base64
import hashlib

import numpy


def packed(value):
    """Return arrays in lists, tuples and dicts as JSON-like values. Tensors become arrays."""
    if isinstance(value, dict):
        return {"dict": {str(key): packed(value[key]) for key in sorted(value)}}
    if isinstance(value, (list, tuple)):
        return {"list": [packed(item) for item in value]}
    array = numpy.ascontiguousarray(value.numpy() if hasattr(value, "numpy") else value)
    return {
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "data": base64.b64encode(array.tobytes()).decode("ascii"),
    }


def unpacked(value):
    """Return the inverse of `packed`."""
    if "dict" in value:
        return {key: unpacked(item) for key, item in value["dict"].items()}
    if "list" in value:
        return [unpacked(item) for item in value["list"]]
    data = base64.b64decode(value["data"])
    return numpy.frombuffer(data, dtype=numpy.dtype(value["dtype"])).reshape(value["shape"]).copy()


def digest(arrays):
    """Return one SHA-256 over a list of arrays, their types and shapes."""
    total = hashlib.sha256()
    for array in map(numpy.ascontiguousarray, arrays):
        total.update(("%s%s" % (array.dtype.str, list(array.shape))).encode("ascii"))
        total.update(array.tobytes())
    return total.hexdigest()


def fixed_values(position, array):
    """Return values for a variable that follow from its position alone, never from its initializer.

    A reader that matched nothing would otherwise rebuild the writer's initial values and look right. Kernels are
    scaled by their fan-in, so that outputs stay sensitive; vectors are positive, as a variance must be. The stream of
    `RandomState` is frozen (https://numpy.org/neps/nep-0019-rng-policy.html), so every numpy gives the same numbers.
    """
    if array.dtype.kind != "f":
        return array
    seed = int(hashlib.sha256(str(position).encode("ascii")).hexdigest()[:8], 16)
    stream = numpy.random.RandomState(seed)
    if array.ndim < 2:
        return stream.uniform(0.1, 0.6, array.shape).astype(array.dtype)
    fan_in = max(1, int(numpy.prod(array.shape[:-1])))
    return (stream.uniform(-1.5, 1.5, array.shape) / numpy.sqrt(fan_in)).astype(array.dtype)
