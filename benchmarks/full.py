"""The full profile, the same run again, and a small one: figures that must hold on two cores.

    python benchmarks/full.py

Four scenarios are measured afresh in environments that are there. Time per cell must not grow with the number of
versions, nor the runner's memory with the number of cells, and a run without news must take three seconds.
"""

from __future__ import annotations

from subject import FOUR, project, run


def main() -> None:
    """Measure, and print the figures with their ratios."""
    with project() as folder:
        small = run(folder, *FOUR, "--profile", "quick")
        full = run(folder, *FOUR, "--profile", "full", "--fresh")
        again = run(folder, *FOUR, "--profile", "full")
    for name, one in (("quick", small), ("full", full)):
        print(
            f"{name} profile: {len(one.cells):,} cells, {one.measured:,} of them measured, "
            f"in {one.seconds / 60:.1f} min: {one.measured / one.seconds:.0f} per second, {one.megabytes} MB"
        )
    print(f"the same run again: {again.seconds:.1f} s, {again.megabytes} MB")
    growth = full.seconds / full.measured / (small.seconds / small.measured)
    print(f"time per measured cell, full against quick: {growth:.2f}")
    print(f"memory of the runner, full against quick: {full.megabytes / small.megabytes:.2f}")


main()
