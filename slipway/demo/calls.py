"""JSON over HTTP, as the demo asks the platform and the forge."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from slipway.demo.forge.deliveries import loopback_name
from slipway.errors import DependencyUnavailable, SlipwayError

TIMEOUT_S = 60.0


class CallFailed(SlipwayError):
    """The other side refused; `answered` is its HTTP status, `message` and `remedy` are what it said."""

    code = "call-failed"

    def __init__(self, message: str, *, remedy: str, answered: int) -> None:
        super().__init__(message, remedy=remedy)
        self.answered = answered


class Calls:
    """One server's API, with a bearer token. Names under .localhost are found even where no resolver knows them."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url
        self.token = token
        self._client = open_client(base_url, {"Authorization": f"Bearer {token}"} if token else {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        return self._call("GET", path)

    def post(self, path: str, **body: Any) -> Any:
        return self._call("POST", path, body)

    def patch(self, path: str, **body: Any) -> Any:
        return self._call("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def find(self, path: str) -> Any | None:
        """Like `get`, None when it isn't there."""
        try:
            return self.get(path)
        except CallFailed as error:
            if error.answered == 404:
                return None
            raise

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise DependencyUnavailable(
                f"{self.base_url} does not answer ({error})", remedy="see what runs: make status"
            ) from error
        if answer.is_error:
            raise _refusal(answer)
        return answer.json() if answer.content else None


def open_client(base_url: str, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """A client that connects to this machine for names under .localhost, and still sends the name."""
    parts = urlsplit(base_url)
    host = loopback_name(parts.hostname or "")
    address = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()
    # the environment's proxies are for the outside: what is asked here runs on this host
    return httpx.Client(
        base_url=address, headers={"Host": parts.netloc, **(headers or {})}, timeout=TIMEOUT_S, trust_env=False
    )


def _refusal(answer: httpx.Response) -> CallFailed:
    try:
        document = answer.json()
    except ValueError:
        document = {}
    document = document if isinstance(document, dict) else {}
    said = document.get("detail") or document.get("message") or answer.text[:300] or answer.reason_phrase
    request = f"{answer.request.method} {answer.request.url.path}"
    return CallFailed(
        f"{request} was answered {answer.status_code}: {said}",
        remedy=str(document.get("remedy", "")),
        answered=answer.status_code,
    )
