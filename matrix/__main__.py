"""`python -m matrix`, and the console script `keras-matrix`."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
