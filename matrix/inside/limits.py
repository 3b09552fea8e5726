"""What a child may use, and how it dies with its parent. Linux calls are skipped where they do not exist."""

import contextlib
import ctypes
import os
import signal
import sys

try:
    import resource
except ImportError:  # Windows
    resource = None

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
FILE_BYTES = 2 << 30
OPEN_FILES = 1024


def prctl(option, value):
    """Set one property of this process, on Linux."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(parent):
    """Ask the kernel to kill this process when its parent dies, also when that has happened already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans():
    """Become the parent of grandchildren whose own parent died, so that `sweep` finds them."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def restrict(memory):
    """Limit this process: address space in bytes, file size, open files, no core dumps."""
    if resource is None:
        return
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))


def allow_cpu(seconds):
    """Let this process use so many more seconds of processor time; the wall clock is its parent's."""
    if resource is not None:
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, hard))


def sweep(keep=()):
    """Kill every process whose parent we are, but those of `keep`, until none is left; return how many there were."""
    killed = 0
    while True:
        found = [process for process in children() if process not in keep]
        if not found:
            return killed
        for process in found:
            killed += 1
            with contextlib.suppress(OSError):  # gone already
                os.kill(process, signal.SIGKILL)
            with contextlib.suppress(OSError):  # reaped already
                os.waitpid(process, 0)


def children():
    """Return the process ids whose parent is this process; none where there is no /proc."""
    ours = []
    if not os.path.isdir("/proc/self/task"):
        return ours
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError):  # it ended while we looked
                continue
            if parent == os.getpid():
                ours.append(int(name))
    return ours


def threads():
    """Return how many threads this process has; 1 where nothing can tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1
