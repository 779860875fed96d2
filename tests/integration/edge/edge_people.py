"""Somebody who is signed in at an edge whose router a test plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge_publisher import HOST
from edge_rig import Answer, Edge, Rig
from edge_router import SIGN_ON, Caller, changed

from slipway.adapters.redis import keys
from tests.fixtures.waiting import eventually

ENVIRON = {**SIGN_ON, "SLIPWAY_TRUSTED_PROXIES": "127.0.0.1", "SLIPWAY_EDGE_WORKERS": "4"}


def learns(rig: Rig, edge: Edge | None = None) -> None:
    """Return when the edge has read the stream of changes to its end."""
    [(last, _)] = rig.redis.client.xrevrange(keys.IDENTITY_CHANGES, count=1)
    eventually(lambda: (edge or rig.edge).status["identity_position"] == last.decode())


@dataclass
class Person:
    """Somebody with a session on the app's host, whom no other test knows."""

    rig: Rig
    caller: Caller
    value: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"theme=dark; slipway-session={self.value}"}

    @property
    def token(self) -> str:
        """By which the router knows the same caller."""
        return f"slw_{self.value}"

    def ask(self, path: str = "/", method: str = "GET", host: str = HOST, **more: Any) -> Answer:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.rig.edge.ask(host, path, method, headers=headers, **more)

    def is_refused(self, edge: Edge | None = None) -> bool:
        return (edge or self.rig.edge).ask(HOST, headers=self.headers).status == 401

    def change(self, subject: str = "person") -> None:
        """Returns when the edge has learned of it."""
        name = self.caller.sub if subject == "person" else f"of-{self.caller.sub}"
        changed(self.rig.redis.client, f"{subject}:{name}")
        learns(self.rig)
