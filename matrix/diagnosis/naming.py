"""The causes of results: each that failed is named by what was said, and by what is known of its environments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from packaging.version import InvalidVersion, Version

from ..model import Cell, Environment
from ..results import Attempt, Result
from .causes import Facts, recognised, titled

ONE_OF_ITS_OWN = 3  # the generation from which on Keras is no part of TensorFlow any more


def keras(tensorflow: str, own: str) -> Version | None:
    """Return the version by which causes know a Keras, from that of its TensorFlow and its own; None if unknown.

    A Keras that is part of a TensorFlow has the number of that: its own says less (`2.2.4-tf` for years).
    """
    generation = int(own.partition(".")[0]) if own[:1].isdecimal() else 0
    try:
        return Version(own if generation >= ONE_OF_ITS_OWN else tensorflow)
    except InvalidVersion:
        return None


@dataclass(frozen=True)
class Namer:
    """Names the causes of results.

    Attributes:
        environments: those that save and load.
        traceback: digest → text; empty when there is none.
    """

    environments: Iterable[Environment]
    traceback: Callable[[str], str]
    _known: dict[tuple[object, ...], str] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def versions(self) -> Mapping[str, Version | None]:
        """Id of an environment → its Keras."""
        return {one.id: keras(one.tensorflow, one.keras) for one in self.environments}

    def named(self, result: Result) -> Result:
        """Return a result with its cause: of how the scenario's own way ended, or the save."""
        own, cell = result.own, result.cell
        if result.writer_error:  # nobody has read anything
            cell = replace(cell, reader=cell.writer)
        cause = self._cause(cell, own) if own and own.signature else ""
        return replace(result, cause=cause) if cause else result

    def suggested(self, cell: Cell, own: Attempt) -> tuple[str, ...]:
        """Return the remedies that the cause of a cell's failure suggests, the likeliest first; none when not known."""
        cause = titled(self._cause(cell, own)) if own.signature else None
        return cause.remedies if cause else ()

    def _cause(self, cell: Cell, own: Attempt) -> str:
        key = own.exception, own.signature, own.traceback, cell.writer, cell.reader, cell.format
        if key not in self._known:
            writer, reader = self.versions.get(cell.writer), self.versions.get(cell.reader)
            text = f"{own.exception}: {own.message}\n{self.traceback(own.traceback)}"
            found = recognised(text, Facts(writer=writer, reader=reader, format=cell.format.value)).cause
            self._known[key] = found.slug if found else ""
        return self._known[key]
