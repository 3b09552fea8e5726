"""The words of the page: letters, formats, variants and remedies, as a stranger would say them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import assert_never

from .. import detours
from ..detours import Hop
from ..model import Format, Rung, Status, Variant, Way

ORDER = (
    *(Status.PASS, Status.REMEDIED, Status.DRIFT, Status.FAIL, Status.TIMEOUT, Status.CRASH),
    *(Status.UNSUPPORTED, Status.NOT_SAVED, Status.ENVIRONMENT, Status.NOT_RUN),
)
_SAID = {
    Status.PASS: ("works", "The scenario's own way of loading works and the outputs agree."),
    Status.REMEDIED: (
        "with change",
        "Its own way fails; a change was run in that reader and the outputs agree.",
    ),
    Status.DRIFT: ("differs", "It loads without complaint, and predicts something else."),
    Status.FAIL: ("fails", "It does not load or predict, and no change that was tried helps."),
    Status.TIMEOUT: ("timed out", "It was stopped after its time limit."),
    Status.CRASH: ("crashed", "The interpreter died: a signal, an abort, or no memory left."),
    Status.UNSUPPORTED: ("unsupported", "The writer has no such format, so there is no file. Not a failure."),
    Status.NOT_SAVED: ("not saved", "The writer could not save this model, so no reader was asked."),
    Status.ENVIRONMENT: (
        "no environment",
        "The environment could not be built. Says nothing about TensorFlow.",
    ),
    Status.NOT_RUN: ("not run", "Not selected, or cut off before its turn. Nothing is known."),
}
_SPOKEN = {
    Status.PASS: ("works", "work"),
    Status.REMEDIED: ("works after a tested change", "work after a tested change"),
    Status.DRIFT: ("loads but predicts something else", "load but predict something else"),
    Status.FAIL: ("breaks", "break"),
    Status.CRASH: ("crashed the interpreter", "crashed the interpreter"),
}
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_HIDDEN = re.compile(  # control, direction, joining, private and half characters, and none
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\uf8ff\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U0010ffff]"
)
_TAGS = re.compile("[\U000e0000-\U0010ffff]")  # all of the hidden that Python calls printable
_LOADED = {Format.H5, Format.KERAS, Format.SAVED_MODEL}
_PARTS = {
    Rung().name: ("load the file alone", ""),
    str(Variant.CUSTOM_OBJECTS): ("hand over the custom classes", "custom_objects={...}"),
    str(Variant.REGISTERED): ("register the custom classes before loading", ""),
    "compile=False": ("leave out the stored optimizer and loss", "compile=False"),
    "safe_mode=False": ("allow stored Python code to run", "safe_mode=False"),
    str(Way.TFSM): ("load the folder as one layer", ""),
    str(Way.RAW_SAVED_MODEL): ("let TensorFlow load the folder, and call its serving signature", ""),
    str(Way.CONFIG_PATCH): ("translate the stored config, build from that, and load the weights", ""),
    str(Way.WEIGHTS): ("build the model from code, and load the weights out of the file", ""),
    Rung(call=True).name: ("call the model itself", ""),
}
_OF_CODE = {str(Variant.CUSTOM_OBJECTS), str(Variant.REGISTERED), str(Way.WEIGHTS)}
_WAYS = {  # `{}` for the path and the options
    str(Way.TFSM): 'keras.layers.TFSMLayer({}, call_endpoint="serving_default")',
    str(Way.RAW_SAVED_MODEL): 'tf.saved_model.load({}).signatures["serving_default"]',
    str(Way.CONFIG_PATCH): "",  # more than a line: `matrix why` prints it
    str(Way.WEIGHTS): "",
}


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A status, ready to print."""

    letter: str
    css: str
    short: str
    word: str
    meaning: str
    measured: bool


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A change that was run and gave equal numbers: in words, what it needs, and as the line of code."""

    name: str
    words: str
    needs: str
    code: str
    cells: int


@cache
def letter(status: Status) -> Letter:
    """Return how a status looks and what it means."""
    short, meaning = _SAID[status]
    return Letter(
        letter=str(status),
        css="s-" + status.name.lower().replace("_", "-"),
        short=short,
        word=status.word,
        meaning=meaning,
        measured=status.measured,
    )


def spoken(status: Status, number: int) -> str:
    """Return the word of a status so that it follows a number: `1 breaks`, `2 break`."""
    one, many = _SPOKEN.get(status, (status.word, status.word))
    return one if number == 1 else many


def format_name(format_: Format) -> str:
    """Return what people call a format."""
    match format_:
        case Format.H5:
            return "HDF5 .h5"
        case Format.KERAS:
            return ".keras"
        case Format.SAVED_MODEL:
            return "SavedModel"
        case Format.EXPORT:
            return "model.export"
        case Format.WEIGHTS_H5:
            return ".weights.h5"
        case never:
            assert_never(never)


def own_way(format_: Format) -> str:
    """Return what the scenario's author would write to load it."""
    match format_:
        case Format.H5 | Format.KERAS | Format.SAVED_MODEL:
            return "load_model(path)"
        case Format.EXPORT:
            return "tf.saved_model.load(path), then its serving signature"
        case Format.WEIGHTS_H5:
            return "build the model from code, then model.load_weights(path)"
        case never:
            assert_never(never)


def variant_meaning(variant: Variant) -> str:
    """Return a variant in one line."""
    match variant:
        case Variant.BARE:
            return "the loader gets the file and nothing else"
        case Variant.CUSTOM_OBJECTS:
            return "the custom classes are handed over: load_model(path, custom_objects={...})"
        case Variant.REGISTERED:
            return "the custom classes are registered on both sides with register_keras_serializable"
        case never:
            assert_never(never)


def remedy(name: str, format_: Format, cells: int) -> Remedy:
    """Return a rung, or a detour, in words, with the line of code that is changed."""
    around = detours.read(name)
    if around is not None:
        hops, rung = around
        return _around(name, hops, format_, remedy(rung, hops[-1].format if hops else format_, cells))
    registered = str(Variant.REGISTERED)
    parts = [name] if name in _PARTS else name.split("+")
    if not all(part in _PARTS for part in parts):
        return Remedy(name=name, words=f"the change called {name}", needs="", code="", cells=cells)
    words = ", and ".join(_PARTS[part][0] for part in parts)
    way = next((_WAYS[part] for part in parts if part in _WAYS), "load_model({})" if format_ in _LOADED else "")
    code = way.format(", ".join(["path", *(_PARTS[part][1] for part in parts if _PARTS[part][1])]))
    if Rung(call=True).name in parts:
        code = f"{code or 'model'}(inputs), not its predict(inputs)"
    if registered in parts and code:
        code = "@register_keras_serializable() on each class, then " + code
    needs = "the code" if _OF_CODE & set(parts) else "only the file"
    return Remedy(name=name, words=words, needs=needs, code=code, cells=cells)


def _around(name: str, hops: Sequence[Hop], format_: Format, last: Remedy) -> Remedy:
    """Return a detour in words.

    Args:
        name: of the remedy.
        hops: the environments on the way; none for the legacy Keras of the reader.
        format_: of the file.
        last: how the file is loaded at its end.
    """
    plain = last.name == Rung().name
    if not hops:
        ending = "" if plain else f", and {last.words}"
        text = f"set TF_USE_LEGACY_KERAS=1 with tf_keras installed{ending}"
        code = f"TF_USE_LEGACY_KERAS=1 python ...  {last.code}".rstrip()
    else:
        steps = [
            f"load it in {hop.environment}{'' if hop.rung == Rung().name else f' ({hop.rung})'} "
            f"and save it there as {format_name(hop.format)}"
            for hop in hops
        ]
        ending = "load that" if plain else f"load that ({last.name})"
        text, code = ", then ".join([*steps, ending]), ""
    rungs = {part for name in (last.name, *(hop.rung for hop in hops)) for part in name.split("+")}
    code_too = _OF_CODE & rungs or Format.WEIGHTS_H5 in {format_, *(hop.format for hop in hops)}
    needs = "another environment and the code" if code_too else "another environment"
    return Remedy(name=name, words=text, needs=needs, code=code, cells=last.cells)


def shown(text: object, limit: int = 300) -> str:
    """Return foreign text fit for a page: no escapes, no control or direction characters, not too long."""
    said = str(text)
    if len(said) <= limit and said.replace("\n", "").isprintable() and (said.isascii() or not _TAGS.search(said)):
        return said  # as nearly all is: much faster than to look for what is not there
    clean = _ANSI.sub("", said[: 4 * limit]).replace("\r\n", "\n")
    clean = _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", clean)
    return clean if len(clean) <= limit else f"{clean[: limit - 2].rstrip()} \N{HORIZONTAL ELLIPSIS}"


def line(text: object, limit: int = 300) -> str:
    """Return foreign text on one line."""
    return shown(" ".join(shown(text, 4 * limit).split()), limit)


def without(signature: str, exception: str) -> str:
    """Return a signature without the exception's type, for where that is written in front of it."""
    return signature.removeprefix(f"{exception}: ")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 cell`, `2 cells`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Return a time as people say it: `1 h 52 m`, `3 m 20 s`, `4.2 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} m"
    if whole >= 60:
        return f"{whole // 60} m {whole % 60} s"
    return f"{seconds:.1f} s"


def when(stamp: str) -> str:
    """Return an ISO 8601 moment in UTC as `2026-11-23 20:15 UTC`."""
    plain = shown(stamp, 40)
    return f"{plain[:10]} {plain[11:16]} UTC" if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", plain) else plain
