"""The full profile from nothing: environments are built first, and nothing is known.

    python benchmarks/nothing.py

Packages are downloaded where uv's cache does not have them. The environments go to a folder that is removed afterwards.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from subject import ENVDIR, FOUR, project, run


def main() -> None:
    """Measure, and print what it took."""
    with project() as folder, tempfile.TemporaryDirectory(dir=ENVDIR, prefix="benchmark-") as envdir:
        full = run(folder, *FOUR, "--profile", "full", envdir=Path(envdir))
        built = len(list(Path(envdir).glob("env-*.lock")))
    print(
        f"full profile from nothing: {built} environments built, {len(full.cells):,} cells, "
        f"{full.measured:,} of them measured, in {full.seconds / 60:.1f} min"
    )


main()
