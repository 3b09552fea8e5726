"""A failure in its stable words: the exception without paths, addresses, numbers and name counters."""

from __future__ import annotations

import re

LENGTH = 240
# https://github.com/tensorflow/tensorflow/blob/v2.19.0/tensorflow/core/framework/op.cc, "Op type not registered"
HOST = re.compile(r"(?<= in binary running on )\S+?(?=\.(?:\s|$))")
_SIZE = r"(?:None|\?|-?\d+)"
# No rule may read one character twice for two reasons: a message can hold anything, and a hundred kilobytes of it.
_RULES = (
    (re.compile(r"\s+"), " "),
    (HOST, "HOST"),
    (re.compile(r"0x[0-9a-fA-F]+"), "ADDRESS"),
    (re.compile(r"(?<=['\"])(?=/[^/'\"]+/)[^'\"]+(?=['\"])"), "PATH"),  # quoted, so with spaces
    # bare: a word that goes on after a space belongs to it when it has a slash too
    (re.compile(r"(?<![\w.])(?:/[^\s/'\"{}]+){2,}/?(?:\{[^{}\s]*\})?(?: [^\s/'\"{}]+(?:/[^\s/'\"{}]+)+)*"), "PATH"),
    (re.compile(r"\b[0-9a-f]{32,}\b"), "ID"),
    (re.compile(rf"[\[(] ?{_SIZE}(?:(?: ?, ?| ){_SIZE})* ?,? ?[\])]"), "SHAPE"),
    (re.compile(r"(?<=[A-Za-z0-9])(?:_\d+)+(?![A-Za-z0-9])"), ""),  # custom_layer_11: follows the order of cells
    (re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w|\.\w)"), "N"),
)


def signature(exception: str, message: str) -> str:
    """Return e.g. `OSError: Unable to open file PATH`; equal for equal failures, whatever the file or the model."""
    text = message.strip()
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = text[:LENGTH].strip()
    return f"{exception}: {text}" if text else exception
