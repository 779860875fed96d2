"""A page's one stream: what has changed, soon, and nothing left out after a cut."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from router.app import create_app
from router.principal import Kind, Principal
from router.streams.events import Changed
from router.usecases.streams import changes
from router.usecases.streams.changes import Changes, position
from slipway.core.access.roles import Role
from slipway.models import App, Deployment, Replica, now
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.console import Browser
from tests.fixtures.releases import make_live

OWNS_ALL = {"apps", "app/shop"}


def principal(api: Api, tenant: str = "acme") -> Principal:
    number = api.tenant_id(tenant)
    return Principal(kind=Kind.TOKEN, id="1", name="t", tenant_id=number, tenant=tenant, role=Role.VIEWER)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is a new one."""
    monkeypatch.setattr(changes, "SHARED_S", -1.0)


@pytest.fixture
def watching(api: Api, shop: int, at_once: None) -> Changes:
    """From now on."""
    found = Changes(api.services, principal(api), None)
    found.new()
    return found


def topics(watching: Changes) -> set[str]:
    return {topic for event in watching.new() for topic in event.topics}


def change(api: Api, model: Any, **values: Any) -> None:
    with api.services.db.write(platform="a test's change") as session:
        row = session.query(model).order_by(model.id.desc()).first()
        for name, value in values.items():
            setattr(row, name, value)


def test_nothing_changed_is_nothing_said(watching: Changes) -> None:
    assert topics(watching) == set()
    assert topics(watching) == set()


def test_each_kind_of_row_reports_its_topics(api: Api, watching: Changes, owner: Caller, shop: int) -> None:
    change(api, Deployment, state="retired")
    assert topics(watching) == OWNS_ALL | {f"deployment/{shop}"}
    change(api, Replica, state="crashed")
    assert topics(watching) == OWNS_ALL | {"containers"}
    owner.put("/api/apps/shop/scale", {"replicas": 3})
    assert topics(watching) == OWNS_ALL
    owner.create_app("billing")
    assert {"apps", "app/billing"} <= topics(watching)
    owner.delete_app("billing")
    assert "apps" in topics(watching)
    assert topics(watching) == set()


def test_rows_that_core_statements_write_are_reported(api: Api, watching: Changes) -> None:
    from sqlalchemy import update

    with api.services.db.write(platform="a test's change") as session:
        session.execute(update(Replica).values(restarts=1))
    assert "app/shop" in topics(watching)


def test_another_tenants_changes_are_not_reported(api: Api, watching: Changes, stranger: Caller, shop: int) -> None:
    stranger.create_app("theirs")
    make_live(api.services.db, "theirs", ready=1)
    assert topics(watching) == set()
    theirs = Changes(api.services, principal(api, "globex"), now() - timedelta(seconds=1))
    assert not {each for each in topics(theirs) if "shop" in each}


def test_after_a_cut_what_changed_meanwhile_is_reported(api: Api, watching: Changes, shop: int) -> None:
    change(api, Deployment, state="retired")
    before = position(watching.new()[0].position)
    change(api, Replica, state="crashed")
    again = Changes(api.services, principal(api), before)
    assert "containers" in topics(again)
    assert topics(again) == set()


def test_a_row_that_was_committed_late_is_reported_too(api: Api, shop: int, at_once: None) -> None:
    """Its time is before the position, since it was written before the commit."""
    with api.services.db.write(platform="a test's change") as session:
        session.query(App).filter_by(name="shop").one().changed_at = now() - timedelta(seconds=5)
    assert "app/shop" in topics(Changes(api.services, principal(api), now()))


def test_a_row_that_was_committed_late_behind_a_newer_one_is_reported_too(
    api: Api, watching: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SELDOM", timedelta(0))
    change(api, Replica, changed_at=now() - timedelta(seconds=5))
    assert "app/shop" in topics(watching)


def test_after_a_long_absence_everything_may_have_changed(api: Api, shop: int, at_once: None) -> None:
    assert topics(Changes(api.services, principal(api), now() - timedelta(hours=1))) == {"*"}


@pytest.mark.parametrize("text", ["", "nonsense", "-", "1-", "2026-11-30T09:45:10", "9" * 400 + "-0", "\u0661-0"])
def test_what_is_no_position_counts_as_none(text: str) -> None:
    assert position(text) is None


def test_positions_of_logs_are_times_too() -> None:
    found = position("1796032000123-4")
    assert found is not None
    assert found.isoformat() == "2026-11-30T09:46:40.123000+00:00"
    assert position("2026-11-30T09:45:10.123456789Z") is not None


def rows_read(api: Api) -> list[str]:
    """The statements from now on that read a tenant's rows."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "changed_at >" in statement:
            found.append(statement)

    event.listen(api.services.db.engine, "before_cursor_execute", note)
    return found


def test_those_who_watch_one_tenant_share_a_look(api: Api, shop: int) -> None:
    read = rows_read(api)
    watchers = [Changes(api.services, principal(api), None) for _ in range(10)]
    for each in watchers:
        each.new()
    assert len(read) == 1


def test_rows_are_read_only_of_tenants_in_which_something_changed(
    api: Api, watching: Changes, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SELDOM", timedelta(hours=1))
    theirs = Changes(api.services, principal(api, "globex"), None)
    topics(theirs)
    read = rows_read(api)
    assert topics(watching) == topics(theirs) == set()
    assert read == []
    change(api, Replica, state="crashed")
    assert topics(theirs) == set()
    assert read == []
    assert "app/shop" in topics(watching)
    assert len(read) == 1


def test_pages_of_a_tenant_that_many_look_at_report_less_often(
    api: Api, browser: Browser, watching: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour for each stream: whoever waits for its turn still reports all that changed when it comes."""
    monkeypatch.setattr(changes, "PACE_S", 3600.0)
    change(api, Replica, state="crashed")
    with closing(browser.get("/live")):
        assert topics(watching) == set()
        change(api, App, branch="other")
        assert topics(watching) == set()
    monkeypatch.setattr(watching, "_due_s", 0.0)
    assert topics(watching) == OWNS_ALL | {"containers"}


def test_changes_come_beside_other_events_of_which_there_are_none(api: Api, shop: int, at_once: None) -> None:
    silence = threading.Event()

    def silent() -> Iterator[list[Any]]:
        while not silence.wait(0.05):
            yield []

    events = changes.beside(silent(), api.services, principal(api), "")  # type: ignore[arg-type]
    next(events)
    change(api, Replica, state="crashed")
    found = next(each for batch in events for each in batch)
    assert isinstance(found, Changed)
    events.close()
    silence.set()


def test_a_page_is_followed_from_when_it_was_made(api: Api, browser: Browser, owner: Caller, shop: int) -> None:
    page = browser.get("/").text
    since = page.partition('data-live-since="')[2].partition('"')[0]
    owner.put("/api/apps/shop/scale", {"replicas": 3})
    answer = browser.get(f"/live?since={since.replace('+', '%2B')}")
    assert answer.mimetype == "text/event-stream"
    text = next(each.decode() for each in answer.iter_encoded() if b"event: changed" in each)
    answer.close()
    fields = dict(line.partition(": ")[::2] for line in text.strip().splitlines())
    assert "app/shop" in json.loads(fields["data"])
    assert position(fields["id"]) is not None


def test_beyond_the_bound_the_page_learns_that_no_stream_is_to_be_had(api: Api, browser: Browser, shop: int) -> None:
    held = [browser.get("/live") for _ in range(2)]
    refused = browser.get("/live", status=429)
    assert refused.headers["Retry-After"]
    for each in held:
        each.close()


def test_the_same_is_reported_on_postgresql(
    state_dir: Path, postgresql_url: str, redis_url: str, at_once: None
) -> None:
    services = make_services(state_dir, postgresql_url, redis_url)
    api = Api(services, create_app(services).test_client(use_cookies=False))
    owner = api.caller("acme", Role.OWNER)
    owner.create_app("shop")
    number = make_live(services.db, "shop", ready=1)
    watching = Changes(services, principal(api), now() - timedelta(seconds=1))
    assert topics(watching) == OWNS_ALL | {"containers", f"deployment/{number}"}
    change(api, Replica, state="crashed")
    assert topics(watching) == OWNS_ALL | {"containers"}
    assert "/apps/shop" in Browser(api, owner.token).get("/").text
    services.db.dispose()
    services.redis.close()
