"""Whose container is whose: what a runner that was killed left behind is found by its label, and removed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import docker
from docker.errors import NotFound

OWNER = "io.keras-matrix.owner"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STARTED = 19  # the place of `starttime` after the name: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html


def owner() -> str:
    """Return what names this process for as long as it lives, and no other one ever: machine, boot, number, start."""
    return f"{socket.gethostname()} {_boot()} {os.getpid()} {_started(os.getpid())}"


def swept(client: docker.APIClient) -> tuple[str, ...]:
    """Remove every container whose owner was a process of this machine that is gone; return their ids."""
    left = []
    for found in client.containers(all=True, filters={"label": OWNER}):
        if _gone(found["Labels"][OWNER]):
            removed(client, found["Id"])
            left.append(found["Id"])
    return tuple(left)


def removed(client: docker.APIClient, container: str) -> None:
    """Remove a container, running or not, with what belongs to it alone; it may be gone already."""
    try:
        client.remove_container(container, force=True, v=True)
    except NotFound:
        return


def _gone(owner: str) -> bool:
    host, _, rest = owner.partition(" ")
    if host != socket.gethostname():
        return False  # an engine that two machines share: not ours to judge
    boot, _, rest = rest.partition(" ")
    pid, _, started = rest.partition(" ")
    return boot != _boot() or not pid.isdigit() or _started(int(pid)) != started


def _boot() -> str:
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else "-"


def _started(pid: int) -> str:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[_STARTED]
        )
    except OSError:
        return "gone"
