"""Asks an address for a token as an authority does (http-01, RFC 8555, 8.3), within a bounded time and size."""

from __future__ import annotations

import httpx

from slipway.core.certificates.preflight import Reply
from slipway.core.naming.hosts import Address, bracketed

PATH = "/.well-known/acme-challenge/"
TIMEOUT_S = 5.0
_MOST_BYTES = 2048
_DEFAULT_PORT = 80


class HttpTokenProbe:
    """`slipway.ports.authority.TokenProbe`. Never through a proxy of this host's."""

    def __init__(self, port: int, *, timeout_s: float = TIMEOUT_S) -> None:
        self._port = port
        self._timeout_s = timeout_s

    def ask(self, host: str, address: Address, token: str, answer: str) -> Reply:
        named = bracketed(host) if self._port == _DEFAULT_PORT else f"{bracketed(host)}:{self._port}"
        url = f"http://{bracketed(str(address))}:{self._port}{PATH}{token}"
        try:
            with (
                httpx.Client(trust_env=False, timeout=self._timeout_s) as client,
                client.stream("GET", url, headers={"Host": named}) as response,
            ):
                if response.is_redirect:
                    return Reply.REDIRECT
                body = next(response.iter_bytes(_MOST_BYTES), b"")
        except httpx.HTTPError:
            return Reply.NONE
        return Reply.OURS if response.is_success and body.strip() == answer.encode() else Reply.OTHER
