"""What the remedies cost: the same cells measured with the ladder, and once more by their own ways alone.

    python benchmarks/ladder.py

Seconds of the processor, all processes together, from nothing known to the report: saves and imports are in both. At
most 2.5 times as long is what a run may become.
"""

from __future__ import annotations

from subject import FOUR, SIX, project, run


def main() -> None:
    """Measure both, and print the ratio with its parts."""
    chosen = ("--environments", ",".join(SIX), *FOUR)
    with project() as folder:
        whole = run(folder, *chosen)
    with project() as folder:
        alone = run(folder, *chosen, ladder=False)
    remedied = sum(cell["status"] == "R" for cell in whole.cells)
    print(f"own ways alone: {alone.processor:.0f} s of the processor for {alone.measured:,} cells")
    print(f"and their remedies: {whole.processor:.0f} s, {remedied:,} cells are R")
    print(f"ratio: {whole.processor / alone.processor:.2f} times as long, at most 2.5 is asked")


main()
