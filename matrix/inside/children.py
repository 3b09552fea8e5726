"""A child for each group of cells, and another one for what the first one lost.

A child tells its parent on a pipe what it is at: `{"ready": true}` once it has imported TensorFlow by itself, then
`{"begin": cell}`, `{"stage": ...}`, `{"answer": ...}`, and `{"end": true}`. The parent keeps the clock, keeps the first
and the last of what the child prints, and turns silence into an ending:

    exited         it said all it had to say
    timeout        it was killed after its time limit
    signal N       it died of a signal that was not ours
    no result      it went away without an answer
    protocol       it wrote something that is no answer

A child that dies costs the cell it was at; the rest of the group goes on in a new child. One that dies before its first
cell (the scenario's code, or the model that all its cells share) costs them all: they would all die of the same.

A fork can be the reason too, or a machine that is short of memory. So what died is tried once more before it counts: in
a fresh process, with nobody else in it, and with everything written as a user would.
"""

import contextlib
import functools
import os
import shutil

from .child import Child
from .starting import forked, started
from .work import written

FINAL = ("exited", "protocol")


def run_group(tensorflow, request, tell):
    """Run a group's cells; `tell` each transcript. `tensorflow` is None where a fork is not safe."""
    fresh = request["isolation"] == "fresh"
    rungs = {cell["id"]: cell["rung"]["name"] for cell in request["cells"]}

    def tell_all(facts):
        tell(dict(facts, request=request["request"], rung=rungs[facts["cell"]]))

    job = dict(request, plainly=fresh, shared=request["isolation"] == "group")
    run(None if fresh else tensorflow, job, tell_all, "" if fresh else None)


def run(tensorflow, job, tell, first):
    """Run cells in as many children as they need. `first` tells how they ended before; None: they may be repeated."""
    waiting = job["cells"]
    while waiting:
        batch = waiting if job["shared"] else waiting[:1]
        count, lost = 0, []
        with contextlib.closing(lived(tensorflow, dict(job, cells=batch))) as life:
            for said in life:
                count += 1
                if first is None and said["ending"] not in FINAL:
                    lost.append(said)
                else:
                    tell(dict(said, first=first or ""))
        if lost:
            again = dict(job, cells=batch[count - len(lost) : count], plainly=True, shared=True)
            clear(again)
            run(None, again, tell, lost[0]["ending"])
        waiting = waiting[count:]


def lived(tensorflow, job):
    """Yield the transcripts of one child's life; only the last ones can be of a death."""
    fork = tensorflow is not None
    child = Child(job, functools.partial(forked, tensorflow) if fork else started, importing=not fork)
    try:
        yield from child.watch()
    finally:
        child.close()


def clear(job):
    """Remove what a child left of artifacts that it did not finish."""
    for path in written(job):
        with contextlib.suppress(OSError):  # there is none
            os.unlink(path)
        shutil.rmtree(path, ignore_errors=True)
