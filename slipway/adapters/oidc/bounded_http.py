"""HTTP to the provider, with a bound on everything: no answer may hold or fill the router."""

from __future__ import annotations

import ssl
import time
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from slipway.ports.clock import Clock

TIMEOUT_S = 5.0
"""Of one read, and of a whole answer from the moment that its headers are there."""
CONNECT_TIMEOUT_S = 2.0
LONGEST_ANSWER_BYTES = 256 << 10
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "slipway"}
_LOOPBACK = ("all://127.0.0.1", "all://[::1]", "all://localhost", "all://*.localhost")
"""Reached without the environment's proxy: it would see the client's secret, and could not get there."""


@cache
def authorities() -> ssl.SSLContext:
    """The certificate authorities of this host: to read them costs a tenth of a second of the processor."""
    return httpx.create_ssl_context()


class BoundedHttp:
    """Raises `httpx.HTTPError` for everything that goes wrong: no answer, a late or a large one. A redirect is an
    answer like any other. Safe to use from many threads; connections are kept. Cookies are not: what one person's
    sign-in set would go along with another's."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._client = httpx.Client(
            verify=authorities(),
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            mounts=dict.fromkeys(_LOOPBACK),
            headers=HEADERS,
        )

    def get(self, url: str) -> httpx.Response:
        return self._send(self._client.build_request("GET", url), httpx.Auth())

    def post(self, url: str, *, data: dict[str, str], headers: dict[str, str], auth: httpx.Auth) -> httpx.Response:
        """As Authlib's client asks for it."""
        return self._send(self._client.build_request("POST", url, data=data, headers=headers), auth)

    def close(self) -> None:
        self._client.close()

    def _send(self, request: httpx.Request, auth: httpx.Auth) -> httpx.Response:
        return read_bounded(self._client.send(request, auth=auth, stream=True), self._clock)


def read_bounded(answer: httpx.Response, clock: Clock) -> httpx.Response:
    """The whole of an answer that was begun, and closed."""
    try:
        body = _read(answer, clock)
    finally:
        answer.close()
    return httpx.Response(answer.status_code, content=body, request=answer.request)


def _read(answer: httpx.Response, clock: Clock) -> bytes:
    """The body as it came: what is compressed all the same will not be JSON."""
    until = clock() + TIMEOUT_S
    body = bytearray()
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > LONGEST_ANSWER_BYTES:
            raise httpx.RemoteProtocolError("its answer is too large", request=answer.request)
        if clock() > until:
            raise httpx.ReadTimeout("its answer takes too long", request=answer.request)
    return bytes(body)
