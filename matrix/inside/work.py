"""What a child does: takes its place, loads the scenario, and goes through its cells."""

import faulthandler
import os
import random
import signal
import tempfile

from .channel import described, say
from .limits import allow_cpu, restrict
from .loading import Loader
from .saving import Saver
from .scenario import loaded, register


def settle_in(job, scratch, noise):
    """Take our place: output into the noise, no input, a private folder, limits."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (noise, 1), (noise, 2)):
        os.dup2(source, target)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o077)
    os.chdir(scratch)
    os.environ.update(HOME=scratch, TMPDIR=scratch, KERAS_HOME=scratch)
    tempfile.tempdir = None
    random.seed(0)
    faulthandler.enable(file=2)
    restrict(job["memory"])


def written(job):
    """Return where the artifacts go that a job leaves behind, those of models that it loads and saves again too."""
    if job["task"] == "save":
        return [cell["path"] for cell in job["cells"]]
    return [cell["resave"]["path"] for cell in job["cells"] if cell["resave"]]


def close_all_but(results):
    """Close what the parent had open, its way to the host above all: no scenario may speak there."""
    os.closerange(3, results)
    os.closerange(results + 1, 1 << 10)


def work(tensorflow, job, results):
    """Do the job, and say on the pipe how each cell went."""

    def tell(**facts):
        say(results, facts)

    allow_cpu(2 * job["timeout"])
    try:
        do = prepared(tensorflow, job, lambda stage: tell(stage=stage))
    except BaseException as error:
        tell(answer={"raised": described(error)})
        tell(end=True)
        return
    for cell in job["cells"]:
        tell(begin=cell["id"])
        allow_cpu(2 * job["timeout"])
        try:
            answer = do(cell)
        except BaseException as error:
            answer = {"raised": described(error)}
        tell(answer=answer)
    tell(end=True)


def prepared(tensorflow, job, reach):
    """Return the function that does one cell, after all that the cells share."""
    module = None
    if job["code"] != "none":
        module = loaded(
            job["scenario"]["name"], job["scenario"]["path"], "saved" if job["task"] == "save" else "loaded"
        )
    if job["code"] == "register":
        register(tensorflow, module)
    if job["task"] == "save":
        reach("build")
        saver = Saver(tensorflow, module, job["plainly"])

        def save(cell):
            reach("save")
            return saver.save(cell)

        return save
    loader = Loader(tensorflow, module, job)
    return lambda cell: loader.load(cell, reach)
