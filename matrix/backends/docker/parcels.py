"""What goes into a container and comes out of it: exactly the files that one request needs, and the models it saved.

inbox/<n>/<i>/model.h5       read-only inside: the artifacts of request n
inbox/<n>/code/scenarios/x.py                  and its script, in a folder that is called as it is here
outbox/<n>/<i>/model.h5      what the container saved: copied from there as regular files and folders, or not at all
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ...protocol import Facts, Item, Request
from ...taking import Hostile, taken

INBOX, OUTBOX = PurePosixPath("/inbox"), PurePosixPath("/outbox")


@dataclass(frozen=True)
class Parcel:
    """One request as the container sees it.

    Attributes:
        request: with the paths of the container.
        places: pairs of a folder in the container and the folder here that it stands for.
        saved: cell → where its model is put by the container's outbox here, and where it belongs.
    """

    request: Request
    places: tuple[tuple[str, str], ...]
    saved: dict[str, tuple[Path, Path]]

    def opened(self, facts: Facts) -> Facts:
        """Return an answer with the paths of this machine, after what was saved has come to its place."""
        told: dict[str, Any] = self._here(facts)
        cell = str(told.get("cell"))
        answer = told.get("answer")
        if cell in self.saved and isinstance(answer, dict) and {"saved", "loaded"} & answer.keys():
            try:
                taken(*self.saved[cell])
            except (Hostile, OSError) as error:
                told |= {"answer": None, "ending": "no result", "noise": f"what was saved cannot be taken: {error}"}
        return told

    def _here(self, value: Any) -> Any:
        if isinstance(value, str):
            for inside, here in self.places:
                value = value.replace(f"{inside}/", f"{here}/")
            return value
        if isinstance(value, dict):
            return {name: self._here(part) for name, part in value.items()}
        return [self._here(part) for part in value] if isinstance(value, list) else value


class Parcels:
    """The two folders of one container, as they are here.

    Args:
        inbox: mounted read-only.
        outbox: mounted to be written; None for a container that saves nothing.
        user: who runs inside.
    """

    def __init__(self, inbox: Path, outbox: Path | None, user: int) -> None:
        self.inbox = inbox
        self.outbox = outbox
        self.user = user
        self._sent = 0

    @contextmanager
    def packed(self, request: Request) -> Iterator[Parcel]:
        """Put there what a request needs, for as long as the block lasts."""
        self._sent += 1
        number = str(self._sent)
        try:
            parcel = self._parcel(request, number)
            _readable(self.inbox / number)
            yield parcel
        finally:
            for folder in filter(None, (self.inbox, self.outbox)):
                shutil.rmtree(folder / number, ignore_errors=True)

    def _parcel(self, request: Request, number: str) -> Parcel:
        places: dict[str, str] = {}
        saved: dict[str, tuple[Path, Path]] = {}

        def brought(path: Path, name: str) -> str:
            """Copy something into the inbox, and return its path inside."""
            if str(path.parent) not in places:
                places[str(path.parent)] = str(INBOX / number / name)
            inside = PurePosixPath(places[str(path.parent)]) / path.name
            target = self.inbox / inside.relative_to(INBOX)
            if path.exists() and not target.exists():
                _copied(path, target)
            return str(inside)

        def awaited(cell: str, path: Path, name: str) -> str:
            """Make room in the outbox for what a cell saves, and return its path inside."""
            if self.outbox is None:
                raise ValueError("this container saves nothing")
            folder = self.outbox / number / name
            folder.mkdir(parents=True)
            if os.getuid() == 0:
                os.chown(folder, self.user, -1)
            places[str(path.parent)] = str(OUTBOX / number / name)
            saved[cell] = folder / path.name, path
            return str(OUTBOX / number / name / path.name)

        def item(position: int, one: Item) -> Item:
            name, again = str(position), one.resave
            if request.task == "save":
                return replace(one, path=awaited(one.id, Path(one.path), name))
            target = again and (again[0], awaited(one.id, Path(again[1]), f"{name}-again"))
            return replace(one, path=brought(Path(one.path), name), resave=target)

        script = Path(request.script)
        inner = replace(
            request,
            script=brought(script, f"code/{script.parent.name}"),
            items=[item(position, one) for position, one in enumerate(request.items)],
        )
        return Parcel(inner, tuple((inside, here) for here, inside in places.items()), saved)


def _copied(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, symlinks=True, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(path, target, follow_symlinks=False)


def _readable(folder: Path) -> None:
    """Let whoever runs inside read a folder, whatever mask we have."""
    for one in (folder, *folder.rglob("*")):
        if not one.is_symlink():
            one.chmod(0o755 if one.is_dir() else 0o644)
