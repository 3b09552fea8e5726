"""A fence around what a child may write, made by the kernel: https://docs.kernel.org/userspace-api/landlock.html

Reading stays free. Where there is no Landlock nothing happens, and the greeting says so. Its first version counts as
none: it lets no file move from one folder into another, and TensorFlow writes SavedModels that way.
"""

import ctypes
import os
import struct
import sys

from .limits import prctl

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every processor
ASK_VERSION = 1
PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38
OLDEST, WITH_TRUNCATE = 2, 3

WRITE_FILE = 1 << 1
TRUNCATE = 1 << 14
# remove_dir, remove_file, make_char, make_dir, make_reg, make_sock, make_fifo, make_block, make_sym, refer
IN_FOLDERS = sum(1 << bit for bit in range(4, 14))
DEVICES = ("/dev/null", "/dev/shm", "/dev/tty")  # noqa: S108 - what programs expect to be writable


def version():
    """Return the version of the kernel's Landlock; 0 where it has none that we can use."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        found = call(CREATE_RULESET, None, 0, ASK_VERSION)
    except OSError:
        return 0
    return found if found >= OLDEST else 0


def raise_around(folders):
    """Let this process and all below it write in these folders and to some devices only, from now on."""
    known = version()
    if not known:
        return
    in_files = WRITE_FILE | (TRUNCATE if known >= WITH_TRUNCATE else 0)
    rights = struct.pack("=Q", IN_FOLDERS | in_files)
    ruleset = call(CREATE_RULESET, rights, len(rights), 0)
    for path in filter(os.path.exists, list(folders) + list(DEVICES)):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = IN_FOLDERS | in_files if os.path.isdir(path) else in_files
        call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def call(number, *arguments):
    """Make a system call that the C library has no name for; OSError when it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    wide = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    answer = libc.syscall(ctypes.c_long(number), *wide)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
