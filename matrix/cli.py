"""The command line: the only place that prints an answer and the only one that chooses an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from .commands import COMMANDS
from .errors import MatrixError
from .options import parsed
from .project import Project

INTERRUPTED = 130
BUG = 70


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1, 2, 3, 4, 70 or 130; never a count."""
    try:
        options = parsed(sys.argv[1:] if arguments is None else arguments)
        answer = COMMANDS[options.verb](options, Project.found(Path.cwd()))
    except MatrixError as error:
        print(f"matrix: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("matrix: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        return 0
    except Exception:  # noqa: BLE001 - whatever is left is ours, and says so
        traceback.print_exc()
        print("matrix: this is a bug of the matrix, not of your model. Please report the lines above.", file=sys.stderr)
        return BUG
    if answer.text:
        print(answer.text)
    return answer.exit_code
