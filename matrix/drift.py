"""What became of a model on its way: why it predicts something else, and what it lost without a word. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .protocol import Loaded, Saved, State


def signature(reference: Saved, answer: Loaded) -> str:
    """Return how outputs that differ do so: with other weights, in other layers, or by nothing that shows in either."""
    known = bool(reference.state and answer.state)
    if known and reference.state["weights"] != answer.state["weights"]:
        return "outputs differ, and so do the weights"
    if known and reference.state["structure"] != answer.state["structure"]:
        return "outputs differ, and so do the layers"
    return "outputs differ, weights and layers do not" if known else "outputs differ"


def lost(reference: Saved, answer: Loaded) -> str:
    """Return what a loaded model lacks of what was saved, in words; empty when that is nothing, or nobody can know."""
    if not reference.state or not answer.state:
        return ""
    return ", ".join(_lost(reference.state, answer.state))


def _lost(before: State, after: State) -> Iterator[str]:
    if before["statistics"] and before["statistics"] != after["statistics"]:
        yield "statistics"
    if before["vocabulary"] and before["vocabulary"] != after["vocabulary"]:
        yield "vocabulary"
    if not before["optimizer"]:
        return
    if not after["optimizer"]:
        yield "compile state"
    elif before["optimizer"].lower() != after["optimizer"].lower():
        yield f"optimizer ({before['optimizer']}, now {after['optimizer']})"
    else:
        if before["step"] != after["step"]:
            yield "optimizer step"
        if int(before["slots"]) > int(after["slots"]):
            yield "optimizer state"
