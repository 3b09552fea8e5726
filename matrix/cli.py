"""The command line: the only place that prints an answer and the only one that chooses an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from .commands import command
from .errors import MEND, Incomplete, MatrixError
from .interrupts import exit_code
from .options import parsed
from .project import Project

BUG = 70
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EIO)
A_BUG = "matrix: this is a bug of the matrix, not of your model. Please report the lines above."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1, 2, 3, 4, 70 or 130 and its like; never a count."""
    _open_streams()
    try:
        options = parsed(sys.argv[1:] if arguments is None else arguments)
        answer = command(options.verb)(options, Project.found(Path.cwd()))
    except MatrixError as error:
        _say(f"matrix: {error}", sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        _say("matrix: interrupted", sys.stderr)
        return exit_code(interrupt)
    except Exception as error:  # noqa: BLE001 - whatever is left is ours, and says so
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            _say(f"matrix: this machine has run out of something: {error}. {MEND}", sys.stderr)
            return Incomplete.exit_code
        _say(f"{traceback.format_exc()}{A_BUG}", sys.stderr)
        return BUG
    _say(answer.text, sys.stdout)
    return answer.exit_code


def _open_streams() -> None:
    """Give us standard streams where we were started without: the next file that is opened would be taken for one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free is this one
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as we live
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _say(text: str, stream: TextIO) -> None:
    """Print an answer, also where nobody reads it any more: its exit code counts all the same."""
    try:
        if text:
            print(text, file=stream, flush=True)
    except OSError:
        # what is still buffered would fail once more when Python ends (https://docs.python.org/3/library/signal.html#note-on-sigpipe)
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
