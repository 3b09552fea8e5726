"""The causes of a run: each cell that fails is named by what was said, and by what is known of its environments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from packaging.version import InvalidVersion, Version

from ..model import Cell
from ..results import Attempt, EnvironmentReport, Result
from .causes import Diagnosis, Facts, recognised

OWN_KERAS = Version("2.16")  # from here on Keras has a version of its own; before, the one of its TensorFlow says more


def keras(tensorflow: str, own: str) -> Version | None:
    """Return the version by which causes know a Keras, from that of its TensorFlow and its own; None if unknown.

    Up to 2.15 they differ in numbers only: the Keras in TensorFlow 2.1 calls itself `2.2.4-tf`.
    """
    try:
        version = Version(tensorflow)
        return version if version < OWN_KERAS else Version(own)
    except InvalidVersion:
        return None


@dataclass(frozen=True)
class Namer:
    """Names the causes of results.

    Attributes:
        versions: id of an environment → its Keras, see `keras`.
        tracebacks: digest → text.
    """

    versions: Mapping[str, Version | None]
    tracebacks: Mapping[str, str]
    _known: dict[tuple[object, ...], Diagnosis] = field(default_factory=dict, repr=False)

    def named(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yield results with their causes: of how the scenario's own way ended, or the save."""
        for result in results:
            own = result.own
            if own is None or not own.signature:
                yield result
            else:
                yield replace(result, cause=cause.slug if (cause := self._diagnosis(result.cell, own).cause) else "")

    def _diagnosis(self, cell: Cell, own: Attempt) -> Diagnosis:
        writer, reader = self.versions.get(cell.writer), self.versions.get(cell.reader)
        key = own.exception, own.signature, own.traceback, writer, reader, cell.format
        if key not in self._known:
            text = f"{own.exception}: {own.message}\n{self.tracebacks.get(own.traceback, '')}"
            self._known[key] = recognised(text, Facts(writer=writer, reader=reader, format=cell.format.value))
        return self._known[key]


def namer(environments: Iterable[EnvironmentReport], tracebacks: Iterable[tuple[str, str]]) -> Namer:
    """Return who names the causes of a run, from its environments and its tracebacks."""
    versions = {
        one.environment.id: keras(one.tensorflow or one.environment.tensorflow, one.keras or one.environment.keras)
        for one in environments
    }
    return Namer(versions, dict(tracebacks))
