"""The host, as its worker sees it: requests come in on descriptor 0, and when that closes, the host is gone."""

import json
import os
import select

INPUT = 0
CHUNK = 1 << 16
CLOSED = select.POLLHUP | select.POLLERR


class HostGone(Exception):
    """Nobody is left who could hear an answer."""


def requests():
    """Yield each request, until the host closes its end.

    Not through `sys.stdin`, which reads ahead: what a pipe still holds must not depend on who looks at it.
    """
    buffer = bytearray()
    while True:
        data = os.read(INPUT, CHUNK)
        if not data:
            return
        buffer += data
        while b"\n" in data:
            line, _, rest = buffer.partition(b"\n")
            data = buffer = rest
            yield json.loads(line.decode("utf-8"))


def watch_for_closing(poll):
    """Let a poll object tell of the host's end, too: of its closing, not of requests that wait there."""
    poll.register(INPUT, 0)


def stop_if_gone(descriptor, event):
    """Raise HostGone when that is what a poll object told."""
    if descriptor == INPUT and event & CLOSED:
        raise HostGone
