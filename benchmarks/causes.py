"""How the catalogue names failures that users reported, and how it would if it had never seen each of them.

    python benchmarks/causes.py failures.jsonl

A line of the file has `error_text`, `root_cause`, `source_url`, and `error_text_kind`, which is `message` for what a
program said. With a thread left out, a sign that only that thread proves does not count: no sign is its own proof.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matrix.diagnosis.causes import Cause, catalogue, recognised


def without(thread: str) -> Sequence[Cause]:
    """Return the catalogue as it would be had nobody read one thread."""
    return [
        replace(cause, signs=tuple(sign for sign in cause.signs if set(sign.proof) - {thread})) for cause in catalogue()
    ]


def ending(named: str, right: str) -> str:
    """Say how one was named."""
    return "right" if named == right else "unknown" if named == "unknown" else "wrong"


def main() -> None:
    """Print both figures, and what is named wrong."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["error_text_kind"] == "message"]
    seen, unseen = Counter[str](), Counter[str]()
    for row in rows:
        named = recognised(row["error_text"]).slug
        seen[ending(named, row["root_cause"])] += 1
        if named != row["root_cause"]:
            print(f"{row['id']}: {named}, not {row['root_cause']}")
        unseen[ending(recognised(row["error_text"], causes=without(row["source_url"])).slug, row["root_cause"])] += 1
    for what, counted in (("all signs", seen), ("without the signs of its own thread", unseen)):
        shares = ", ".join(f"{counted[name] / len(rows):.1%} {name}" for name in ("right", "wrong", "unknown"))
        print(f"{len(rows)} messages, {what}: {shares}")


main()
