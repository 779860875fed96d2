"""The REST API as the command uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from slipway.cli.exits import ApiProblem
from slipway.errors import DependencyUnavailable, InvalidInput, NotAuthenticated

_QUIET_S = 40.0
"""A stream that is silent for longer than this (heartbeats come more often) is dead."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: str
    id: str = ""


class Client:
    """Calls below `<url>/api`.

    Every call raises `ApiProblem` with what the API said, or `DependencyUnavailable` when it can't be reached.
    """

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        if not url:
            raise NotAuthenticated("You are not signed in.", remedy="slipway login https://slipway.example.org")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"{url!r} is not an address", remedy="give it as https://slipway.example.org")
        headers = {"Host": parts.netloc, "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=_reachable(self.url), headers=headers, timeout=httpx.Timeout(30, connect=5), transport=transport
        )

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, query=query)

    def post(self, path: str, values: Any = None, **headers: str) -> Any:
        return self._call("POST", path, values=values or {}, headers=headers)

    def patch(self, path: str, values: Any) -> Any:
        return self._call("PATCH", path, values=values)

    def put(self, path: str, values: Any) -> Any:
        return self._call("PUT", path, values=values)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def events(self, path: str, *, after: str = "", **query: Any) -> Iterator[Event]:
        """Server-sent events until the server ends the stream."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        try:
            timeout = httpx.Timeout(_QUIET_S, connect=5)
            with self._http.stream(
                "GET", f"/api{path}", params=_given(query), headers=headers, timeout=timeout
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise _problem(answer)
                yield from _events(answer.iter_lines())
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def text(self, path: str, **query: Any) -> str:
        answer = self._send("GET", path, query=query, headers={"Accept": "text/plain"})
        return answer.text

    def _call(self, method: str, path: str, **parts: Any) -> Any:
        answer = self._send(method, path, **parts)
        return answer.json() if answer.content else None

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        values: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items() if value}
        try:
            answer = self._http.request(method, f"/api{path}", params=_given(query or {}), json=values, headers=named)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.is_error:
            raise _problem(answer)
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> DependencyUnavailable:
        return DependencyUnavailable(
            f"{self.url} does not answer ({type(error).__name__}); nothing was changed.",
            remedy="check the address (slipway login), or on the host: make status",
        )


def segment(text: str) -> str:
    """One part of a path."""
    return quote(text, safe="")


def _reachable(url: str) -> str:
    """Names under .localhost mean this machine, also where no resolver says so (RFC 6761)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host != "localhost" and not host.endswith(".localhost"):
        return url
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"127.0.0.1{port}").geturl()


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None and value is not False}


def _problem(answer: httpx.Response) -> ApiProblem:
    try:
        document = answer.json()
    except json.JSONDecodeError:
        document = {}
    if not isinstance(document, dict) or "detail" not in document:
        document = {"detail": f"{answer.request.url.host} answered {answer.status_code}", "status": answer.status_code}
    return ApiProblem(answer.status_code, document)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    name, position = "message", ""
    data: list[str] = []
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(name, "\n".join(data), position)
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            position = value
