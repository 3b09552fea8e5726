"""How text becomes a page: templates that escape everything, and the hashes that its content policy allows."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


@cache  # to compile them takes longer than a page
def templates(*packages: str) -> Environment:
    """Return the templates of some packages, and of the report itself: its style and its small parts are for all."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in (*packages, "matrix.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def policy_hash(text: str) -> str:
    """Return a style or a script as a content policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
