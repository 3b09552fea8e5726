"""A cache that several checkouts and CI share: create-only records in a folder, or behind any URL that fsspec opens.

    <url>/records/<ab>/<key>.json.gz            what the workers said about one cell or one save
    <url>/artifacts/<ab>/<key>-<digest>.tar     the files of one save

Whoever writes a key first wins, so a record never changes, and two that measured the same thing do no harm. A record
is written after the artifact that it speaks of. The cache only saves time: when it does not answer, or holds something
that cannot be read, the run says so once and measures for itself.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import threading
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from .errors import UsageError

SENDERS = 8
BATCH = 1000
RECORD_BYTES = 64 << 20
UNREADABLE = (OSError, EOFError, ValueError, RecursionError, zlib.error, tarfile.TarError)


class Shared:
    """One shared cache.

    Args:
        url: a folder, or what fsspec understands: `s3://bucket/matrix`, `gs://...`, `memory://...`.
        problem: is told, once, when the cache does not do what it should.

    Raises:
        UsageError: there is no such kind of place, or the package that opens it is not installed.
    """

    def __init__(self, url: str, problem: Callable[[str], None]) -> None:
        self.url = url
        self._problem = problem
        self._told = threading.Lock()
        try:
            self._files, self._root = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UsageError(f"The shared cache {url!r} cannot be opened: {error}") from None
        self._pool = ThreadPoolExecutor(SENDERS, "shared-cache")
        self._sending: set[Future[Any]] = set()

    def records(self, keys: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the records that are there, by key."""
        asked = {self._place("records", key, ".json.gz"): key for key in keys}
        places = list(asked)
        for start in range(0, len(places), BATCH):
            for place, data in self._fetched(places[start : start + BATCH]).items():
                record = self._record(data)
                if record is not None:
                    yield asked[place], record

    def publish(self, key: str, record: Mapping[str, object], artifact: tuple[str, Path] | None = None) -> None:
        """Send a record, and before it the artifact (its digest, and where it is) that it speaks of; `flush` waits."""
        future = self._pool.submit(self._send, key, record, artifact)
        self._sending.add(future)
        future.add_done_callback(self._sent)

    def artifact(self, key: str, digest: str, folder: Path) -> bool:
        """Fetch an artifact into a folder; return False when it is not there. The caller checks its digest."""
        for data in self._fetched([self._artifact_place(key, digest)]).values():
            try:
                _unpacked(data, folder)
            except UNREADABLE as error:
                self._tell(error)
            else:
                return True
        return False

    def flush(self) -> None:
        """Wait until everything is sent."""
        wait(list(self._sending))

    def _fetched(self, places: list[str]) -> dict[str, bytes]:
        """Return what is there of some objects. What went wrong is a future's exception: every store has its own."""
        future = self._pool.submit(self._files.cat, places, on_error="return")
        if self._noted(future):
            return {}
        found = future.result()
        for data in found.values():
            if isinstance(data, Exception) and not isinstance(data, FileNotFoundError):
                self._tell(data)
        return {place: data for place, data in found.items() if isinstance(data, bytes)}

    def _send(self, key: str, record: Mapping[str, object], artifact: tuple[str, Path] | None) -> None:
        if artifact is not None:
            digest, path = artifact
            self._create(self._artifact_place(key, digest), _packed(path))
        # no time in it: equal records are equal bytes
        self._create(self._place("records", key, ".json.gz"), gzip.compress(json.dumps(record).encode(), mtime=0))

    def _create(self, place: str, data: bytes) -> None:
        """Write an object unless it is there; nobody ever sees half of it."""
        try:
            if isinstance(self._files, LocalFileSystem):
                _linked(Path(place), data)
            else:
                self._files.pipe_file(place, data, mode="create")
        except FileExistsError:
            return  # somebody measured the same

    def _record(self, data: bytes) -> dict[str, Any] | None:
        try:
            with gzip.open(io.BytesIO(data)) as file:
                record = json.loads(file.read(RECORD_BYTES))
        except UNREADABLE as error:
            self._tell(error)
            return None
        return record if isinstance(record, dict) else None

    def _sent(self, future: Future[Any]) -> None:
        self._noted(future)
        self._sending.discard(future)

    def _noted(self, future: Future[Any]) -> bool:
        """Whether something went wrong; it is told."""
        error = future.exception()
        if error is not None:
            self._tell(error)
        return error is not None

    def _tell(self, error: BaseException) -> None:
        if self._told.acquire(blocking=False):  # never given back: once is enough
            self._problem(
                f"The shared cache {self.url} is no help ({type(error).__name__}: {error}); going on without."
            )

    def _place(self, kind: str, key: str, ending: str) -> str:
        return f"{self._root}/{kind}/{key[:2]}/{key}{ending}"

    def _artifact_place(self, key: str, digest: str) -> str:
        return self._place("artifacts", key, f"-{digest}.tar")


def _linked(place: Path, data: bytes) -> None:
    """Write a file under a draft name and link it to its own: the link fails when somebody was first."""
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    try:
        draft.write_bytes(data)
        os.link(draft, place)
    finally:
        draft.unlink(missing_ok=True)


def _packed(path: Path) -> bytes:
    """Return a file or a folder as a tar, under its own name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(path, arcname=path.name)
    return buffer.getvalue()


def _unpacked(data: bytes, folder: Path) -> None:
    """Write the files of a tar below a folder. ValueError when it holds anything but files and folders inside of it."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            content = archive.extractfile(member) if member.isreg() else None
            if name.is_absolute() or ".." in name.parts or (content is None and not member.isdir()):
                raise ValueError(f"{member.name!r} is no file of an artifact")
            if content is None:
                (folder / name).mkdir(parents=True, exist_ok=True)
            else:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content.read())
