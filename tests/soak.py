"""Random faults for as long as one likes, then a calm run, and all that has to hold: `python soak.py --seconds 3600`.

Each round starts the same small run and does something to it: kills it or a worker, interrupts it, pauses a worker,
fills the disk; or it damages what is kept between two runs. After each round nothing may be lost, wrong or left over.
The same `--seed` makes the same choices.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from checker import Records
from fakes import fake_python
from ordeals import Ordeal
from programs import Program
from small import Small

from matrix.model import Format

PLACES = (
    "store.before_fsync",
    "store.before_rename",
    "store.after_rename",
    "store.before_move",
    "store.after_move",
    "ledger.before_commit",
    "worker.dispatch",
    "worker.answer",
)
DISK = PLACES[:2]
ROUND_SECONDS = 3.0


class Soak:
    """A run that has no luck.

    Args:
        folder: for everything.
        python: an interpreter with the fake TensorFlow.
        seed: of the choices.
    """

    def __init__(self, folder: Path, python: Path, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.ordeal = Ordeal(
            Small(folder, python, ("2.0.0", "3.0.0"), ("plain_fake", "custom_fake"), (Format.H5, Format.KERAS))
        )
        self.rounds: Counter[str] = Counter()

    def rains(self, seconds: float) -> None:
        """Disturb the run for so long, and check after each round."""
        faults = (
            self.killed_somewhere,
            self.full,
            self.killed,
            self.interrupted,
            self.robbed,
            self.paused,
            self.damaged,
        )
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            fault = self.chance.choice(faults)
            self.rounds[fault.__name__] += 1
            fault()
            if (self.ordeal.small.folder / "results").exists() and self.chance.random() < 0.7:
                shutil.rmtree(self.ordeal.small.store)  # all is measured: from the beginning
                self.ordeal.forget()

    def shines(self) -> None:
        """Run once more with nothing in the way, and check all."""
        self.ordeal.ends()

    def killed_somewhere(self) -> None:
        """Kill the run where it gets to a place for the n-th time."""
        self.ordeal.disturbed(f"{self.chance.choice(PLACES)}=kill:{self.chance.randint(1, 40)}")

    def full(self) -> None:
        """Let the disk be full, or broken, from the n-th record on."""
        what = self.chance.choice(("ENOSPC", "EIO", "EDQUOT"))
        self.ordeal.disturbed(f"{self.chance.choice(DISK)}={what}:{self.chance.randint(1, 40)}+")

    def killed(self) -> None:
        """Kill the run at some time."""
        self._later(lambda program: program.signal(signal.SIGKILL))

    def interrupted(self) -> None:
        """Ask the run to end, at some time, once or twice."""
        number = self.chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        twice = self.chance.random() < 0.3

        def interrupt(program: Program) -> None:
            program.signal(number)
            if twice:
                time.sleep(self.chance.random() / 10)
                program.signal(number)

        self._later(interrupt)

    def robbed(self) -> None:
        """Kill a worker at some time."""
        self._later(lambda program: self._signal_worker(program, signal.SIGKILL))

    def paused(self) -> None:
        """Stop a worker for a moment."""

        def pause(program: Program) -> None:
            self._signal_worker(program, signal.SIGSTOP)
            time.sleep(self.chance.random())
            for worker in _workers(program):
                _signalled(worker, signal.SIGCONT)

        self._later(pause)

    def damaged(self) -> None:
        """Damage what is kept, between two runs, and let it be needed."""
        store = self.ordeal.small.store
        kinds = (
            "results/*/*",
            "artifacts/*/*/*",
            "tracebacks/*/*",
            "facts/*/*",
            "ledger.sqlite",
            "running.json",
            "owner",
        )
        kind = self.chance.choice(kinds)
        found = sorted(store.glob(kind))
        for path in self.chance.sample(found, min(3, len(found))):
            self._damage(path)
        if "/" in kind:
            (store / "ledger.sqlite").unlink(missing_ok=True)
        if kind.startswith(("artifacts", "tracebacks", "facts")):
            for path, _ in Records(store).cells.values():
                path.unlink()
        self.ordeal.forget()
        self.ordeal.disturbed()

    def _damage(self, path: Path) -> None:
        data = bytearray(path.read_bytes()) if path.is_file() else bytearray()
        match self.chance.randrange(4):
            case 0 if data:
                data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)
                path.write_bytes(data)
            case 1 if data:
                path.write_bytes(data[: self.chance.randrange(len(data))])
            case 2 if data:
                path.write_bytes(self.chance.randbytes(len(data)))
            case _:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _later(self, do: object) -> None:
        program = self.ordeal.started()
        time.sleep(self.chance.random() * ROUND_SECONDS)
        if program.process.is_alive():
            assert callable(do)
            with suppress(ProcessLookupError):  # it has ended meanwhile
                do(program)
        self.ordeal.ended(program)

    def _signal_worker(self, program: Program, number: signal.Signals) -> None:
        workers = _workers(program)
        if workers:
            _signalled(self.chance.choice(workers), number)


def _workers(program: Program) -> list[psutil.Process]:
    try:
        return psutil.Process(program.pid).children()
    except psutil.NoSuchProcess:
        return []


def _signalled(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def main(arguments: Sequence[str]) -> None:
    """Soak a run, and say what was done to it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)  # noqa: T201 - a program
    with tempfile.TemporaryDirectory() as folder:
        python = fake_python(Path(folder) / "fake" / "env")
        soak = Soak(Path(folder) / "run", python, options.seed)
        soak.rains(options.seconds)
        soak.shines()
    print(f"{soak.rounds.total()} rounds: {dict(soak.rounds)}. Nothing was lost, wrong or left over.")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
