"""The Docker engine of this machine: where it listens, whether it answers, and its errors in our words."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import ConnectionError as NotReached
from requests.exceptions import RequestException, Timeout

from ...errors import EnvironmentFailed, Incomplete, UsageError

SECONDS = 60  # that one call may take
PATIENCE = 90.0  # for an engine that went away to come back
PAUSE = 0.5
START = "Start one (sudo systemctl start docker), or let DOCKER_HOST name its socket; without: --backend nox"
PORT = 2375  # of an engine without TLS
BUSY = 500  # and above: the engine's own trouble
Answer = TypeVar("Answer")


def address(environ: Mapping[str, str]) -> str:
    """Return where the engine of this machine listens: what DOCKER_HOST says, else a socket of Docker or Podman.

    Raises:
        UsageError: DOCKER_HOST names another machine, whose disk we cannot fill.
    """
    said = environ.get("DOCKER_HOST", "")
    if said:
        parts = urlsplit(said)
        if parts.scheme != "unix" and (
            parts.scheme != "tcp" or parts.hostname not in {"localhost", "127.0.0.1", "::1"}
        ):
            raise UsageError(
                f"DOCKER_HOST is {said}, an engine elsewhere: it cannot see the models and scripts of this machine. "
                "Run the matrix there, or unset it."
            )
        return said
    runtime = environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    sockets = (
        "/var/run/docker.sock",
        f"{runtime}/docker.sock",
        f"{runtime}/podman/podman.sock",
        "/run/podman/podman.sock",
    )
    return f"unix://{next((path for path in sockets if Path(path).is_socket()), sockets[0])}"


def connected(environ: Mapping[str, str], *, seconds: int = SECONDS) -> docker.APIClient:
    """Return a client of the engine, once that has answered.

    Args:
        environ: the variables that say where it is.
        seconds: that one call may take.

    Raises:
        UsageError: it is on another machine.
        Incomplete: none answers.
    """
    where = address(environ)
    try:
        _knocked(where)
        client = docker.APIClient(base_url=where, version="auto", timeout=seconds)
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        raise Incomplete(f"No Docker engine answers at {where} ({_said(error)}). {START}") from None
    return client


def rootless(client: docker.APIClient) -> bool:
    """Whether the engine runs as a user: then root in a container is that user, and everybody else is somebody else."""
    return any("rootless" in option for option in client.info().get("SecurityOptions") or [])


def _knocked(where: str) -> None:
    """Raise OSError when nobody listens there: the client would leave an open socket behind."""
    parts = urlsplit(where)
    unix = parts.scheme == "unix"
    with socket.socket(socket.AF_UNIX) if unix else socket.socket() as probe:
        probe.settimeout(SECONDS)
        probe.connect(parts.path if unix else (parts.hostname, parts.port or PORT))


@contextmanager
def speaking(environment: str) -> Iterator[None]:
    """Turn what goes wrong with the engine into the failure of an environment, which is never one of a model."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise EnvironmentFailed(
            f"{environment}: the Docker engine failed: {_said(error)}.", remedy="Look at it: docker info"
        ) from None


def persistent(call: Callable[[], Answer], patience: float = PATIENCE) -> Answer:
    """Return what a call to the engine returns; ask again while the engine is away or in trouble, for so many seconds.

    Raises:
        DockerException, RequestException: the last one, when the time is over, or one that asking again cannot mend.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return call()
        except (NotReached, Timeout, APIError) as error:
            own = isinstance(error, APIError) and (error.status_code or BUSY) < BUSY
            if own or time.monotonic() > until:
                raise
            time.sleep(PAUSE)


def _said(error: Exception) -> str:
    text = getattr(error, "explanation", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:300]
