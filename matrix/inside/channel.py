"""The private way out: JSON lines that nothing else can get between."""

import json
import os
import traceback

MESSAGE_LIMIT = 4000
FRAMES_AT_EACH_END = 30


def private_stdout():
    """Return a copy of descriptor 1 for ourselves, and send everyone else's output to descriptor 2.

    By descriptor, because TensorFlow's C++ does not know `sys.stdout`.
    """
    ours = os.dup(1)
    os.dup2(2, 1)
    return ours


def say(descriptor, facts):
    """Write one JSON line, whole, however many writes that takes."""
    data = (json.dumps(facts) + "\n").encode("utf-8")
    while data:
        data = data[os.write(descriptor, data) :]


def described(error):
    """Return an exception and what led to it, outermost first, as plain values."""
    chain = []
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        chain.append({"type": type(error).__name__, "message": message(error), "frames": frames(error)})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return chain


def message(error):
    """Return what an exception says; saying it can fail too."""
    try:
        text = str(error)
    except Exception as failure:
        text = "<no message: %s>" % type(failure).__name__
    return text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + " ... (cut)"


def frames(error):
    """Return `[file, line, function]` of each frame, outermost first, a runaway recursion cut in the middle."""
    entries = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        entries.append([short(code.co_filename), line, code.co_name])
    if len(entries) > 2 * FRAMES_AT_EACH_END:
        entries = entries[:FRAMES_AT_EACH_END] + entries[-FRAMES_AT_EACH_END:]
    return entries


def short(path):
    """Return a file's path from its package on, the same in every environment."""
    for marker in ("/site-packages/", "/lib/python"):
        if marker in path:
            return path.split(marker)[-1]
    return os.path.join(os.path.basename(os.path.dirname(path)), os.path.basename(path))
