"""Where the pages of a site are. Names of people become names of files that are safe everywhere, each its own."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

_SAFE = re.compile(r"[a-z0-9_.+-]")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_LONGEST = 80

FRONT = "index.html"
FEED = "feed.xml"
LATEST = "latest/index.html"
PAIRS = "pairs/index.html"


def allowed(run: str) -> bool:
    """Whether a run may have this name: it becomes a folder, and a part of an address for good."""
    return _RUN.fullmatch(run) is not None and not run.endswith(".")


def safe(name: str) -> str:
    """Return a name as that of a file: different for different names, also where large letters count as small ones."""
    spelled = "".join(
        one if _SAFE.fullmatch(one) else "".join(f"~{byte:02x}" for byte in one.encode("utf-8", "surrogatepass"))
        for one in name
    )
    if spelled[:1] in {"", "."}:
        spelled = f"~{spelled}"
    if len(spelled) <= _LONGEST:
        return spelled
    return f"{spelled[:_LONGEST]}~~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def run(name: str) -> str:
    """Return the page of a run."""
    return f"runs/{name}/index.html"


def changes(name: str) -> str:
    """Return the page of what changed with a run."""
    return f"changes/{name}.html"


def pair(writer: str, reader: str) -> str:
    """Return the page of a pair through all runs."""
    return f"pairs/{safe(writer)}/{safe(reader)}.html"


def scenario(name: str) -> str:
    """Return the page of a scenario through all runs."""
    return f"scenarios/{safe(name)}.html"


def link(target: str, page: str) -> str:
    """Return the relative link to a file of the site from one of its pages."""
    path, _, route = target.partition("#")
    return "../" * page.count("/") + quote(path, safe="/~+") + (f"#{route}" if route else "")
