"""As much of the platform's API as the demo asks for, deploying each push at once or failing it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from slipway.core.naming.validation import repository_identity

TOKEN = "slw_good"
STEPS = [
    {
        "name": "fetch",
        "started_at": "2026-01-15T09:30:00Z",
        "ended_at": "2026-01-15T09:30:00.400000Z",
        "seconds": 0.4,
        "ok": True,
        "note": "",
    }
]
LIVE = {
    "state": "live",
    "steps": STEPS,
    "reason": "",
    "detail": "",
    "meaning": "",
    "remedy": "",
    "tail": "",
    "serving": None,
}


@dataclass
class FakePlatform:
    url: str = ""
    apps: dict[str, Any] = field(default_factory=dict)
    hooks: list[dict[str, str]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    version: str = ""
    outcome: dict[str, Any] = field(default_factory=lambda: LIVE)
    delivery_status: int = 202
    serves: bool = True

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path.startswith("/webhooks/"):
            return self._deliver(body)
        if path == "/VERSION":
            return 200, f"{self.version}\n"
        if path == "/":
            return 200, f'<dd id="version">{self.version}</dd>'
        if token != f"Bearer {TOKEN}":
            return 401, {"detail": "no such token"}
        if method == "PATCH":
            return self._change(path, body)
        return self._create(path, body) if method == "POST" else self._look(path)

    def _create(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/api/apps":
            app = {"name": body["name"], "urls": [f"{self.url}/"], "repository": body["repository"]}
            self.apps[body["name"]] = app
            return 201, app
        if path.endswith("/rotate"):
            return 200, self.hooks[-1] | {"secret": "another"}
        repository = repository_identity(body["repository"])
        if any(hook["repository"] == repository for hook in self.hooks):
            return 409, {"detail": "the repository has a hook already"}
        number = len(self.hooks) + 1
        url = f"{self.url}/webhooks/github/h{number}"
        self.hooks.append({"id": f"h{number}", "url": url, "repository": repository})
        return 201, self.hooks[-1] | {"secret": "s3cret"}

    def _change(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        app = self.apps[path.removeprefix("/api/apps/")]
        app |= body
        return 200, {"app": app, "deployment": None}

    def _look(self, path: str) -> tuple[int, Any]:
        documents = {
            "/api/apps": {"apps": list(self.apps.values())},
            "/api/hooks": {"hooks": self.hooks},
            **{f"/api/apps/{name}": app for name, app in self.apps.items()},
            **{f"/api/apps/{name}/deployments": {"deployments": self.deployments} for name in self.apps},
            **{f"/api/deployments/{each['id']}": each for each in self.deployments},
        }
        return (200, documents[path]) if path in documents else (404, {"detail": "no such thing"})

    def _deliver(self, payload: dict[str, Any]) -> tuple[int, Any]:
        if "after" not in payload:
            return 200, {"status": "ignored"}
        if self.delivery_status == 202:
            number = len(self.deployments)
            deployment = {
                "id": number,
                "app": payload["repository"]["name"],
                "commit": payload["after"],
                **self.outcome,
            }
            self.deployments.append(deployment)
            if self.serves:
                self.version = payload["head_commit"]["message"].split()[-1]
        return self.delivery_status, {"detail": "so be it"}


@contextmanager
def fake_platform() -> Iterator[FakePlatform]:
    platform = FakePlatform()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "")
            status, document = platform.answer(self.command, self.path, token, json.loads(body or b"{}"))
            answer = (document if isinstance(document, str) else json.dumps(document)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
