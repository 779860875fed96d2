"""Who sends deliveries in these tests: GitHub's payloads, through Flask's client or over a socket."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from slipway.adapters.vault import Vault
from slipway.db import Database
from slipway.demo.forge import payloads
from slipway.demo.forge.deliveries import prepare
from slipway.models import App, Delivery, Deployment
from tests.fixtures.rows import REPOSITORY, SECRET, add_app, add_hook, add_tenant

BASE = "https://github.example"
BEFORE, AFTER = "1" * 40, "2" * 40


def push(
    ref: str = "refs/heads/main",
    *,
    repository: str = "acme/hello",
    before: str = BEFORE,
    after: str = AFTER,
    files: tuple[str, ...] = ("app.py",),
    forced: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """GitHub's push payload; `changes` replace top-level fields."""
    commits = [payloads.commit(after, message="Fix the cart total", modified=list(files))]
    body = payloads.push(
        payloads.repository(BASE, repository), ref=ref, before=before, after=after, commits=commits, forced=forced
    )
    return {**body, **changes}


@dataclass(frozen=True)
class Sent:
    """A request as it would go out."""

    path: str
    headers: dict[str, str]
    body: bytes


def delivery(
    hook_id: str,
    payload: dict[str, Any] | bytes | None = None,
    *,
    event: str = "push",
    secret: str = SECRET,
    delivery_id: str = "",
    content_type: str = "json",
    headers: dict[str, str | None] | None = None,
) -> Sent:
    """A signed delivery. In `headers` None leaves one out."""
    path = f"/webhooks/github/{hook_id}"
    content = push() if payload is None else payload
    made = prepare(path, secret, event, content, content_type=content_type, delivery_id=delivery_id)
    changed = {**made.headers, **(headers or {})}
    return Sent(path, {name: value for name, value in changed.items() if value is not None}, made.body)


class TestClientSender:
    """Sends to the WSGI app itself."""

    __test__ = False

    def __init__(self, app: Flask) -> None:
        self.app = app

    def send(self, hook_id: str, *args: Any, **how: Any) -> TestResponse:
        sent = delivery(hook_id, *args, **how)
        return self.app.test_client().post(sent.path, data=sent.body, headers=sent.headers)

    def get(self, path: str) -> TestResponse:
        return self.app.test_client().get(path)


@dataclass
class Hooked:
    """A tenant with a hook and an app, and what the database says of them."""

    database: Database
    tenant_id: int
    hook_id: str
    apps: dict[str, App] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        database: Database,
        vault: Vault,
        *,
        tenant: str = "",
        app: str | None = "hello",
        repository: str = REPOSITORY,
        secret: str = SECRET,
        **values: Any,
    ) -> Hooked:
        tenant_id = add_tenant(database, tenant or f"t{uuid.uuid4().hex[:12]}")
        made = cls(database, tenant_id, add_hook(database, vault, tenant_id, repository=repository, secret=secret))
        if app:
            made.add_app(app, repository=repository, **values)
        return made

    def add_app(self, name: str, **values: Any) -> App:
        self.apps[name] = add_app(self.database, self.tenant_id, name, **values)
        return self.apps[name]

    def deployments(self) -> list[Deployment]:
        with self.database.read(tenant_id=self.tenant_id) as session:
            return list(session.scalars(select(Deployment).order_by(Deployment.id)))

    def deliveries(self) -> list[Delivery]:
        with self.database.read(tenant_id=self.tenant_id) as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.id)))

    def app(self, name: str = "hello") -> App:
        with self.database.read(tenant_id=self.tenant_id) as session:
            return session.scalars(select(App).filter_by(name=name)).one()


def problem(response: TestResponse) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    found: dict[str, Any] = json.loads(response.data)
    return found
