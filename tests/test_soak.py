"""Random faults, for a short while. For a long one: `python tests/soak.py --seconds 3600`."""

from __future__ import annotations

from pathlib import Path

from soak import Soak

SECONDS = 15.0


def test_a_run_that_has_no_luck_ends_as_a_calm_one(fake_environment: Path, tmp_path: Path) -> None:
    """
    Killed, interrupted, robbed of its workers, out of disk, its records and artifacts damaged: after each round
    nothing is lost, blamed or left over, and in the end the same command gives what a calm run gives.
    """
    soak = Soak(tmp_path, fake_environment, seed=20261124)

    soak.rains(SECONDS)

    soak.shines()
    assert soak.rounds.total() > 3
