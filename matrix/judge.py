"""From what a worker said to a letter. Pure: stored transcripts can be judged again under another tolerance."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from . import drift
from .diagnosis.signatures import signature
from .diagnosis.stages import stage_of
from .model import Cell, Stage, Status, Tolerance, digest
from .protocol import Loaded, Problem, Raised, Saved, Transcript, Unsupported, arrays
from .results import Attempt, Result

OWN_WAY = "own way"
NOISE_SHOWN = 2000
MACHINE_TROUBLE = ("No space left on device", "Disk quota exceeded", "Too many open files", "Input/output error")
REMEDY_MESSAGE_SHOWN = 300  # of rungs that did not help; the own way's is kept in full
OUT_OF_MEMORY = ("MemoryError", "std::bad_alloc", "Cannot allocate memory", "OOM when allocating")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far two predictions are apart: in the worst element, and in the number of rows that changed their maximum."""

    close: bool
    max_abs: float
    max_rel: float
    flips: int


def difference(reference: Saved, answer: Loaded, tolerance: Tolerance) -> Difference | str:
    """Compare what a reader predicted with what the writer did; a sentence when they cannot be compared."""
    ours, theirs = list(arrays(reference.outputs)), list(arrays(answer.outputs))
    shapes = [array.shape for array in ours], [array.shape for array in theirs]
    if shapes[0] != shapes[1]:
        return f"the writer predicted shapes {shapes[0]}, the reader {shapes[1]}"
    close, worst_abs, worst_rel, flips = True, 0.0, 0.0, 0
    for a, b in zip(ours, theirs, strict=True):
        wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            # equal first: infinity minus infinity is no number
            gap = np.where(wide_a == wide_b, 0.0, np.abs(wide_a - wide_b))
            relative = gap / np.maximum(np.abs(wide_a), np.finfo(np.float32).tiny)
        # finite: NaN is close to nothing, also not to NaN; and everything is within a part of infinity
        allowed = tolerance.absolute + tolerance.relative * np.abs(wide_a)
        close = close and bool(np.all(np.isfinite(gap) & (gap <= allowed)))
        worst_abs = max(worst_abs, _worst(gap))
        worst_rel = max(worst_rel, _worst(relative))
        if a.ndim > 1 and a.size:
            flips += int(np.sum(np.argmax(wide_a, axis=-1) != np.argmax(wide_b, axis=-1)))
    return Difference(close=close, max_abs=worst_abs, max_rel=worst_rel, flips=flips)


def _worst(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Return the largest of some values; infinity when one is not a number."""
    if values.size == 0:
        return 0.0
    worst = float(np.max(values))
    return worst if np.isfinite(worst) else float("inf")


def attempt(said: Transcript, reference: Saved | None, tolerance: Tolerance, rung: str = "") -> Attempt:
    """Judge one rung of one cell, or one save (`reference` is None: an artifact that is there is a pass).

    A child that died says nothing about the outcome, whatever it answered before; nor does one that answers a question
    that was not asked, as a scenario's code could make it. That a first child died changes no letter, and is said.
    """
    found = _judged(said, reference, tolerance, rung or said.rung)
    if not said.first:
        return found
    lines = [found.message, f"first try: {ending_in_words(said.first)}"]
    return replace(found, message="\n".join(filter(None, lines)))


def _judged(said: Transcript, reference: Saved | None, tolerance: Tolerance, name: str) -> Attempt:
    if isinstance(said.answer, Loaded if reference is None else Saved):
        said = replace(said, ending="protocol")
    if said.ending != "exited" or said.answer is None:
        return _died(said, name)
    match said.answer:
        case Raised(chain=chain):
            return _raised(said, chain, name)
        case Loaded() if reference is not None:
            return _compared(said, reference, said.answer, tolerance, name)
        case Saved() | Loaded():
            return Attempt(rung=name, status=Status.PASS, stage=Stage.SAVE, seconds=said.seconds)
        case Unsupported(reason=reason):
            return Attempt(rung=name, status=Status.FAIL, stage=said.stage, message=reason, seconds=said.seconds)
        case never:
            assert_never(never)


def _died(said: Transcript, name: str) -> Attempt:
    status = Status.TIMEOUT if said.ending == "timeout" else Status.CRASH
    reason = ending_in_words(said.ending)
    if any(sign in said.noise for sign in OUT_OF_MEMORY):
        reason = f"out of memory under its limit ({reason})"
    noise = said.noise.strip()[-NOISE_SHOWN:]
    return Attempt(
        rung=name,
        status=status,
        stage=said.stage,
        message=f"{reason}\n{noise}" if noise else reason,
        signature=f"{status.word}: {reason} at {said.stage}",
        seconds=said.seconds,
    )


def ending_in_words(ending: str) -> str:
    """Say how a child ended: `signal 11` is `killed by SIGSEGV`."""
    if ending.startswith("signal "):
        number = int(ending.split()[1])
        known = {int(item): item.name for item in signal.Signals}
        return f"killed by {known.get(number, f'signal {number}')}"
    words = {
        "timeout": "killed after its time limit",
        "no result": "ended without a result",
        "protocol": "wrote something that is no result",
    }
    return words.get(ending, ending)


def _raised(said: Transcript, chain: Sequence[Problem], name: str) -> Attempt:
    inner = chain[-1]
    text = "\n".join(problem.message for problem in chain)
    memory = inner.type == "MemoryError" or any(sign in text for sign in OUT_OF_MEMORY[1:])
    return Attempt(
        rung=name,
        status=Status.CRASH if memory else Status.FAIL,
        stage=stage_of(said.stage, [frame for problem in chain for frame in problem.frames]),
        exception=inner.type,
        message=inner.message if name == OWN_WAY else inner.message[:REMEDY_MESSAGE_SHOWN],
        signature=signature(inner.type, inner.message),
        traceback=digest(traceback_text(chain)),
        seconds=said.seconds,
    )


def trouble(said: Transcript) -> str:
    """Return what is wrong with this machine rather than with a model; empty when nothing is.

    A disk that is full looks like a failed save or load, and must never be reported as one.
    """
    answer = said.answer
    text = "\n".join(problem.message for problem in answer.chain) if isinstance(answer, Raised) else said.noise
    return next((sign for sign in MACHINE_TROUBLE if sign in text), "")


def traceback_text(chain: Sequence[Problem]) -> str:
    """Return a chain of exceptions as people read it, cause first, without the messages' changing parts."""
    blocks = []
    for problem in reversed(chain):
        lines = [f'  File "{file}", line {line}, in {function}' for file, line, function in problem.frames]
        blocks.append("\n".join([*lines, signature(problem.type, problem.message)]))
    return "\n\nwhich led to\n\n".join(blocks)


def _compared(said: Transcript, reference: Saved, answer: Loaded, tolerance: Tolerance, name: str) -> Attempt:
    found = difference(reference, answer, tolerance)
    if isinstance(found, str):
        return Attempt(
            rung=name,
            status=Status.DRIFT,
            stage=Stage.COMPARE,
            message=found,
            signature="outputs of another shape",
            seconds=said.seconds,
        )
    return Attempt(
        rung=name,
        status=Status.PASS if found.close else Status.DRIFT,
        stage=Stage.COMPARE,
        message="" if found.close else f"the largest difference of an output is {found.max_abs:.3g}",
        signature="" if found.close else drift.signature(reference, answer),
        lost=drift.lost(reference, answer),
        max_abs_error=found.max_abs,
        max_rel_error=found.max_rel,
        argmax_flips=found.flips,
        seconds=said.seconds,
    )


def crashed(cell: Cell, why: str) -> Result:
    """Return what is known of a cell that ended its worker, not only its child, by what it took."""
    return result(cell, [Attempt(rung=OWN_WAY, status=Status.CRASH, stage=Stage.READ, message=why)], "")


def result(cell: Cell, attempts: Sequence[Attempt], container: str) -> Result:
    """Sum up the attempts of a cell, its own way first: the first remedy that passed decides an `R`."""
    own, *others = attempts
    remedy = next((item.rung for item in others if item.status is Status.PASS), "")
    return Result(
        cell=cell,
        status=Status.REMEDIED if remedy else own.status,
        attempts=tuple(attempts),
        remedy=remedy,
        container=container,
    )
