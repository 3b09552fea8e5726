"""What the host asks a worker, and what it believes of the answer.

The guest's side is described in `matrix/inside/__main__.py`. Everything that comes back was written by a process in
which a scenario's code has run, so it is parsed strictly: what does not fit is a `ProtocolError`.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .model import Format, Rung, Stage, Variant, Way

Facts = Mapping[str, Any]
State = Mapping[str, str]
Code = Literal["none", "load", "register"]
Isolation = Literal["group", "cell", "fresh"]
ARRAY_BYTES = 64 << 20
_CODE: Mapping[Variant, Code] = {Variant.BARE: "none", Variant.CUSTOM_OBJECTS: "load", Variant.REGISTERED: "register"}
KINDS = frozenset("fiub")
_DTYPE = re.compile(r"[<>|=][a-zA-Z]\d{1,3}")  # numpy would also read a small language of its own
_ENDING = re.compile(r"exited|timeout|signal \d{1,3}|no result|protocol")


class ProtocolError(ValueError):
    """A worker said something that no worker says."""


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What a worker found in its environment.

    Attributes:
        safe_mode, register, tfsm: what its Keras can do.
        start: `fork`, or `spawn` where a fork is not safe.
        fence: whether the kernel keeps children from writing where they should not.
        image: what its container was made from, as the host knows; empty where it runs in none.
    """

    python: str
    tensorflow: str
    keras: str
    numpy: str
    h5py: str
    safe_mode: bool
    register: bool
    tfsm: bool
    start: str
    fence: bool
    image: str = ""


def seen(format_: Format, rung: Rung) -> Code:
    """Return what of a scenario's code a child must see to load in some way: weights need what builds their model."""
    weights = rung.way is Way.WEIGHTS or (rung.way is Way.OWN and format_ is Format.WEIGHTS_H5)
    return "load" if weights and rung.code is not Variant.REGISTERED else _CODE[rung.code]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One cell of a request: its name, its format, where its artifact is, the key of its inputs, and how to load it.

    `registered`: whether the file knows the classes of its writer under the names of a registry. `resave`: in which
    format, and where, the loaded model is saved again.
    """

    id: str
    format: Format
    path: str
    inputs: str = ""
    registered: bool = False
    rung: Rung = Rung()  # noqa: RUF009 - frozen
    resave: tuple[Format, str] | None = None

    def to_json(self) -> dict[str, object]:
        """Return what a worker reads of it."""
        rung = {
            "name": self.rung.name,
            "way": str(self.rung.way),
            "custom_objects": self.rung.code is Variant.CUSTOM_OBJECTS,
            "packaged": self.registered,
            "compile": self.rung.compile,
            "safe_mode": self.rung.safe_mode,
            "call": self.rung.call,
        }
        again = self.resave and {"format": str(self.resave[0]), "path": self.resave[1]}
        own = {"id": self.id, "format": str(self.format), "path": self.path, "inputs": self.inputs}
        return {**own, "rung": rung, "resave": again}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One group of cells that share a child process.

    Attributes:
        task: what to do with each cell.
        scenario, script: whose code it is, and where the worker finds it.
        code: what of that code the child may see: nothing, the module, or the module with its objects registered.
        items: the cells, in the order in which they are done.
        inputs: key → packed arrays, as a writer reported them.
        timeout: seconds for one cell. memory: bytes of address space for the child.
        isolation: one child for the group, one for each cell, or a fresh process for each cell, which does everything
            as a user would write it.
    """

    task: Literal["save", "load"]
    scenario: str
    script: str
    code: Code
    items: Sequence[Item]
    inputs: Mapping[str, Facts]
    timeout: float
    memory: int
    isolation: Isolation = "group"

    def to_json(self, number: str) -> dict[str, object]:
        """Return the line that a worker reads."""
        return {
            "request": number,
            "task": self.task,
            "scenario": {"name": self.scenario, "path": self.script},
            "code": self.code,
            "cells": [item.to_json() for item in self.items],
            "inputs": dict(self.inputs),
            "timeout": self.timeout,
            "memory": self.memory,
            "isolation": self.isolation,
        }


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One exception of a chain: its type, what it said, and its frames as `(file, line, function)`."""

    type: str
    message: str
    frames: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True)
class Saved:
    """An artifact was written. `inputs` and `outputs` are what its writer fed and predicted, still packed.

    `state` is what the model held besides; see `matrix/inside/state.py`.
    """

    inputs: Facts
    outputs: Facts
    state: State


@dataclass(frozen=True)
class Loaded:
    """An artifact was opened and asked to predict. `state` is empty where there is no model, only a signature."""

    outputs: Facts
    state: State


@dataclass(frozen=True)
class Unsupported:
    """This Keras has no such format; why, in its own terms."""

    reason: str


@dataclass(frozen=True)
class Raised:
    """An exception, and those that led to it, outermost first."""

    chain: tuple[Problem, ...]


Answer = Saved | Loaded | Unsupported | Raised


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """All that a worker said about one cell and one rung.

    Attributes:
        cell, rung: which.
        stage: the last one that the child announced.
        ending: `exited`, `timeout`, `signal N`, `no result` or `protocol`.
        seconds: by the worker's monotonic clock.
        noise: the beginning and the end of what the child printed, when it did not end well.
        answer: None when the child died without one.
        first: how its first child ended, when that one died and the cell was tried once more; else empty.
    """

    cell: str
    rung: str
    stage: Stage
    ending: str
    seconds: float
    noise: str
    answer: Answer | None
    first: str = ""


def transcript(facts: Facts) -> Transcript:
    """Return what one line of a worker means; `ProtocolError` when it means nothing."""
    try:
        answer, ending, seconds = facts["answer"], str(facts["ending"]), float(facts["seconds"])
        first = str(facts.get("first", ""))
        if not _ENDING.fullmatch(ending) or not 0 <= seconds < math.inf:
            raise ProtocolError(f"ended {ending!r} after {seconds} s")
        if first and not _ENDING.fullmatch(first):
            raise ProtocolError(f"ended {first!r} at first")
        return Transcript(
            cell=str(facts["cell"]),
            rung=str(facts["rung"]),
            stage=Stage(facts["stage"]),
            ending=ending,
            seconds=seconds,
            noise=str(facts["noise"]),
            answer=None if answer is None else _answer(answer),
            first=first,
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"not a transcript: {error!r}") from error


def _answer(facts: Facts) -> Answer:
    ((kind, value),) = facts.items()
    match kind:
        case "saved":
            if not any(array.size for array in arrays(value["outputs"])):
                raise ProtocolError("no number was predicted, so no reader could be told from another")
            return Saved(value["inputs"], value["outputs"], _state(value["state"]))
        case "loaded":
            list(arrays(value["outputs"]))
            return Loaded(value["outputs"], _state(value["state"]))
        case "unsupported":
            return Unsupported(str(value))
        case "raised":
            if not value:
                raise ProtocolError("an exception without an exception")
            return Raised(tuple(_problem(item) for item in value))
        case _:
            raise ProtocolError(f"unknown answer {kind!r}")


def _state(facts: Mapping[str, str]) -> State:
    return {str(name): str(text) for name, text in facts.items()}


def _problem(facts: Facts) -> Problem:
    frames = tuple((str(file), int(line), str(name)) for file, line, name in facts["frames"])
    return Problem(type=str(facts["type"]), message=str(facts["message"]), frames=frames)


def problems(chain: Sequence[Facts]) -> tuple[Problem, ...]:
    """Return a chain of exceptions, as a worker that could not start described it."""
    return tuple(_problem(item) for item in chain)


def hello(facts: Facts) -> Hello:
    """Return what a worker found when it started."""
    try:
        return Hello(**{name: facts[name] for name in Hello.__dataclass_fields__ if name != "image"})
    except KeyError as error:
        raise ProtocolError(f"no greeting: {error}") from error


def arrays(packed: Facts) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
    """Yield the arrays of a packed structure, leaves in order; never an object array.

    Raises:
        ProtocolError: the structure, a type, a shape or a size is not what a worker sends.
    """
    if "dict" in packed:
        for key in sorted(packed["dict"]):
            yield from arrays(packed["dict"][key])
    elif "list" in packed:
        for item in packed["list"]:
            yield from arrays(item)
    else:
        yield _array(packed)


def _array(packed: Facts) -> np.ndarray[Any, np.dtype[Any]]:
    try:
        dtype = np.dtype(packed["dtype"]) if _DTYPE.fullmatch(packed["dtype"]) else np.dtype(object)
        shape = tuple(int(size) for size in packed["shape"])
        data = base64.b64decode(packed["data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ProtocolError(f"not an array: {error!r}") from error
    if dtype.kind not in KINDS or min(shape, default=0) < 0:
        raise ProtocolError(f"an array of {dtype} in the shape {shape}")
    if len(data) != math.prod(shape) * dtype.itemsize or len(data) > ARRAY_BYTES:
        raise ProtocolError(f"{len(data)} bytes for an array of {dtype} in the shape {shape}")
    return np.frombuffer(data, dtype=dtype).reshape(shape)
