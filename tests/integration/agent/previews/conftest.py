"""An app that makes previews, and the agent's loops about them, in one thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from builder.agent.previews.making import PreviewMaking
from builder.agent.previews.reconciling import PreviewReconciler
from slipway.core.push.pull_request import PullRequest
from slipway.domain.previews import following
from slipway.domain.previews.following import Followed
from slipway.models import App, Deployment, Domain, Preview, Variable
from tests.building_fakes import FakeQueue
from tests.integration.agent.rig import Rig

OPENED_AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
FIRST, SECOND = "1" * 40, "2" * 40


@dataclass
class Previews:
    rig: Rig
    parent: App
    queue: FakeQueue = field(default_factory=FakeQueue)
    ahead_s: float = 0.0

    def __post_init__(self) -> None:
        self.reconciler = PreviewReconciler(
            self.rig.db,
            cast(Any, self.queue),
            PreviewMaking(self.rig.vault, self.rig.settings),
            clock=lambda: self.ahead_s,
        )

    def event(self, number: int = 12, head: str = FIRST, *, minute: int = 0, **values: Any) -> Followed:
        """As the webhook writes it down."""
        usual = {"repository": "a/b", "is_open": True, "branch": "cart", "base": "main", "is_fork": False}
        at = OPENED_AT + timedelta(minutes=minute)
        ref = f"refs/pull/{number}/head"
        pull = PullRequest(**{**usual, "number": number, "head": head, "ref": ref, "changed_at": at, **values})
        with self.rig.db.write(tenant_id=self.rig.tenant_id) as session:
            return following.follow(session, session.get_one(App, self.parent.id), pull)

    def look(self) -> None:
        self.reconciler.look()

    def opened(self, number: int = 12, head: str = FIRST, **values: Any) -> App:
        """Its app, once the agent has looked."""
        self.event(number, head, **values)
        self.look()
        app = self.app(number)
        assert app is not None
        return app

    def row(self, number: int = 12) -> Preview:
        return cast(Preview, self.rig.all(Preview, number=number)[0])

    def app(self, number: int = 12) -> App | None:
        app_id = self.row(number).app_id
        found = self.rig.all(App, id=app_id) if app_id is not None else []
        return found[0] if found and found[0].deleted_at is None else None

    def hosts(self, app: App) -> list[str]:
        return [row.host for row in self.rig.all(Domain, app_id=app.id)]

    def deployed(self, app: App) -> list[tuple[str, str, str]]:
        rows = self.rig.all(Deployment, app_id=app.id)
        return [(row.kind, row.ref, row.commit_sha) for row in rows]

    def set_variable(self, app: App, name: str, value: str, *, scope: str = "run", secret: bool = False) -> None:
        sealed = self.rig.vault.seal(value, app.tenant_id, app.id, "production", name)
        with self.rig.db.write(tenant_id=self.rig.tenant_id) as session:
            session.add(
                Variable(
                    tenant_id=app.tenant_id, app_id=app.id, scope=scope, name=name, sealed=sealed, is_secret=secret
                )
            )

    def variables(self, app: App) -> dict[tuple[str, str], tuple[str, bool]]:
        """Scope and name → value, and whether it is marked as secret."""
        return {
            (row.scope, row.name): (
                self.rig.vault.open(row.sealed, row.tenant_id, row.app_id, row.environment, row.name),
                row.is_secret,
            )
            for row in self.rig.all(Variable, app_id=app.id)
        }


@pytest.fixture
def previews(rig: Rig) -> Previews:
    return Previews(rig, rig.add_app("shop", previews=True))
