"""The agent's internal API, over its unix socket: replicas' output, and how the agent is."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slipway.adapters.unix_http import UnixHTTP
from slipway.errors import DependencyUnavailable, NotFound

_TIMEOUT_S = 5.0
_SIZES_TIMEOUT_S = 20.0
"""Of volumes: their files are counted one by one."""


class Output:
    """A replica's output on its way: lines, until it ends or `close` is called from any thread."""

    def __init__(self, response: http.client.HTTPResponse, connected: socket.socket) -> None:
        self._response = response
        self._connected = connected

    def lines(self) -> Iterator[str]:
        """`<RFC 3339 time> <text>`, in order.

        Raises:
            DependencyUnavailable: the agent went away.
        """
        try:
            while line := self._response.readline():
                yield line.decode(errors="replace").rstrip("\r\n")
        except (OSError, http.client.HTTPException) as error:
            raise _away() from error

    def close(self) -> None:
        """Wake whoever waits for the next line."""
        try:
            self._connected.shutdown(socket.SHUT_RDWR)
        except OSError:  # closed already
            return


class AgentClient:
    """Raises `DependencyUnavailable` when the agent does not answer."""

    def __init__(self, agent_socket: Path) -> None:
        self._socket = agent_socket

    def status(self) -> dict[str, Any]:
        """What the agent tells of itself."""
        with self._asked("/status") as (response, _):
            return _document(response)

    def stats(self, replica_id: str) -> dict[str, Any]:
        """What a replica uses: the fields of `slipway.ports.runtime.ResourceUse`, and `cpus` in use.

        Raises:
            NotFound: it does not run.
        """
        with self._asked(f"/replicas/{replica_id}/stats") as (response, _):
            if response.status == HTTPStatus.NOT_FOUND:
                raise NotFound(f"replica {replica_id} does not run", remedy="see which do: slipway ps")
            return _document(response)

    def volume_sizes(self) -> dict[str, int]:
        """Every volume, in bytes."""
        with self._asked("/volumes", timeout_s=_SIZES_TIMEOUT_S) as (response, _):
            return dict(_document(response)["sizes"])

    @contextmanager
    def output(self, replica_id: str, *, tail: int | None, follow: bool) -> Iterator[Output]:
        """A replica's output, also of one that ended.

        Raises:
            NotFound: nothing was kept of it.
        """
        wanted = {} if tail is None else {"tail": str(tail)}
        if follow:
            wanted["follow"] = "1"
        target = f"/replicas/{replica_id}/output?{urlencode(wanted)}"
        with self._asked(target, patient=follow) as (response, connected):
            if response.status == HTTPStatus.NOT_FOUND:
                raise NotFound(f"no output of replica {replica_id} was kept")
            _check(response)
            yield Output(response, connected)

    @contextmanager
    def _asked(
        self, target: str, *, patient: bool = False, timeout_s: float = _TIMEOUT_S
    ) -> Iterator[tuple[http.client.HTTPResponse, socket.socket]]:
        """The answer, and the connection that it comes on. `patient`: its parts may be hours apart."""
        connection = UnixHTTP(self._socket, timeout_s)
        try:
            connection.connect()
            connected = connection.sock
            if patient:
                connected.settimeout(None)
            connection.request("GET", target)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _away() from error
        with response:
            try:
                yield response, connected
            finally:
                connection.close()


def _document(response: http.client.HTTPResponse) -> dict[str, Any]:
    _check(response)
    try:
        return dict(json.loads(response.read()))
    except (OSError, http.client.HTTPException) as error:
        raise _away() from error


def _check(response: http.client.HTTPResponse) -> None:
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise _away()


def _away() -> DependencyUnavailable:
    return DependencyUnavailable("The agent does not answer; apps serve on.", remedy="slipway doctor says more")
