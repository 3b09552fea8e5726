"""The worker: imports TensorFlow once, and forks a child for each group of cells."""

import gc
import json
import platform
import signal
import sys

from . import framework
from .channel import described, private_stdout, say
from .children import run_group
from .limits import adopt_orphans, sweep, threads


def serve():
    """Answer requests until standard input ends."""
    out = private_stdout()
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the host decides what dies
    tensorflow = greet(out)
    if tensorflow is None:
        return
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()  # what was imported is never garbage: children need not look at it, nor copy its pages
    for line in sys.stdin:
        request = json.loads(line)
        for rung in request["rungs"]:
            start = "fork" if can_fork() else "spawn"
            run_group(tensorflow if start == "fork" else None, request, rung, lambda facts: say(out, facts))
            sweep()
        say(out, {"request": request["request"], "done": True})


def greet(out):
    """Import TensorFlow and say what was found; return it, or None when it does not import."""
    try:
        tensorflow = framework.imported()
        facts = framework.facts(tensorflow)
    except BaseException as error:
        say(out, {"broken": described(error)})
        return None
    facts.update(python=platform.python_version(), start="fork" if can_fork() else "spawn")
    say(out, {"hello": facts})
    return tensorflow


def can_fork():
    """Whether a fork is safe now: one thread, and no op has run. Else each group gets a fresh process."""
    return hasattr(signal, "SIGCHLD") and threads() == 1 and framework.idle()
