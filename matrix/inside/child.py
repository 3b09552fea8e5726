"""One child process, from its start to its end: followed, given its time, and ended whole."""

import contextlib
import os
import select
import shutil
import signal
import tempfile
import time

from .host import stop_if_gone, watch_for_closing
from .limits import sweep
from .log import Log
from .noise import Noise

CHUNK = 1 << 16
FRAME_LIMIT = 16 << 20
NOISE_LIMIT = 1 << 30
DUMP_SECONDS = 2.0
EXIT_SECONDS = 5.0
IMPORT_SECONDS = 60.0
GLANCE_SECONDS = 0.5
LAST_READS = 64


class Child:
    """A child and the two pipes that come out of it: its results, and whatever else it prints."""

    def __init__(self, job, start, importing):
        self.log = Log(job["cells"], job["timeout"], IMPORT_SECONDS if importing else 0)
        self.scratch = tempfile.mkdtemp(prefix="cell-")
        self.results, results = os.pipe()
        self.printed, printed = os.pipe()
        self.pid = start(job, self.scratch, results, printed)
        os.close(results)
        os.close(printed)
        self.poll = select.poll()
        self.open = {self.results, self.printed}
        for descriptor in self.open:
            self.poll.register(descriptor, select.POLLIN)
        watch_for_closing(self.poll)
        self.noise = Noise()
        self.buffer = bytearray()
        self.ours = ""  # why we ended it
        self.status = None  # how it ended, once it has

    def watch(self):
        """Follow the child to its end; yield the transcript of each cell that it got to, at least one."""
        over = False
        while self.results in self.open and not self.log.ended and not self.ours and not over:
            left = self.log.deadline - time.monotonic()
            if left <= 0:
                self.ours = "timeout"
            else:
                gone = self.gone()  # asked first: what it said before it went is in the pipe by then
                over = not self.listen(0 if gone else min(left, GLANCE_SECONDS)) and gone
            yield from self.log.taken()
        ending = self.ending()
        yield from self.log.closed(ending, self.noise.text())

    def listen(self, seconds):
        """Hear what comes within so many seconds; return whether any of it was a result. HostGone when the host is."""
        heard = False
        for descriptor, event in self.poll.poll(seconds * 1000):
            stop_if_gone(descriptor, event)
            data = os.read(descriptor, CHUNK) if descriptor in self.open else b""
            if not data:
                self.close_ears(descriptor)
            elif descriptor == self.printed:
                self.noise.add(data)
            else:
                heard = True
                self.understand(data)
        if self.noise.total > NOISE_LIMIT:
            self.ours = self.ours or "protocol"
        return heard

    def close_ears(self, descriptor):
        """Listen no more to a pipe."""
        if descriptor in self.open:
            self.open.remove(descriptor)
            self.poll.unregister(descriptor)

    def understand(self, data):
        """Take a part of what the child says in results; a word that no child says ends it."""
        self.buffer += data
        if b"\n" in data:
            *lines, self.buffer = self.buffer.split(b"\n")
            if not all(self.log.understood(bytes(line)) for line in lines):
                self.ours = "protocol"
        if len(self.buffer) > FRAME_LIMIT:
            self.ours = "protocol"

    def ending(self):
        """End the child with all its descendants, and return how it ended."""
        self.close_ears(self.results)
        if self.ours == "timeout":
            self.kill(signal.SIGABRT)  # faulthandler writes where it hung
            self.kill(signal.SIGCONT)  # also where that was a stop
            self.outlasts(DUMP_SECONDS)
        elif not self.ours and self.outlasts(EXIT_SECONDS):
            self.ours = "no result"
        self.finish()
        for _ in range(LAST_READS):  # as much as a pipe holds, and no waiting for anybody who still has it
            self.listen(0)
        if self.ours:
            return self.ours
        if os.WIFSIGNALED(self.status):
            return "signal %d" % os.WTERMSIG(self.status)
        if self.buffer:
            return "protocol"
        return "exited" if os.WEXITSTATUS(self.status) == 0 else "no result"

    def outlasts(self, seconds):
        """Whether the child lives on for so long. Its noise is heard, or it could not finish what it prints."""
        until = time.monotonic() + seconds
        while not self.gone():
            if time.monotonic() > until:
                return True
            self.listen(0.002)
        return False

    def gone(self):
        """Whether the child has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def kill(self, number):
        """Send a signal to the child's whole session, and to the child alone where there is none.

        Once: faulthandler lets go of a signal before it writes, so that a second one would end what it writes.
        """
        reached = False
        with contextlib.suppress(OSError):
            os.killpg(self.pid, number)
            reached = True
        alone = not reached or number == signal.SIGKILL  # it may have left its own group
        if alone and self.status is None:  # else the number may be somebody else's by now
            with contextlib.suppress(OSError):
                os.kill(self.pid, number)

    def finish(self):
        """Leave nothing of its session alive."""
        self.kill(signal.SIGKILL)
        if self.status is None:
            self.status = os.waitpid(self.pid, 0)[1]

    def close(self):
        """End what is left of it, wherever it went, and give back pipes and scratch space."""
        self.finish()
        sweep()
        os.close(self.results)
        os.close(self.printed)
        shutil.rmtree(self.scratch, ignore_errors=True)
