"""What is kept of a worker's words: as they were said, with the frames of tracebacks put aside once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .diagnosis.signatures import HOST
from .model import digest
from .protocol import Facts, ProtocolError, Transcript, transcript


def packed(facts: Facts, keep: Callable[[str, str], None]) -> dict[str, Any]:
    """Return a transcript for the store: `keep(digest, text)` takes its frames, which thousands of cells share."""
    raised = _raised(facts)
    if raised is None:
        return dict(facts)
    slim = []
    for problem in raised:
        text = json.dumps(problem["frames"])
        key = digest(text)
        keep(key, text)
        slim.append({**problem, "frames": key})
    return {**facts, "answer": {"raised": slim}}


def unpacked(facts: Facts, fetch: Callable[[str], str]) -> Transcript:
    """Return a stored transcript. ProtocolError when it cannot be understood any more."""
    return transcript(whole(facts, fetch))


def whole(facts: Facts, fetch: Callable[[str], str]) -> Facts:
    """Return what `packed` was given. ProtocolError when it cannot be understood any more."""
    raised = _raised(facts)
    if raised is None:
        return facts
    try:
        full = [{**problem, "frames": json.loads(_frames(problem["frames"], fetch))} for problem in raised]
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"not a stored exception: {error!r}") from error
    return {**facts, "answer": {"raised": full}}


def _frames(key: str, fetch: Callable[[str], str]) -> str:
    text = fetch(key)
    if text and digest(text) != key:
        raise ProtocolError("not the frames that were kept")
    return text or "[]"


def _raised(facts: Facts) -> list[Mapping[str, Any]] | None:
    """Return the exceptions of a transcript, None when it tells of none. ProtocolError when it is no transcript."""
    if not isinstance(facts, Mapping):
        raise ProtocolError(f"not a transcript: {facts!r:.100}")
    answer = facts.get("answer")
    return answer.get("raised") if isinstance(answer, dict) else None


def anonymous(facts: Facts, folder: Path) -> Facts:
    """Return a transcript whose texts tell neither the name of this machine nor where on it the artifact is."""
    prefix = f"{folder}/"
    slim = {**facts, "noise": str(facts.get("noise", "")).replace(prefix, "")}
    raised = _raised(facts)
    if isinstance(raised, list):
        slim["answer"] = {
            "raised": [
                {**problem, "message": HOST.sub("HOST", str(problem["message"]).replace(prefix, ""))}
                if isinstance(problem, dict) and "message" in problem
                else problem
                for problem in raised
            ]
        }
    return slim


def understood(facts: Facts) -> tuple[Facts, Transcript]:
    """Return a worker's line and what it means; a line that means nothing is a broken protocol, which is an ending."""
    try:
        return facts, transcript(facts)
    except ProtocolError as error:
        broken = {
            "cell": str(facts.get("cell")),
            "rung": str(facts.get("rung")),
            "stage": "import",
            "ending": "protocol",
            "seconds": 0.0,
            "noise": str(error),
            "answer": None,
        }
        return broken, transcript(broken)
