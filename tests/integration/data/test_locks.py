"""A change of an app and a write of a row that refers to it never wait for each other without end. Only PostgreSQL
locks rows: on SQLite there is one writer at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from builder.lease import Lease, claim
from slipway.core.deployment.states import State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.models import App, Build, Deployment, Release, Tenant

WHY = "a test"
SOON_S = 10.0


@pytest.fixture
def db(postgresql_url: str) -> Iterator[Database]:
    made = Database(postgresql_url)
    yield made
    made.dispose()


@pytest.fixture
def app(db: Database) -> App:
    """It was live twice, so that it can be rolled back."""
    with db.write(platform=WHY) as session:
        tenant = Tenant(name="acme")
        session.add(tenant)
        session.flush()
        app = App(tenant_id=tenant.id, name="shop", repository="https://github.example/acme/shop")
        session.add(app)
        session.flush()
        for number in (1, 2):
            row = _push(session, app, str(number) * 40)
            release = Release(tenant_id=tenant.id, app_id=app.id, number=number, image="i", digest="d")
            session.add(release)
            session.flush()
            row.release_id = release.id
            for state in (State.FETCHING, State.BUILDING, State.STARTING, State.LIVE):
                lifecycle.advance(row, state)
            if number == 1:
                lifecycle.advance(row, State.RETIRED)
            session.flush()
        return app


@pytest.fixture
def lease(db: Database, app: App) -> Lease:
    """A worker builds the third push."""
    with db.write(platform=WHY) as session:
        row = _push(session, session.get_one(App, app.id), "3" * 40)
    lease = claim(db, row.id, row.attempt)
    assert lease is not None
    with lease.write() as (_, claimed):
        lifecycle.advance(claimed, State.BUILDING)
    return lease


def _push(session: intents.Session, app: App, commit: str) -> Deployment:
    pushed = intents.Pushed("refs/heads/main", commit)
    return intents.push(session, app, pushed, idempotency_key=commit, actor=WHY)


def test_a_rollback_and_the_end_of_a_build_at_the_same_moment_both_succeed(
    db: Database, app: App, lease: Lease
) -> None:
    has_row, has_app = threading.Event(), threading.Event()

    def build_ends() -> None:
        with lease.write() as (session, row):
            has_row.set()
            assert has_app.wait(SOON_S)
            session.add(Build(tenant_id=row.tenant_id, app_id=row.app_id, deployment_id=row.id, image="i", digest="d"))
            lifecycle.advance(row, State.STARTING)

    def roll_back() -> None:
        assert has_row.wait(SOON_S)
        with db.write(tenant_id=app.tenant_id) as session:
            found = session.get_one(App, app.id)
            intents.scale(session, found, replicas=2)  # takes the app's lock
            has_app.set()
            intents.rollback(session, found, actor="ada")

    _both(build_ends, roll_back)
    with db.read(platform=WHY) as session:
        third = session.get_one(Deployment, lease.work.deployment_id)
    assert (third.state, third.stop_requested) == ("starting", "cancelled")


def _both(*works: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()
