"""The two ways in which a child comes to life: forked from a worker that has imported TensorFlow, or all fresh."""

import json
import os
import subprocess
import sys
import tempfile
import traceback

from . import framework
from .channel import say
from .fence import raise_around
from .limits import die_with_parent
from .work import close_all_but, settle_in, work, written


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
        raise_around(writable(job, scratch))
        close_all_but(results)
        work(tensorflow, job, results)
    except BaseException:
        traceback.print_exc()  # ours: the parent shows it as noise beside `no result`
        os._exit(1)
    os._exit(0)


def started(job, scratch, results, noise):
    """Start a fresh process that imports TensorFlow itself and does the job; return its process id."""
    folder = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryFile() as task:  # a pipe would break, or block, on a child that does not read it
        task.write(json.dumps(dict(job, scratch=scratch, parent=os.getpid())).encode("utf-8"))
        task.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", folder, "child", str(results)],
            stdin=task,
            stdout=noise,
            stderr=noise,
            pass_fds=(results,),
            start_new_session=True,
        )
    process.returncode = 0  # we wait for it by its process id
    return process.pid


def spawned(results):
    """Do the job that standard input describes. The other side of `started`."""
    job = json.loads(sys.stdin.read())
    die_with_parent(job["parent"])
    settle_in(job, job["scratch"], 2)
    raise_around(writable(job, job["scratch"]))
    tensorflow = framework.imported()
    say(results, {"ready": True})
    work(tensorflow, job, results)


def writable(job, scratch):
    """Return the folders that a child may write in: its own, and where it is to leave artifacts."""
    return [scratch, *sorted({os.path.dirname(path) for path in written(job)})]
