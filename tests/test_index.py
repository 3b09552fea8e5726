"""The door to the package index."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from matrix.errors import Incomplete
from matrix.index import PYPI, PackageIndex, index_url, shown

WHEEL = "tensorflow_cpu-2.12.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


class Answers(BaseHTTPRequestHandler):
    """A package index with a few pages; everything else is a 404."""

    pages: dict[str, list[dict[str, Any]]] = {  # noqa: RUF012 - the server makes a handler for each request
        "tensorflow-cpu": [
            {"filename": WHEEL, "upload-time": "2023-07-06T20:05:00Z", "yanked": False},
            {"filename": "tensorflow_cpu-2.12.0-cp311-cp311-win_amd64.whl", "upload-time": "2023-03-22T20:05:00Z"},
            {"filename": "tensorflow_cpu-2.1-installer.exe", "upload-time": "2020-01-01T00:00:00Z"},
        ],
        "bad": [{"filename": "bad-1.0.tar.gz", "upload-time": "2020-01-01T00:00:00Z", "yanked": "broken"}],
        "old-index": [{"filename": "old_index-1.0.tar.gz"}],
    }

    def do_GET(self) -> None:
        """Answer as https://peps.python.org/pep-0691/ says."""
        name = self.path.strip("/").rpartition("/")[2]
        if name not in self.pages:
            self.send_error(404)
            return
        files = [{"url": f"/{file['filename']}", "hashes": {}, **file} for file in self.pages[name]]
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """The simple API of a small index on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def test_files_come_oldest_first_and_know_where_they_run(url: str) -> None:
    """
    A wheel knows its Python and its platform; installers of Windows are not files of a release.
    """
    windows, linux = PackageIndex(url).files("tensorflow-cpu")

    assert (str(linux.version), linux.runs_on("3.11"), linux.runs_on("3.10")) == ("2.12.1", True, False)
    assert (str(windows.version), windows.runs_on("3.11")) == ("2.12.0", False)


def test_yanked_files_are_marked(url: str) -> None:
    """
    A yanked file says so, with or without a reason.
    """
    (file,) = PackageIndex(url).files("bad")

    assert file.yanked
    assert not file.runs_on("3.11")


def test_an_unknown_project_has_no_files(url: str) -> None:
    """
    A project that the index does not have is an answer, not an error.
    """
    assert PackageIndex(url).files("tensorflow-of-tomorrow") == ()


def test_an_index_without_upload_times_is_refused(url: str) -> None:
    """
    Without upload times no cut-off can be kept, and the message names the rule that the index breaks.
    """
    with pytest.raises(Incomplete, match="PEP 700"):
        PackageIndex(url).files("old-index")


def test_a_dead_index_is_named_without_its_password() -> None:
    """
    When nobody answers, the message names the index, and keeps the password to itself.
    """
    with pytest.raises(Incomplete, match=r"http://127\.0\.0\.1:9/simple does not answer") as caught:
        PackageIndex("http://me:secret@127.0.0.1:9/simple").files("six")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, PYPI, id="none-is-set"),
        pytest.param({"PIP_INDEX_URL": "https://a/simple"}, "https://a/simple", id="pip"),
        pytest.param({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://b"}, "https://b", id="uv-first"),
    ],
)
def test_the_index_is_that_of_uv_or_pip(environ: dict[str, str], expected: str) -> None:
    """
    The index that the machine already uses is used.
    """
    assert index_url(environ) == expected
    assert shown("https://me:pw@host:1/simple") == "https://host:1/simple"
