"""Numbers, times and sizes as they are typed."""

from __future__ import annotations

import argparse
import re


def count(text: str) -> int:
    """Return a whole number above 0. ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0.")
    return int(text)


def seconds(text: str) -> float:
    """Return seconds above 0. ArgumentTypeError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0.")
    return value


def duration(text: str) -> float:
    """Return the seconds of `90s`, `20m` or `1.5h`. ArgumentTypeError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 90s, 20m or 1.5h.")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def size(text: str) -> int:
    """Return the bytes of `800MB` or `15GB`. ArgumentTypeError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MGT])i?B?", text, re.IGNORECASE)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 800MB or 15GB.")
    return int(float(found[1]) * {"M": 10**6, "G": 10**9, "T": 10**12}[found[2].upper()])
