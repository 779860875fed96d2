"""The agent's internal API, over its unix socket: replicas' output, and how the agent is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from slipway.errors import DependencyUnavailable, NotFound

_TIMEOUT = httpx.Timeout(5.0)


class Output:
    """A replica's output on its way: lines, until it ends or `close` is called from any thread."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def lines(self) -> Iterator[str]:
        """`<RFC 3339 time> <text>`, in order.

        Raises:
            DependencyUnavailable: the agent went away.
        """
        try:
            yield from self._response.iter_lines()
        except httpx.TransportError as error:
            raise _away() from error

    def close(self) -> None:
        """Wake whoever waits for the next line."""
        stream = self._response.extensions.get("network_stream")
        raw: socket.socket | None = stream.get_extra_info("socket") if stream else None
        if raw is not None:
            try:
                raw.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already
                return


class AgentClient:
    """Raises `DependencyUnavailable` when the agent does not answer."""

    def __init__(self, agent_socket: Path) -> None:
        self._socket = str(agent_socket)

    def status(self) -> dict[str, Any]:
        """What the agent tells of itself."""
        with self._client() as client, _translated():
            response = client.get("/status")
            response.raise_for_status()
            return dict(response.json())

    def stats(self, replica_id: str) -> dict[str, Any]:
        """What a replica uses: the fields of `slipway.ports.runtime.ResourceUse`, and `cpus` in use.

        Raises:
            NotFound: it does not run.
        """
        with self._client() as client, _translated():
            response = client.get(f"/replicas/{replica_id}/stats")
            if response.status_code == httpx.codes.NOT_FOUND:
                raise NotFound(f"replica {replica_id} does not run", remedy="see which do: slipway ps")
            response.raise_for_status()
            return dict(response.json())

    @contextmanager
    def output(self, replica_id: str, *, tail: int | None, follow: bool) -> Iterator[Output]:
        """A replica's output, also of one that ended.

        Raises:
            NotFound: nothing was kept of it.
        """
        params = {} if tail is None else {"tail": str(tail)}
        if follow:
            params["follow"] = "1"
        timeout = httpx.Timeout(5.0, read=None) if follow else _TIMEOUT
        with (
            self._client() as client,
            _translated(),
            client.stream("GET", f"/replicas/{replica_id}/output", params=params, timeout=timeout) as response,
        ):
            if response.status_code == httpx.codes.NOT_FOUND:
                raise NotFound(f"no output of replica {replica_id} was kept")
            response.raise_for_status()
            yield Output(response)

    def _client(self) -> httpx.Client:
        self._knock()
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=self._socket), base_url="http://agent", timeout=_TIMEOUT, trust_env=False
        )

    def _knock(self) -> None:
        """httpcore leaves the socket of a refused connection open, so it only connects where somebody listens."""
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(_TIMEOUT.connect)
            try:
                knocking.connect(self._socket)
            except OSError as error:
                raise _away() from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, httpx.HTTPStatusError) as error:
        raise _away() from error


def _away() -> DependencyUnavailable:
    return DependencyUnavailable("The agent does not answer; apps serve on.", remedy="slipway doctor says more")
