"""A package index on 127.0.0.1: it serves the wheels of a test, and misbehaves when it is told to.

Speaks the simple API as JSON (https://peps.python.org/pep-0691/), with upload times (https://peps.python.org/pep-0700/):
uv takes a file without one for absent when packages are chosen as of a day.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"
SLOW_SECONDS = 3.0


class Fault(Enum):
    """One way to fail at sending a file."""

    TRUNCATED = "the connection ends in the middle"
    OTHER_BYTES = "as long, but not what the page promised"
    ERROR = "500"
    SLOW = "nothing comes for some seconds"
    GONE = "404"


@dataclass
class Served:
    """One file of the index."""

    name: str
    content: bytes
    uploaded: str
    yanked: bool = False
    faults: list[Fault] = field(default_factory=list)
    asked: int = 0

    @property
    def project(self) -> str:
        """Whose file it is."""
        return self.name.split("-")[0].replace("_", "-")

    @property
    def sha256(self) -> str:
        """What the page promises."""
        return hashlib.sha256(self.content).hexdigest()

    def fail(self, fault: Fault, *, times: int = 99) -> None:
        """Let the next requests for it fail."""
        self.faults = [fault] * times


class LocalIndex:
    """The files that are served, and what was asked for."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.files: dict[str, Served] = {}

    @property
    def url(self) -> str:
        """Where uv and others find its pages."""
        return f"{self.server}/simple"

    def link(self, served: Served) -> str:
        """Where a file is."""
        return f"{self.server}/files/{served.name}"

    def put(
        self,
        name: str,
        version: str,
        files: Mapping[str, str] | None = None,
        *,
        requires: tuple[str, ...] = (),
        uploaded: str = "2026-01-01T00:00:00Z",
    ) -> Served:
        """Serve a wheel with these files; with one module of its name where none are given."""
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        content = wheel(name, version, files or {f"{name.replace('-', '_')}.py": "VALUE = 1\n"}, requires)
        return self.serve(filename, content, uploaded)

    def serve(self, filename: str, content: bytes, uploaded: str = "2026-01-01T00:00:00Z") -> Served:
        """Serve any file."""
        self.files[filename] = Served(filename, content, uploaded)
        return self.files[filename]

    def page(self, project: str) -> dict[str, Any] | None:
        """What the simple API says of a project; None when it has no files."""
        files = [item for item in self.files.values() if item.project == project]
        listed = [
            {
                "filename": item.name,
                "url": self.link(item),
                "hashes": {"sha256": item.sha256},
                "size": len(item.content),
                "upload-time": item.uploaded,
                "yanked": item.yanked,
            }
            for item in files
        ]
        return {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": listed} if files else None


def wheel(name: str, version: str, files: Mapping[str, str], requires: tuple[str, ...] = ()) -> bytes:
    """The bytes of a wheel, RECORD included."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {item}\n" for item in requires)
    held = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, text in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}\n")
    held[f"{info}/RECORD"] = "".join(lines) + f"{info}/RECORD,,\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in held.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return packed.getvalue()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    index: LocalIndex

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answer for a page or a file."""
        kind, _, rest = self.path.strip("/").partition("/")
        if kind == "simple":
            page = self.server.index.page(rest)
            self._send(200 if page else 404, json.dumps(page).encode(), JSON)
        elif rest in self.server.index.files:
            self._file(self.server.index.files[rest])
        else:
            self._send(404, b"")

    do_HEAD = do_GET  # noqa: N815 - the name is that of the method

    def _file(self, file: Served) -> None:
        file.asked += 1
        fault = file.faults.pop(0) if file.faults else None
        match fault:
            case None:
                self._send(200, file.content)
            case Fault.OTHER_BYTES:
                self._send(200, bytes(reversed(file.content)))
            case Fault.ERROR | Fault.GONE:
                self._send(500 if fault is Fault.ERROR else 404, b"")
            case Fault.TRUNCATED:
                self._send(200, file.content[: len(file.content) // 2], promised=len(file.content))
                self.close_connection = True
            case Fault.SLOW:
                time.sleep(SLOW_SECONDS)
                self._send(200, file.content)

    def _send(self, status: int, content: bytes, kind: str = "application/octet-stream", promised: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(promised or len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[LocalIndex]:
    """Run an empty index for as long as the block lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.index = LocalIndex(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
