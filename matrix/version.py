"""The version of this tool, from its metadata."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("keras-matrix")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+checkout"


VERSION = _installed()
