"""The worker: imports TensorFlow once, and forks a child for each group of cells."""

import gc
import platform
import signal

from . import fence, framework
from .channel import described, private_stdout, say
from .children import run_group
from .host import HostGone, requests
from .limits import adopt_orphans, sweep, threads


def serve():
    """Answer requests until the host closes standard input; in the midst of an answer that means that it is gone."""
    out = private_stdout()
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the host decides what dies
    try:
        tensorflow = greet(out)
        if tensorflow is not None:
            gc.collect()
            if hasattr(gc, "freeze"):
                gc.freeze()  # what was imported is never garbage: children need not look at it, nor copy its pages
            answer(tensorflow, out)
    except (HostGone, BrokenPipeError):
        sweep()


def answer(tensorflow, out):
    """Do what each request asks for."""
    for request in requests():
        run_group(tensorflow if can_fork() else None, request, lambda facts: say(out, facts))
        say(out, {"request": request["request"], "done": True})


def greet(out):
    """Import TensorFlow and say what was found; return it, or None when it does not import."""
    try:
        tensorflow = framework.imported()
        facts = framework.facts(tensorflow)
    except BaseException as error:
        say(out, {"broken": described(error)})
        return None
    start = "fork" if can_fork() else "spawn"
    facts.update(python=platform.python_version(), start=start, fence=fence.version() > 0)
    say(out, {"hello": facts})
    return tensorflow


def can_fork():
    """Whether a fork is safe now: one thread, and no op has run. Else each group gets a fresh process."""
    return hasattr(signal, "SIGCHLD") and threads() == 1 and framework.idle()
