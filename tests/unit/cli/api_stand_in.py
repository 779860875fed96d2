"""An API as far as one test needs it: answers by path, over httpx's own transport for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import httpx

from slipway.cli.client import Client

URL = "https://slipway.example.org"
Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer, url: str = URL) -> Client:
    return Client(url, "slw_token", transport=httpx.MockTransport(answer))


def answering(documents: Iterable[Any], path: str = "") -> Answer:
    """Each document once, the last again and again. With `path`, other paths are not found."""
    waiting = list(documents)

    def answer(request: httpx.Request) -> httpx.Response:
        if path and request.url.path != path:
            return httpx.Response(404, json={"detail": "no", "status": 404})
        document = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(document, Exception):
            raise document
        return document if isinstance(document, httpx.Response) else httpx.Response(200, json=document)

    return answer
