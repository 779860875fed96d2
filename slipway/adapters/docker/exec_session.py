"""A program beside a replica's own, by the Engine's exec, over a socket of its own.

When the connection is lost the Engine leaves the program running. So it carries a mark in its environment, by which the
host finds it and what it started.
"""

from __future__ import annotations

import json
import secrets
import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus

from docker import APIClient
from docker.errors import APIError, NotFound

from slipway import errors
from slipway.adapters.docker.engine import DockerEngine
from slipway.adapters.docker.follow import connected
from slipway.adapters.docker.output import FrameDecoder
from slipway.adapters.linux import marked_processes
from slipway.core.terminal.channels import Channel, Size
from slipway.errors import DependencyUnavailable
from slipway.ports.runtime import TerminalSpec

MARK = "SLIPWAY_EXEC="
_PIECE_BYTES = 64 << 10
_HEADERS_MAX_BYTES = 64 << 10
_STREAMS = {1: Channel.STDOUT, 2: Channel.STDERR}
_TERM = "xterm-256color"


class ExecSession:
    """`slipway.ports.runtime.TerminalSession` on the Docker Engine."""

    def __init__(self, engine: DockerEngine, container_id: str, spec: TerminalSpec) -> None:
        """Raises `NotFound` when the container does not run, and `HostUnready` where nobody could end the program."""
        _require_ending(container_id)
        self._engine = engine
        self._container_id = container_id
        self._has_terminal = spec.size is not None
        self._mark = f"{MARK}{secrets.token_hex(8)}"
        self._frames = FrameDecoder()
        with engine.asked_to(f"run a program in {container_id[:12]}"):
            self._connection = connected(engine.url)
        try:
            with engine.asked_to(f"run a program in {container_id[:12]}") as api:
                self._id = self._created(api, spec)
                self._begun = self._started(api)
            if spec.size is not None:
                self.resize(spec.size)
        except BaseException:
            self.end()  # it may run already
            raise

    def read(self, *, timeout_s: float) -> Sequence[tuple[Channel, bytes]] | None:
        data, self._begun = self._begun, b""
        if not data:
            try:
                if not _is_readable(self._connection, timeout_s):
                    return []
                data = self._connection.recv(_PIECE_BYTES)
            except (OSError, ValueError):  # ValueError: it was closed
                return None
            if not data:
                return None
        if self._has_terminal:
            return [(Channel.STDOUT, data)]
        return [(_STREAMS.get(stream, Channel.STDOUT), content) for stream, content in self._frames.feed(data)]

    def write(self, data: bytes) -> None:
        with suppress(OSError):  # it has ended: the next read says so
            self._connection.sendall(data)

    def close_input(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def resize(self, size: Size) -> None:
        with self._engine.asked_to("resize a terminal") as api, suppress(APIError):  # it has just ended
            api.exec_resize(self._id, height=size.rows, width=size.columns)

    def exit_code(self) -> int | None:
        with self._engine.asked_to("say how a program ended") as api:
            try:
                found = api.exec_inspect(self._id)
            except NotFound:
                return None
        return None if found["Running"] else found["ExitCode"]

    def end(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # `close` alone does not wake a thread that writes
        self._connection.close()
        _end_marked(self._container_id, self._mark)

    def _created(self, api: APIClient, spec: TerminalSpec) -> str:
        given = [f"{name}={value}" for name, value in spec.variables.items()]
        environment = [self._mark, *([f"TERM={_TERM}"] if self._has_terminal else []), *given]
        try:
            made = api.exec_create(
                self._container_id, list(spec.argv), stdin=True, tty=self._has_terminal, environment=environment
            )
        except APIError as error:
            if error.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise _does_not_run() from error
            raise
        return str(made["Id"])

    def _started(self, api: APIClient) -> bytes:
        """What of the output came with the answer's head. From now on the connection has no timeout: one thread reads
        and another writes, and each would get the other's."""
        body = json.dumps({"Detach": False, "Tty": self._has_terminal}).encode()
        head = f"POST /v{api.api_version}/exec/{self._id}/start HTTP/1.1\r\nHost: docker\r\n"
        head += "Content-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        self._connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        first = _begun(self._connection)
        self._connection.settimeout(None)
        return first


def _require_ending(container_id: str) -> None:
    try:
        marked_processes.require_seen(container_id)
    except errors.NotFound as error:
        raise _does_not_run() from error


def end_left_running(container_id: str) -> int:
    """End what sessions of an agent that is gone left in the container; says how many processes that were."""
    return _end_marked(container_id, MARK)


def _end_marked(container_id: str, mark: str) -> int:
    try:
        return marked_processes.end(container_id, mark)
    except errors.NotFound:
        return 0


def _is_readable(connection: socket.socket, timeout_s: float) -> bool:
    """Raises `ValueError` when it is closed."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


def _begun(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(_PIECE_BYTES)
        if not data or len(received) > _HEADERS_MAX_BYTES:
            raise ConnectionError("the Engine's answer broke off")
        received += data
    headers, _, rest = received.partition(b"\r\n\r\n")
    status = int(headers.split(b" ", 2)[1])
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
        raise _does_not_run()
    if status not in (HTTPStatus.SWITCHING_PROTOCOLS, HTTPStatus.OK):
        raise DependencyUnavailable(f"The Docker Engine answered {status} to a program that was to be run.")
    return rest


def _does_not_run() -> errors.NotFound:
    return errors.NotFound("This replica does not run.", remedy="see which do: slipway ps")
