"""The REST API as the command uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from slipway.adapters.oidc.bounded_http import authorities
from slipway.cli.exit_codes import ApiAbsent, ApiProblem, WaitedTooLong
from slipway.cli.sign_in.bearer import AccessTokens, Bearer, FixedToken
from slipway.cli.streams.terminal import Stream
from slipway.cli.this_host import is_this_machine
from slipway.core.terminal.channels import SUBPROTOCOL
from slipway.core.terminal.websocket import new_key
from slipway.errors import InvalidInput, NotAuthenticated, SlipwayError

_QUIET_S = 40.0
"""A stream that is silent for longer than this (heartbeats come more often) is dead."""
LOOPBACK = ("127.0.0.1", "::1")
_LOGIN = re.compile(r"slipway login\b(?! \S*://)")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?")
TENANT = "X-Slipway-Tenant"
_UPGRADED = 101
_ABSENT = (502, 503, 504)
"""The edge answers with these, too, while the API restarts behind it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: str
    id: str = ""


class Client:
    """Calls below `<url>/api`.

    Every call raises `ApiProblem` with what the API said, `ApiAbsent` when it can't be reached or can't answer now, or
    `WaitedTooLong` when no answer came to what was asked.
    """

    def __init__(
        self,
        url: str,
        token: str | AccessTokens,
        transport: httpx.BaseTransport | None = None,
        *,
        token_variable: str = "",
        tenant: str = "",
        timeout_s: float = 30,
    ) -> None:
        """`token_variable`: the environment variable that the token comes from; empty when it comes from elsewhere.
        `tenant`: in which of their tenants a person acts; empty when they are in one."""
        if not url:
            raise NotAuthenticated("You are not signed in.", remedy="slipway login https://slipway.example.org")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"{url!r} is not an address", remedy=_with_scheme(url))
        headers = {"Host": parts.netloc, "Accept": "application/json"}
        if tenant:
            headers[TENANT] = tenant
        self.url = url.rstrip("/")
        self.tokens = FixedToken(token) if isinstance(token, str) else token
        self.token_variable = token_variable
        where = reachable(self.url)
        self._http = httpx.Client(
            base_url=where,
            headers=headers,
            auth=Bearer(self.tokens),
            timeout=httpx.Timeout(timeout_s, connect=min(5, timeout_s)),
            transport=transport,
            verify=authorities(),
            trust_env=urlsplit(where).hostname not in LOOPBACK,  # this machine is reached without a proxy
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, query=query)

    def post(self, path: str, values: Any = None, *, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self._call("POST", path, query=query, values=values or {}, headers=headers)

    def patch(self, path: str, values: Any) -> Any:
        return self._call("PATCH", path, values=values)

    def put(self, path: str, values: Any) -> Any:
        return self._call("PUT", path, values=values)

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None, **query: Any) -> Any:
        return self._call("DELETE", path, headers=headers, query=query)

    def events(self, path: str, *, after: str = "", **query: Any) -> Iterator[Event]:
        """Server-sent events until the server ends the stream."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        try:
            timeout = httpx.Timeout(_QUIET_S, connect=5)
            with self._http.stream(
                "GET", f"/api{path}", params=_given(query), headers=headers, timeout=timeout
            ) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self._problem(answer)
                yield from _events(_lines(answer.iter_text()))
        except httpx.HTTPError as error:
            raise self._absent(error) from error

    def pieces(self, path: str, **query: Any) -> Iterator[str]:
        """A long text as it comes."""
        with self._streamed(path, query) as answer:
            yield from answer.iter_text()

    def binary(self, path: str) -> Iterator[bytes]:
        """A long file as it comes. One that breaks off raises, too."""
        with self._streamed(path, {}) as answer:
            yield from answer.iter_bytes()

    @contextmanager
    def _streamed(self, path: str, query: dict[str, Any]) -> Iterator[httpx.Response]:
        try:
            with self._http.stream("GET", f"/api{path}", params=_given(query), headers={"Accept": "*/*"}) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self._problem(answer)
                yield answer
        except httpx.HTTPError as error:
            raise self._absent(error) from error

    @contextmanager
    def upgraded(self, path: str, **query: Any) -> Iterator[Stream]:
        """A WebSocket that has begun, as bytes in both directions."""
        key = new_key()
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        headers |= {"Sec-WebSocket-Key": key, "Sec-WebSocket-Protocol": SUBPROTOCOL}
        try:
            with self._http.stream("GET", f"/api{path}", params=_given(query), headers=headers) as answer:
                if answer.status_code != _UPGRADED:
                    answer.read()
                    raise self._problem(answer)
                stream: Stream = answer.extensions["network_stream"]
                yield stream
        except httpx.HTTPError as error:
            raise self._absent(error) from error

    def text(self, path: str, **query: Any) -> str:
        return self._send("GET", path, query=query, headers={"Accept": "text/plain"}).text

    def _call(self, method: str, path: str, **parts: Any) -> Any:
        answer = self._send(method, path, **parts)
        if not answer.content:
            return None
        try:
            return answer.json()
        except json.JSONDecodeError:
            raise ApiAbsent(
                f"What answers at {self.url} is not Slipway.",
                remedy="check the address: slipway login",
                document=_without_words(answer),
            ) from None

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
            raise self._absent(error) from error
        if not answer.is_success:
            raise self._problem(answer)
        return answer

    def _problem(self, answer: httpx.Response) -> SlipwayError:
        problem = _problem(answer)
        if isinstance(problem, ApiProblem) and problem.http_status == NotAuthenticated.status:
            variable = self.token_variable
            source = f"it comes from {variable}, which goes before the login that is kept: unset it, or correct it"
            problem.advise(source if variable else _LOGIN.sub(f"slipway login {self.url}", problem.remedy))
        return problem

    def _absent(self, error: httpx.HTTPError) -> SlipwayError:
        """Two cases: the API was not reached, and did nothing; or it did not answer, and may have acted."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return ApiAbsent(
                f"{self.url} does not answer; nothing was changed.",
                remedy="check the address (slipway login), or on the host: make status",
            )
        remedy = "look whether it was done before you repeat it"
        if isinstance(error, httpx.TimeoutException):
            return WaitedTooLong(f"{self.url} was asked and did not answer in time.", remedy=remedy)
        return ApiAbsent(f"{self.url} broke off before it answered ({type(error).__name__}).", remedy=remedy)


def _with_scheme(text: str) -> str:
    """What to do about an address without a scheme: it is offered with one, where that makes it an address."""
    bare = text.rpartition("://")[2].strip("/ ")
    host = urlsplit(f"//{bare}").hostname or "" if _HOST_AND_PORT.fullmatch(bare) else ""
    if not host:
        return "give it as https://slipway.example.org"
    return f"give it with its scheme: slipway login {'http' if is_this_machine(host) else 'https'}://{bare}"


def reachable(url: str) -> str:
    """Names under .localhost mean this machine, also where no resolver says so (RFC 6761)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host != "localhost" and not host.endswith(".localhost"):
        return url
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"127.0.0.1{port}").geturl()


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None and value is not False}


def _problem(answer: httpx.Response) -> SlipwayError:
    try:
        document = answer.json()
    except json.JSONDecodeError:
        document = {}
    if not isinstance(document, dict) or "detail" not in document:
        document = _without_words(answer)
    if answer.status_code in _ABSENT:
        return ApiAbsent(str(document["detail"]), remedy=str(document.get("remedy") or ""), document=document)
    return ApiProblem(answer.status_code, document)


def _without_words(answer: httpx.Response) -> dict[str, Any]:
    """A problem document for an answer that Slipway did not write."""
    url = answer.request.url
    kind = answer.headers.get("Content-Type", "").partition(";")[0] or "nothing more"
    detail = f"{url.scheme}://{answer.request.headers['Host']} answered {answer.status_code} ({kind})"
    document: dict[str, Any] = {"detail": detail, "status": answer.status_code, "code": "foreign"}
    if answer.has_redirect_location:
        document["remedy"] = f"it points to {answer.headers['Location']}: slipway login there"
    return document


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Only a newline ends a line: an app may print the other line ends of Unicode."""
    rest = ""
    for text in texts:
        *whole, rest = (rest + text).split("\n")
        yield from (line.removesuffix("\r") for line in whole)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    name, position = "message", ""
    data: list[str] = []
    for line in lines:
        kind, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(name, "\n".join(data), position)
            name, data = "message", []
        elif kind == "event":
            name = value
        elif kind == "data":
            data.append(value)
        elif kind == "id":
            position = value
