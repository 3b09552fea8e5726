"""Model files that came from elsewhere. Each is a program of somebody whom nobody here may know.

What a run of this tool wrote is *ours*: its digest was recorded when it was written, and is checked before each use. So
is what a shared cache holds, for who can write there can write results as well: share one only with those whose code
you would run. All else is *foreign*: the engine opens it in a sandboxed backend, in a container of its own.
"""

from __future__ import annotations

from pathlib import Path

from . import artifact
from .artifact import Artifact, Trust
from .errors import UsageError
from .model import Save, digest
from .protocol import Saved
from .taking import Hostile, taken


def brought(path: Path, save: Save, saved: Saved, desk: Path, *, trusted: bool = False) -> Artifact:
    """Return a file or folder from elsewhere as an artifact: a copy of ours, so that nobody changes it any more.

    Args:
        path: where it is; its name is for people, and names nothing here.
        save: what it stands for.
        saved: what its readers are fed, and what its writer predicted.
        desk: a folder for the copy.
        trusted: the user says that its maker may run code here.

    Raises:
        UsageError: it is neither a file nor a folder, has links or devices in it, or is larger than any model.
    """
    place = desk / artifact.FILE_NAMES[save.format]
    try:
        taken(path, place)
        content = artifact.tree_digest(place)
    except (Hostile, artifact.ArtifactError, OSError) as error:
        raise UsageError(f"{str(path)!r} is no model that can be taken: {error}") from None
    return Artifact(
        save=save,
        key=digest(content, saved.inputs, saved.outputs, saved.state),
        path=place,
        digest=content,
        saved=saved,
        container=artifact.container(place),
        trust=Trust.VOUCHED if trusted else Trust.FOREIGN,
    )
