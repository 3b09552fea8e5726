"""What makes two environments the same one.

Also imported by the noxfile, in whatever Python owns nox, so: the standard library, and Python 3.10.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence


def digest(*parts: object) -> str:
    """Return the SHA-256 of some JSON-like parts, as 64 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(python: str, lock: str, variables: Sequence[tuple[str, str]]) -> str:
    """Return the name of a built environment: equal fingerprints mean equal contents."""
    return digest(python, lock, variables)[:16]
