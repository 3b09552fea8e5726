"""What a child said, cell by cell, as its parent believes it."""

import json
import time


class Log:
    """What a child said, cell by cell. An answer counts once the child has begun the next cell or ended well."""

    def __init__(self, cells, timeout):
        self.cells = [cell["id"] for cell in cells]
        self.timeout = timeout
        self.transcripts = []
        self.ended = False
        self.open("import")
        self.begun = 0

    def open(self, stage):
        """Start the clock of a cell."""
        self.stage = stage
        self.answer = None
        self.since = time.monotonic()
        self.took = None
        self.deadline = self.since + self.timeout

    def understood(self, line):
        """Take one line; return False when it is not one that a child may say now."""
        try:
            facts = json.loads(line.decode("utf-8"))
            ((kind, value),) = facts.items()
        except (ValueError, AttributeError, RecursionError):
            return False
        if kind == "begin" and self.begun < len(self.cells) and value == self.cells[self.begun]:
            if self.begun:
                self.settle("exited", b"")
            self.begun += 1
            self.open("build")
        elif kind == "stage":
            self.stage = str(value)
        elif kind == "answer" and self.answer is None and isinstance(value, dict):
            self.answer = value
            self.took = time.monotonic() - self.since
        elif kind == "end":
            self.ended = True
        else:
            return False
        return True

    def settle(self, ending, tail):
        """Write the transcript of the cell that is open; none is open before the first."""
        self.transcripts.append(
            {
                "cell": self.cells[max(0, self.begun - 1)],
                "stage": self.stage,
                "seconds": round(self.took if self.took is not None else time.monotonic() - self.since, 4),
                "answer": self.answer if ending == "exited" else None,
                "ending": ending if self.answer is not None or ending != "exited" else "no result",
                "noise": tail.decode("utf-8", "backslashreplace"),
            }
        )

    def closed(self, ending, tail):
        """Return all transcripts, now that the child is gone."""
        if ending == "exited" and not self.ended:
            ending = "no result"
        self.settle(ending, tail)
        if self.begun == 0:  # it died, or raised, before its first cell: so would the others
            first = self.transcripts[0]
            return [dict(first, cell=cell) for cell in self.cells]
        return self.transcripts
