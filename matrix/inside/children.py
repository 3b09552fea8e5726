"""A child for each group of cells: started, watched, and ended whole.

A child tells its parent on a pipe what it is at: `{"begin": cell}`, `{"stage": ...}`, `{"answer": ...}`,
`{"end": true}`. The parent keeps the clock, keeps the tail of what the child prints, and turns silence into an ending:

    exited         it said all it had to say
    timeout        it was killed after its time limit
    signal N       it died of a signal that was not ours
    no result      it went away without an answer
    protocol       it wrote something that is no answer

A child that dies costs the cell it was at; the rest of the group goes on in a new child. One that dies before its first
cell (the scenario's code, or the model that all its cells share) costs them all: they would all die of the same.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from . import framework
from .limits import die_with_parent
from .log import Log
from .work import close_all_but, settle_in, work

FRAME_LIMIT = 16 << 20
NOISE_LIMIT = 16 << 10
DUMP_SECONDS = 1.0
EXIT_SECONDS = 5.0


def run_group(tensorflow, request, rung, tell):
    """Run a group's cells by one rung; `tell` each transcript. `tensorflow` is None where a fork is not safe."""
    waiting = list(request["cells"])
    while waiting:
        batch = waiting[:1] if request["isolation"] == "cell" else waiting
        child = Child(tensorflow, dict(request, rung=rung, cells=batch))
        try:
            transcripts = child.watch()
        finally:
            child.close()
        for transcript in transcripts:
            tell(dict(transcript, request=request["request"], rung=rung["name"]))
        waiting = waiting[len(transcripts) :]


class Child:
    """One child process and the two pipes that come out of it."""

    def __init__(self, tensorflow, job):
        self.job = job
        self.scratch = tempfile.mkdtemp(prefix="cell-")
        self.results, results = os.pipe()
        self.noise, noise = os.pipe()
        start = forked if tensorflow is not None else started
        self.pid = start(tensorflow, job, self.scratch, results, noise)
        os.close(results)
        os.close(noise)
        self.tail = b""
        self.buffer = b""
        self.ours = ""  # why we ended it
        self.status = None  # how it ended, once it has

    def watch(self):
        """Follow the child to its end and return the transcripts of the cells it got to, at least one."""
        log = Log(self.job["cells"], self.job["timeout"])
        poll = select.poll()
        for descriptor in (self.results, self.noise):
            poll.register(descriptor, select.POLLIN | select.POLLHUP)
        talking = True
        while talking and not log.ended and not self.ours:
            left = log.deadline - time.monotonic()
            if left <= 0:
                self.ours = "timeout"
                break
            ready = poll.poll(min(left, 0.5) * 1000)
            for descriptor, _ in ready:
                if not self.read(descriptor, log):
                    poll.unregister(descriptor)
                    talking = talking and descriptor != self.results
            if not ready and self.gone():  # a grandchild may hold the pipe open
                talking = False
        return log.closed(self.ending(), self.tail)

    def read(self, descriptor, log):
        """Take what a pipe has to give; return False when it is closed."""
        data = os.read(descriptor, 1 << 16)
        if descriptor == self.noise:
            self.tail = (self.tail + data)[-NOISE_LIMIT:]
            return bool(data)
        self.buffer += data
        lines = self.buffer.split(b"\n")
        self.buffer = lines.pop()
        for line in lines:
            if not log.understood(line):
                self.ours = "protocol"
        if len(self.buffer) > FRAME_LIMIT:
            self.ours = "protocol"
        return bool(data)

    def ending(self):
        """End the child with all its descendants, and return how it ended."""
        if self.ours == "timeout":
            self.kill(signal.SIGABRT)  # faulthandler writes where it hung
            time.sleep(DUMP_SECONDS)
        waited = time.monotonic()
        while not self.ours and not self.gone():
            if time.monotonic() - waited > EXIT_SECONDS:
                self.ours = "no result"
            time.sleep(0.002)
        self.kill(signal.SIGKILL)
        if self.status is None:
            self.status = os.waitpid(self.pid, 0)[1]
        self.drain()
        if self.ours:
            return self.ours
        if os.WIFSIGNALED(self.status):
            return "signal %d" % os.WTERMSIG(self.status)
        return "exited" if os.WEXITSTATUS(self.status) == 0 else "no result"

    def gone(self):
        """Whether the child has ended by itself."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def kill(self, number):
        """Send a signal to the child's whole session."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def drain(self):
        """Read what is left of the noise, without waiting for anybody who still holds the pipe."""
        os.set_blocking(self.noise, False)
        for _ in range(64):
            try:
                data = os.read(self.noise, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                return
            self.tail = (self.tail + data)[-NOISE_LIMIT:]

    def close(self):
        """Give back pipes and scratch space."""
        os.close(self.results)
        os.close(self.noise)
        shutil.rmtree(self.scratch, ignore_errors=True)


def forked(tensorflow, job, scratch, results, noise):
    """Fork a child that does the job; return its process id."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        die_with_parent(parent)
        settle_in(job, scratch, noise)
        close_all_but(results)
        work(tensorflow, job, results)
    except BaseException:
        traceback.print_exc()  # ours: the parent shows it as noise beside `no result`
        os._exit(1)
    os._exit(0)


def started(_tensorflow, job, scratch, results, noise):
    """Start a fresh process that imports TensorFlow itself and does the job; return its process id."""
    folder = os.path.dirname(os.path.abspath(__file__))
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", folder, "child", str(results)],
        stdin=subprocess.PIPE,
        stdout=noise,
        stderr=noise,
        pass_fds=(results,),
        start_new_session=True,
    )
    process.stdin.write(json.dumps(dict(job, scratch=scratch, parent=os.getpid())).encode("utf-8"))
    process.stdin.close()
    process.returncode = 0  # we wait for it by its process id
    return process.pid


def spawned(results):
    """Do the job that standard input describes. The other side of `started`."""
    job = json.loads(sys.stdin.read())
    die_with_parent(job["parent"])
    settle_in(job, job["scratch"], 2)
    work(framework.imported(), job, results)
