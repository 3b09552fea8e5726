"""A worker as a container, with nothing of this machine in it but what a request needs."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import docker
from docker.errors import APIError, DockerException
from docker.types import LogConfig, Mount, Ulimit
from docker.utils.socket import frames_iter_no_tty
from requests.exceptions import RequestException

from ...protocol import Facts, Request
from ...recipe import GUEST
from .. import WorkerDied
from ..conversation import LINE_LIMIT, LOG_SHOWN, Conversation
from .images import Image
from .leftovers import OWNER, owner, removed
from .parcels import INBOX, OUTBOX, Parcels

NOBODY = 65534
INSIDE = "/matrix/inside"  # the last part is that of the folder here, for the frames of a traceback tell it
HOME = "/tmp"  # noqa: S108 - the container's own
PROCESSES = 256
CORES = 2
END_SECONDS = 10.0
SETTLES, GLANCE = 3.0, 0.1
SEND_SECONDS = 60  # for one that does not listen
KILLED = 137
ERR = 2  # https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach


@dataclass(frozen=True, kw_only=True)
class Walls:
    """What a container may use.

    Attributes:
        memory: bytes of all its processes together.
        runtime: what runs it, e.g. `runsc`; empty for the engine's own.
    """

    memory: int
    runtime: str = ""


def user(*, rootless: bool) -> int:
    """Return who runs inside: nobody, or who we are where that is not root, so that what is left there is ours."""
    return 0 if rootless else os.getuid() or NOBODY


class WorkerContainer(Conversation):
    """The host's end of one worker in a container of its own.

    Args:
        client: of the engine.
        image: what it is made from.
        variables: of the worker.
        parcels: the folders that it sees.
        walls: what it may use.
    """

    def __init__(
        self,
        client: docker.APIClient,
        image: Image,
        variables: Mapping[str, str],
        parcels: Parcels,
        walls: Walls,
    ) -> None:
        super().__init__()
        self.client = client
        self.parcels = parcels
        self._said = b""
        self._ended = threading.Event()
        self.id: str = client.create_container(
            image=image.id,
            entrypoint=[image.python, "-I", "-B", INSIDE],
            command=[],
            stdin_open=True,
            user=str(parcels.user),
            environment=dict(variables),
            working_dir=HOME,
            hostname="cell",
            labels={OWNER: owner()},
            use_config_proxy=False,  # a proxy's address may hold a password
            host_config=_host_config(client, parcels, walls),
        )["Id"]
        try:
            self._stream = client.attach_socket(self.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
            self._socket: socket.socket = getattr(self._stream, "_sock", self._stream)
            self._socket.settimeout(None)  # it may be silent for as long as a cell may take; who waits has a limit
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
            client.start(self.id)
        except BaseException:
            removed(client, self.id)
            raise
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, request: Request) -> Iterator[Facts]:
        """Yield one transcript for each cell, as they come. Raises WorkerDied."""
        with self.parcels.packed(request) as parcel:
            for facts in super().ask(parcel.request):
                yield parcel.opened(facts)

    def send(self, line: bytes) -> None:
        """Write a line to its standard input."""
        self._socket.sendall(line)

    def death(self) -> WorkerDied:
        """Return how the container ended, by the engine's word, with the end of what it printed."""
        try:
            until = time.monotonic() + SETTLES
            while (state := self._state())["Running"] and time.monotonic() < until:
                time.sleep(GLANCE)  # its streams end a moment before the engine says that it has
        except (DockerException, RequestException) as error:
            return WorkerDied(f"the Docker engine went away: {error}", killed=True, lost=True)
        if state["Running"]:
            return WorkerDied("its container cannot be heard any more", lost=True)
        if state["OOMKilled"]:
            return WorkerDied("its container took more memory than it may", killed=True, outgrew=True)
        tail = self._said.decode("utf-8", "backslashreplace").strip()
        code = state["ExitCode"]
        return WorkerDied(f"its container ended with exit code {code}. {tail}".strip(), killed=code == KILLED)

    def within_reach(self) -> bool:
        """Whether the engine still answers for it."""
        with suppress(DockerException, RequestException):
            return bool(self._state()["Running"])
        return False

    def _state(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = self.client.inspect_container(self.id)["State"]
        return state

    def close(self) -> None:
        """Let it end by itself, then remove it. What the engine does not remove now, the next run does."""
        self.hang_up()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        self._ended.wait(END_SECONDS)
        self.kill()
        self._ended.wait(END_SECONDS)  # who listens lets go of the stream
        for end in (self._stream, self._socket):
            with suppress(OSError):
                end.close()

    def kill(self) -> None:
        """Remove the container with all that runs in it, now."""
        with suppress(DockerException, RequestException):
            removed(self.client, self.id)

    def _listen(self) -> None:
        """Take its two streams apart: lines to be understood, and the end of all else."""
        line = bytearray()  # what has come of one
        with suppress(OSError, APIError):
            for stream, data in cast("Iterator[tuple[int, bytes]]", frames_iter_no_tty(self._stream)):
                if stream == ERR:
                    self._said = (self._said + data)[-LOG_SHOWN:]
                    continue
                *ends, rest = data.split(b"\n")
                for end in ends:
                    self.hear(bytes(line) + end or b" ")  # nothing at all is said at the end only
                    line.clear()
                line += rest
                if len(line) > LINE_LIMIT:
                    self.hear(b"more than a line")
                    break
        self._ended.set()
        self.hear(b"")


def _host_config(client: docker.APIClient, parcels: Parcels, walls: Walls) -> Mapping[str, object]:
    """Return the walls of a container: https://docs.docker.com/engine/security/

    No network, no capability, nothing to be written but its own memory and the outbox, no more of anything than it may.
    """
    mounts = [_mount(INSIDE, GUEST, read_only=True), _mount(str(INBOX), parcels.inbox, read_only=True)]
    if parcels.outbox is not None:
        mounts.append(_mount(str(OUTBOX), parcels.outbox, read_only=False))
    config: Mapping[str, object] = client.create_host_config(
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        pids_limit=PROCESSES,
        mem_limit=walls.memory,
        memswap_limit=walls.memory,
        nano_cpus=min(CORES, os.cpu_count() or 1) * 10**9,
        tmpfs={HOME: "rw,nosuid,nodev,noexec,size=1g,nr_inodes=50k"},
        ulimits=[_limit("core", 0), _limit("nofile", 4096), _limit("fsize", 2 << 30)],
        ipc_mode="private",
        init=True,
        log_config=LogConfig(type=LogConfig.types.NONE) if hasattr(LogConfig.types, "NONE") else LogConfig(type="none"),
        runtime=walls.runtime or None,
        mounts=mounts,
    )
    return config


def _mount(inside: str, here: Path, *, read_only: bool) -> Mount:
    return Mount(inside, str(here.absolute()), type="bind", read_only=read_only)


def _limit(name: str, value: int) -> Ulimit:
    return Ulimit(name=name, soft=value, hard=value)
