"""The agent's internal API and its streams, over unix sockets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slipway.adapters.agent.terminals import OpenTerminal, open_terminal
from slipway.adapters.agent.unix_http import UnixHTTP
from slipway.core.terminal.channels import Size
from slipway.errors import DependencyUnavailable, DeploymentFailed, NotFound, Overloaded

_TIMEOUT_S = 5.0
_HEAD_TIMEOUT_S = 25.0
"""Longer than git waits for a repository."""
_SIZES_TIMEOUT_S = 20.0
"""Of volumes: their files are counted one by one."""
_SILENCE_S = 15.0
"""A stream gives signs of life more often."""


class AgentClient:
    """Raises `DependencyUnavailable` when the agent does not answer."""

    def __init__(self, agent_socket: Path, streams_socket: Path) -> None:
        self._socket = agent_socket
        self._streams_socket = streams_socket

    def status(self) -> dict[str, Any]:
        """The agent's own state."""
        with self._response("/status") as response:
            return _document(response)

    def stats(self, replica_id: str) -> dict[str, Any]:
        """What a replica uses: the fields of `slipway.ports.runtime.ResourceUse`, and `cpus` in use.

        Raises:
            NotFound: it does not run.
        """
        with self._response(f"/replicas/{replica_id}/stats") as response:
            if response.status == HTTPStatus.NOT_FOUND:
                raise NotFound(f"replica {replica_id} does not run", remedy="see which do: slipway ps")
            return _document(response)

    def last_probe(self, replica_id: str) -> dict[str, Any] | None:
        """How a replica's last probe went: `at` (Unix seconds or None), `answered`, `failures` in a row, `error`. None:
        it is not probed now."""
        with self._response(f"/replicas/{replica_id}/probe") as response:
            found: dict[str, Any] | None = _document(response)["probe"]
            return found

    def volume_sizes(self) -> dict[str, int]:
        """Every volume, in bytes."""
        with self._response("/volumes", silence_s=_SIZES_TIMEOUT_S) as response:
            return dict(_document(response)["sizes"])

    def head(self, app_id: int) -> str | None:
        """The commit that an app's branch is at now; None when there is no such branch.

        Raises:
            DeploymentFailed: the repository can't be read.
            NotFound: the app is gone.
            Overloaded: as many are asked for as may be.
        """
        with self._response(f"/apps/{app_id}/head", silence_s=_HEAD_TIMEOUT_S) as response:
            if response.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                problem = json.loads(response.read())
                raise DeploymentFailed("head-unknown", problem["detail"], remedy=problem.get("remedy", ""))
            if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise Overloaded("As many repositories are asked as may be at a time.", remedy="try again")
            if response.status == HTTPStatus.NOT_FOUND:
                raise NotFound(f"app {app_id} is gone", remedy="see which there are: slipway apps")
            commit = _document(response)["commit"]
            return None if commit is None else str(commit)

    @contextmanager
    def output(self, replica_id: str, *, tail: int | None) -> Iterator[Iterator[str]]:
        """A replica's lines so far, also of one that ended: `<RFC 3339 time> <text>`, in order.

        Raises:
            NotFound: there is no such replica.
        """
        with self._response(f"/replicas/{replica_id}/output?{_query(tail=tail)}") as response:
            yield _lines(response, replica_id)

    @contextmanager
    def follow(self, replica_id: str, *, tail: int | None, after: str = "") -> Iterator[Iterator[str]]:
        """Its last lines that were printed after the time `after`, and those to come, until its container ends. Empty
        ones are signs of life.

        Raises:
            NotFound: there is no such replica.
        """
        target = f"/replicas/{replica_id}/output?{_query(tail=tail, after=after)}"
        with self._response(target, at=self._streams_socket, silence_s=_SILENCE_S) as response:
            yield _lines(response, replica_id)

    def open_terminal(self, replica_id: str, command: Sequence[str], size: Size | None, key: str) -> OpenTerminal:
        """Raises as `terminals.open_terminal` does."""
        return open_terminal(self._streams_socket, replica_id, command, size, key)

    @contextmanager
    def _response(
        self, target: str, *, at: Path | None = None, silence_s: float = _TIMEOUT_S
    ) -> Iterator[http.client.HTTPResponse]:
        """The response to one GET; `silence_s` bounds the wait for each part of it."""
        connection = UnixHTTP(at or self._socket, silence_s)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _unreachable() from error
        with response:
            try:
                yield response
            finally:
                connection.close()


def _query(**values: object) -> str:
    return urlencode({name: value for name, value in values.items() if value not in (None, "")})


def _lines(response: http.client.HTTPResponse, replica_id: str) -> Iterator[str]:
    """Raises `DependencyUnavailable` when the agent stopped answering."""
    if response.status == HTTPStatus.NOT_FOUND:
        raise NotFound(f"there is no output of replica {replica_id}")
    _check(response)
    return _decoded(response)


def _decoded(response: http.client.HTTPResponse) -> Iterator[str]:
    try:
        while line := response.readline():
            yield line.decode(errors="replace").rstrip("\n")
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable() from error


def _document(response: http.client.HTTPResponse) -> dict[str, Any]:
    _check(response)
    try:
        return dict(json.loads(response.read()))
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable() from error


def _check(response: http.client.HTTPResponse) -> None:
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise _unreachable()


def _unreachable() -> DependencyUnavailable:
    return DependencyUnavailable("The agent does not answer; apps serve on.", remedy="slipway doctor says more")
