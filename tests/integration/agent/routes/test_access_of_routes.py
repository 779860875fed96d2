"""The route table says who may use an app, as its settings stand and by whether people can sign in."""

from __future__ import annotations

from typing import Any

import pytest

from slipway import settings as platform
from slipway.domain.route_table import touch_routes
from slipway.models import App, RouteTable
from tests.integration.agent.rig import WHY, Rig

TENANT = {"policies": [["tenant"]], "default": 0, "paths": []}
OWNER = {"allow": "role:owner"}


def publish(rig: Rig, *apps: App) -> None:
    with rig.db.write(platform=WHY) as session:
        touch_routes(session, [f"{app.name}.localhost" for app in apps])
    rig.agent.routes.sync()


def access(rig: Rig, app: App) -> Any:
    entry = rig.entry(app)
    assert entry is not None
    return entry.get("access", "public")


def switch_sign_on(rig: Rig, keycloak: str) -> None:
    """As when .env was changed and the agent started again."""
    rig._environ["SLIPWAY_KEYCLOAK"] = keycloak
    rig.settings = platform.load(rig._environ)
    rig.restart()
    rig.agent.routes.sync()


def epoch(rig: Rig) -> str:
    return str(rig.all(RouteTable)[0].epoch)


def test_without_sign_on_an_entry_says_nothing_of_access(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    publish(rig, app)
    assert "access" not in (rig.entry(app) or {})


def test_an_entry_has_the_apps_policies(rig: Rig) -> None:
    app = rig.add_app(access={**OWNER, "paths": [{"path": "/public/", "allow": "public"}]})
    rig.live(app)
    publish(rig, app)
    assert access(rig, app) == {
        "policies": [["role:owner"], ["public"]],
        "default": 0,
        "paths": [{"path": "/public/", "policy": 1}],
    }


def test_what_the_commits_file_says_goes_before_the_apps(rig: Rig) -> None:
    app = rig.add_app(access={"allow": "public"})
    rig.live(app, file_settings={"access": {"allow": "tenant"}})
    publish(rig, app)
    assert access(rig, app) == TENANT


def test_switching_sign_on_publishes_every_entry_anew(rig: Rig) -> None:
    plain, public, owners = (
        rig.add_app("plain"),
        rig.add_app("open", access={"allow": "public"}),
        rig.add_app("owners", access=OWNER),
    )
    for app in (plain, public, owners):
        rig.live(app)
    publish(rig, plain)
    assert [access(rig, app) for app in (plain, public)] == ["public", "public"]
    before = epoch(rig)
    switch_sign_on(rig, "local")
    assert epoch(rig) != before
    assert [access(rig, app) for app in (plain, public)] == [TENANT, "public"]
    assert access(rig, owners)["policies"] == [["role:owner"]]
    between = epoch(rig)
    switch_sign_on(rig, "off")
    assert epoch(rig) not in (before, between)
    assert access(rig, plain) == "public"
    assert access(rig, owners)["policies"] == [["role:owner"]]


def test_a_restart_without_a_switch_publishes_nothing(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    switch_sign_on(rig, "local")
    before = epoch(rig)
    rig.publisher.published.clear()
    switch_sign_on(rig, "http://127.0.0.1:8180")
    assert (epoch(rig), rig.publisher.published) == (before, [])


def test_a_switch_that_could_not_be_published_is_published_later(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig._environ["SLIPWAY_KEYCLOAK"] = "local"
    rig.settings = platform.load(rig._environ)
    rig.restart()
    rig.publisher.away = True
    rig.agent.routes.sync_now()
    rig.publisher.away = False
    rig.agent.routes.sync()
    assert access(rig, app) == TENANT


def test_a_change_after_the_switch_is_written_with_sign_on(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    switch_sign_on(rig, "local")
    publish(rig, app)
    assert access(rig, app) == TENANT


@pytest.mark.parametrize("broken", [{"balancing": "of another version"}, {"limits": [{"name": "x", "per_moon": 1}]}])
def test_policies_stay_in_force_where_other_settings_can_not_be_understood(rig: Rig, broken: dict[str, Any]) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, settings={"access": {"allow": "tenant"}, **broken})
    publish(rig, app)
    assert access(rig, app) == TENANT


def test_policies_that_can_not_be_understood_let_nobody_in_and_keep_no_other_route_back(rig: Rig) -> None:
    app, other = rig.add_app(limits=[{"name": "calls", "at_once": 5}]), rig.add_app("other")
    rig.live(app)
    rig.live(other)
    rig.change(app, settings={"access": {"allow": "of another version"}, "limits": [{"name": "calls", "at_once": 5}]})
    publish(rig, app, other)
    assert access(rig, app) == "unreadable"
    assert access(rig, other) == "public"
    assert [each["name"] for each in (rig.entry(app) or {})["limits"]] == ["calls"]
