"""What a program can meet on a machine: a tracer that fails its system calls, a small disk, few files.

Some functions are for `before` of a program: they are done in its process, before anything else.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from small import Small

if TYPE_CHECKING:
    from programs import Program

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REMOUNT, MS_REC, MS_PRIVATE = 32, 16384, 1 << 18
libc = ctypes.CDLL(None, use_errno=True)


def until_traced() -> None:
    """Wait for a tracer."""
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text("utf-8"):
        time.sleep(0.005)


def traced(program: Program, calls: str, what: str, only: Path | None = None) -> int:
    """Let strace do something to a program that waits for it, but to none of its workers; return how it ended.

    Args:
        program: one that begins with `until_traced`.
        calls: the system calls.
        what: to do, and when: `signal=KILL:when=3`.
        only: the file that they are about; None for any.
    """
    command = ["strace", "-f", "--detach-on=execve", "-o", os.devnull, "-e", f"trace={calls}"]
    command += ["-P", str(only)] if only else []
    tracer = subprocess.Popen(
        [*command, "-e", f"inject={calls}:{what}", "-p", str(program.pid)], stderr=subprocess.PIPE
    )
    try:
        return program.ended()
    finally:
        tracer.kill()
        tracer.communicate()


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int calls;
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += __sync_fetch_and_add(&calls, 1) % 2 ? 86400 : -86400;
    return answer;
}
"""


def jumping_clock(folder: Path) -> Path:
    """Make a library that lets the time of day jump two days at each look; skip a test where there is no compiler."""
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK, "utf-8")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def needs_strace() -> None:
    """Skip a test where nothing can be traced."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    if subprocess.run(["strace", "-o", os.devnull, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to trace processes")


def needs_mounts() -> None:
    """Skip a test where a process cannot have a disk of its own."""
    if subprocess.run(["unshare", "-Urm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")


def few_files(more: int) -> None:
    """Let this process open so many files more than it has."""
    limit = max(int(path.name) for path in Path("/proc/self/fd").iterdir()) + 1 + more
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def mounted(place: Path, options: str, *, again: bool = False) -> None:
    """Give this process a small disk at a place, that nobody else sees; with `again`, change it."""
    place.mkdir(parents=True, exist_ok=True)
    if not again:
        user, group = os.getuid(), os.getgid()
        _done(libc.unshare(CLONE_NEWNS | (CLONE_NEWUSER if user else 0)))
        if user:
            Path("/proc/self/setgroups").write_text("deny", "utf-8")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1", "utf-8")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1", "utf-8")
        _done(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    flags = MS_REMOUNT if again else 0
    _done(libc.mount(b"tmpfs", str(place).encode(), b"tmpfs", flags, options.encode()))


def _done(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def starved(run: Small, scarce: str, plenty: str) -> int:
    """Run with a small disk for the store, and once more when it has grown; leave both results, and the store.

    Returns:
        Ten times the first exit code, plus the second.
    """
    mounted(run.store, scarce)
    first = run.main()
    (run.folder / "asked-scarce").write_text("\n".join(run.journal.read("asked")), "utf-8")
    (run.folder / "done-scarce").write_text("\n".join(run.journal.read("done")), "utf-8")
    mounted(run.store, plenty, again=True)
    second = run.main()
    shutil.copytree(run.store, run.folder / "copy")
    return 10 * first + second
