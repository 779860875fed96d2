"""What no app gets to see: gunicorn refuses it before. The answer is a problem document all the same."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fixtures.api import Api
from tests.fixtures.services.router_server import running_router
from tests.fixtures.services.webhook_server import running_webhook

END = b"Host: slipway.localhost\r\n\r\n"
REFUSED = {
    "a method of one letter": (b"A /api/account HTTP/1.1\r\n", 400, "bad-request"),
    "a method that is too long": (b"A" * 21 + b" /api/account HTTP/1.1\r\n", 400, "bad-request"),
    "no version": (b"GET /api/account\r\n", 400, "bad-request"),
    "version 3": (b"GET /api/account HTTP/3.0\r\n", 400, "bad-request"),
    "a header without a colon": (b"GET /api/account HTTP/1.1\r\nX\r\n", 400, "bad-request"),
    "an unknown coding": (b"POST /api/apps HTTP/1.1\r\nTransfer-Encoding: x\r\n", 501, "bad-request"),
    "too many headers": (b"GET /api/account HTTP/1.1\r\n" + b"X: y\r\n" * 2000, 431, "headers-too-large"),
    "a header of 20 KB": (b"GET /api/account HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n", 431, "headers-too-large"),
}


@pytest.fixture(scope="module", params=["router", "webhook"])
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def served(api: Api, service: str) -> Iterator[Path]:
    settings = api.services.settings
    if service == "router":
        with running_router(settings) as router:
            yield router.settings.router_socket
    else:
        environ = {
            "SLIPWAY_STATE_DIR": str(settings.state_dir),
            "SLIPWAY_DATABASE_URL": settings.database_url,
            "SLIPWAY_REDIS_URL": settings.redis_url,
        }
        with running_webhook(settings, environ) as webhook:
            yield webhook.socket


def ask(path: Path, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send, and read until the connection ends."""
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(30)
        connection.connect(str(path))
        connection.sendall(data)
        with connection.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    return int(line.split(" ")[1]), dict(field.lower().split(": ", 1) for field in fields), body


def test_it_is_a_problem_document(served: Path) -> None:
    for name, (data, status, code) in REFUSED.items():
        found, headers, body = ask(served, data + END)
        problem = json.loads(body)
        assert (name, found, problem["status"], problem["code"]) == (name, status, status, code)
        assert headers["content-type"] == "application/problem+json", name
        assert int(headers["content-length"]) == len(body)
        assert problem["detail"], name
        assert problem["remedy"], name


def test_what_the_edge_lets_pass_is_no_matter_of_gunicorns(served: Path) -> None:
    """The edge takes a request line and each header of 16 KB."""
    for more in (b"?" + b"a" * 16_000, b" HTTP/1.1\r\nX: " + b"a" * 16_000):
        line = b"GET /healthz" + more + (b"" if b"HTTP" in more else b" HTTP/1.1") + b"\r\nConnection: close\r\n"
        assert ask(served, line + END)[0] == 200
