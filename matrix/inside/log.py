"""What a child said, cell by cell, as its parent believes it."""

import json
import time

STAGES = frozenset(["import", "read", "config", "build", "weights", "predict", "save", "resave"])


class Log:
    """What a child said, cell by cell. An answer counts once the child has begun the next cell or ended well.

    `importing` seconds are added to the time before the first cell, until the child says that it is ready.
    """

    def __init__(self, cells, timeout, importing):
        self.cells = [cell["id"] for cell in cells]
        self.timeout = timeout
        self.transcripts = []
        self.ended = False
        self.begun = 0
        self.open("import")
        self.ready = not importing
        self.deadline += importing

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
        if kind == "begin" and self.next_is(value):
            if self.begun:
                self.settle("exited", "")
            self.begun += 1
            self.open("build")
        elif kind == "ready" and not self.ready:
            self.ready = True
            self.open("import")
        elif kind == "stage" and isinstance(value, str) and value in STAGES:
            self.stage = value
        elif kind == "answer" and self.answer is None and isinstance(value, dict):
            self.answer = value
            self.took = time.monotonic() - self.since
        elif kind == "end":
            self.ended = True
        else:
            return False
        return True

    def next_is(self, cell):
        """Whether a cell may begin now: it is the next one, and the last one has its answer."""
        return self.cells[self.begun : self.begun + 1] == [cell] and (self.answer is None) == (self.begun == 0)

    def settle(self, ending, noise):
        """Write the transcript of the cell that is open; none is open before the first."""
        self.transcripts.append(
            {
                "cell": self.cells[max(0, self.begun - 1)],
                "stage": self.stage,
                "seconds": round(self.took if self.took is not None else time.monotonic() - self.since, 4),
                "answer": self.answer if ending == "exited" else None,
                "ending": ending if self.answer is not None or ending != "exited" else "no result",
                "noise": noise,
            }
        )

    def taken(self):
        """Return the transcripts that are finished since this was asked last."""
        finished, self.transcripts = self.transcripts, []
        return finished

    def closed(self, ending, noise):
        """Return the last transcripts, now that the child is gone."""
        if ending == "exited" and not self.ended:
            ending = "no result"
        self.settle(ending, noise)
        if self.begun == 0:  # it died, or raised, before its first cell: so would the others
            return [dict(self.transcripts[0], cell=cell) for cell in self.cells]
        return self.taken()
