"""The router's internal socket, played by a small server whose answers a test sets and counts."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from slipway.adapters.redis import keys

PUBLIC_URL = "http://slipway.localhost:8080"
SIGN_ON = {"SLIPWAY_KEYCLOAK": "https://id.example.org", "SLIPWAY_PUBLIC_URL": PUBLIC_URL}
PATIENT = {"router_timeout_s": 30}
"""A busy host may take long to answer for the router: most tests are not about that."""
TENANT = {"policies": [["tenant"]], "default": 0, "paths": []}
"""An entry's `access`."""


@dataclass
class Caller:
    """Somebody whom the router knows by a credential. `meets` are the terms of policies that they meet."""

    sub: str
    user: str = "ada"
    kind: str = "person"
    meets: tuple[str, ...] = ("tenant", "signed-in")
    more: dict[str, Any] = field(default_factory=dict)
    """Other fields of the verdict."""

    def verdict(self, policies: list[list[str]]) -> dict[str, Any]:
        return {
            "known": True,
            "kind": self.kind,
            "allows": [any(term in (*self.meets, "public") for term in policy) for policy in policies],
            "subjects": [f"person:{self.sub}", f"session:of-{self.sub}"],
            "user": self.user,
            "id": self.sub,
            "email": f"{self.user}@example.org",
            "groups": ["/tenants/acme/owner", "/staff"],
            "identity": f"header.{self.sub}.signature",
            "expires_at": None,
            "lasts_s": 10,
            **self.more,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubRouter

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.answer(self, body)

    def do_GET(self) -> None:
        self.server.answer(self, b"")

    def send(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class StubRouter(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, path: Path) -> None:
        self.path = path
        self.callers: dict[str, Caller] = {}
        """By the cookie's value or the bearer token."""
        self.questions: list[dict[str, Any]] = []
        self.sign_ins: list[dict[str, Any]] = []
        self.pages: list[tuple[str, str, dict[str, str], bytes]] = []
        """What came to `/.slipway/…`: method, path, headers, body."""
        self.instead: Callable[[_Handler], None] | None = None
        """Answers every question in the place of the verdict."""
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.lock = threading.Lock()
        super().__init__(str(path), _Handler)
        path.chmod(0o777)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def get_request(self) -> tuple[Any, Any]:
        connection, _ = super().get_request()
        return connection, ("unix", 0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An edge that left is no error."""

    def stop(self) -> None:
        self.may_answer.set()
        self.shutdown()
        self.server_close()
        self._thread.join(5)
        self.path.unlink(missing_ok=True)

    def reset(self) -> None:
        self.callers, self.questions, self.sign_ins, self.pages = {}, [], [], []
        self.instead = None
        self.may_answer.set()

    def answer(self, handler: _Handler, body: bytes) -> None:
        if handler.path.startswith("/.slipway/"):
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.pages.append((handler.command, handler.path, headers, body))
            return handler.send(200, {"page": handler.path}, {"Set-Cookie": "slipway-session=fresh; Path=/; HttpOnly"})
        asked = json.loads(body)
        with self.lock:
            (self.questions if handler.path == "/internal/authorize" else self.sign_ins).append(asked)
        self.may_answer.wait(30)
        if self.instead:
            return self.instead(handler)
        if handler.path == "/internal/authorize":
            return handler.send(200, self._verdict(asked))
        cookie = "slipway-login=of-the-browser; Path=/; HttpOnly; SameSite=Lax"
        return handler.send(200, {"location": f"{PUBLIC_URL}/auth/apps/7", "cookie": cookie})

    def _verdict(self, asked: dict[str, Any]) -> dict[str, Any]:
        caller = self.callers.get(asked["bearer"] or asked["cookie"] or "")
        return caller.verdict(asked["policies"]) if caller else {"known": False, "why": "invalid"}


@contextmanager
def stub_router(path: Path) -> Iterator[StubRouter]:
    path.parent.mkdir(parents=True, exist_ok=True)
    router = StubRouter(path)
    try:
        yield router
    finally:
        router.stop()


def changed(redis: Any, subject: str) -> None:
    """As the router reports it to all edges."""
    redis.xadd(keys.IDENTITY_CHANGES, {"subject": subject}, maxlen=10_000, approximate=True)
