"""Cells on their ladders, as tests make them."""

from __future__ import annotations

from values import ABLE, ALL, line, loaded, packed, raised

from matrix.artifact import Artifact
from matrix.judge import attempt
from matrix.model import Cell, Stage, Status, Tolerance
from matrix.plan import ladder
from matrix.protocol import transcript
from matrix.results import Attempt
from matrix.trials import Trial


def trial(cell: Cell) -> Trial:
    """A cell that nobody has tried to load."""
    written = Artifact(save=cell.save, key="")
    return Trial(cell, written, ladder(cell, ALL, safe_mode=True))


def failed(
    one: Trial, message: str = "Unknown layer: Scale", function: str = "load_model", file: str = "keras/saving.py"
) -> Trial:
    """The same after its next way of loading raised an exception in a function of Keras, or of another file."""
    rung = one.next(ABLE)
    assert rung is not None
    stage = "predict" if function == "predict" else "read"
    facts = line(raised(("ValueError", message), frames=([file, 1, function],)), rung=rung.name, stage=stage)
    said = transcript(facts)
    one.heard(rung, facts, said, attempt(said, None, Tolerance(), rung="" if one.attempts else "own way"))
    return one


def worked(one: Trial) -> Trial:
    """The same after its next way of loading predicted what its writer did."""
    rung = one.next(ABLE)
    assert rung is not None
    facts = line(loaded(packed(1.0)), rung=rung.name, stage="predict")
    said = transcript(facts)
    one.heard(rung, facts, said, Attempt(rung=rung.name, status=Status.PASS, stage=Stage.COMPARE))
    return one
