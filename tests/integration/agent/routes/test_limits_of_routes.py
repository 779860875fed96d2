"""The route table has the limits of an app and of its tenant, as they stand."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.app_settings.limits import Limit
from slipway.domain.audit import HOST
from slipway.domain.quota.plans import Plans
from slipway.domain.route_table import touch_routes
from slipway.models import App, Plan, Tenant
from tests.integration.agent.rig import WHY, Rig

CALLS = {"name": "calls", "requests": 5, "per_s": 60}
PARALLEL = {"name": "parallel", "at_once": 3}


def published(rig: Rig, app: App) -> Any:
    with rig.db.write(platform=WHY) as session:
        touch_routes(session, [f"{app.name}.localhost"])
    rig.agent.routes.sync()
    entry = rig.entry(app)
    assert entry is not None
    return entry.get("limits", [])


def names(rig: Rig, app: App) -> list[str]:
    return [each["name"] for each in published(rig, app)]


def test_an_app_without_limits_has_none_in_its_entry(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    assert "limits" not in (rig.entry(app) or {})


def test_an_entry_has_the_limits_of_the_app_and_of_its_tenant(rig: Rig) -> None:
    app = rig.add_app(limits=[CALLS])
    rig.live(app)
    assert published(rig, app) == [{**CALLS, "id": f"app-{app.id}/calls"}]
    rig.change(rig.all(Tenant, id=rig.tenant_id)[0], limits=[PARALLEL])
    assert published(rig, app) == [
        {**CALLS, "id": f"app-{app.id}/calls"},
        {**PARALLEL, "id": f"tenant-{rig.tenant_id}/parallel", "name": "tenant/parallel"},
    ]
    rig.change(rig.all(Tenant, id=rig.tenant_id)[0], limits=[])
    assert names(rig, app) == ["calls"]


def test_an_entry_has_the_limits_of_the_tenants_plan(rig: Rig) -> None:
    app = rig.add_app(limits=[CALLS])
    rig.live(app)
    woken: list[int] = []
    plans = Plans(rig.db, HOST, woken.append)
    plans.set_limit("default", Limit(**CALLS))
    rig.agent.routes.sync()
    assert (rig.entry(app) or {})["limits"] == [
        {**CALLS, "id": f"app-{app.id}/calls"},
        {**CALLS, "id": f"plan-{rig.tenant_id}/calls", "name": "plan/calls"},
    ]
    plans.create("team", {})
    plans.set_limit("team", Limit(**PARALLEL))
    plans.assign("team", "acme")
    rig.agent.routes.sync()
    assert [each["name"] for each in (rig.entry(app) or {})["limits"]] == ["calls", "plan/parallel"]
    assert woken == [app.id, app.id], "for the limit of default, and when the plan was given"


def test_limits_of_a_plan_that_can_not_be_understood_let_nobody_in(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    with rig.db.write(platform=WHY) as session:
        session.add(Plan(name="default", limits=[OF_ANOTHER_VERSION]))
    assert published(rig, app) == "unreadable"


def test_what_the_commits_file_says_goes_before_the_apps(rig: Rig) -> None:
    app = rig.add_app(limits=[CALLS])
    rig.live(app, file_settings={"limits": [PARALLEL]})
    assert names(rig, app) == ["parallel"]


@pytest.mark.parametrize("broken", [{"balancing": "of another version"}, {"max_concurrency": 0}])
def test_an_apps_limits_stay_in_force_where_its_other_settings_can_not_be_understood(
    rig: Rig, broken: dict[str, Any]
) -> None:
    app = rig.add_app(limits=[CALLS])
    rig.live(app)
    rig.change(app, settings={"limits": [CALLS], **broken})
    assert names(rig, app) == ["calls"]


OF_ANOTHER_VERSION = {"name": "calls", "requests": 5, "per_moon": 1}


def test_limits_that_can_not_be_understood_let_nobody_in_and_keep_no_other_route_back(rig: Rig) -> None:
    """An edge answers 503 for an entry whose limits are no list."""
    app, other = rig.add_app(), rig.add_app("other")
    rig.live(app)
    rig.change(app, settings={"limits": [OF_ANOTHER_VERSION]})
    assert published(rig, app) == "unreadable"
    assert published(rig, other) == []
    rig.change(app, settings={})
    rig.change(rig.all(Tenant, id=rig.tenant_id)[0], limits=[OF_ANOTHER_VERSION])
    assert published(rig, app) == published(rig, other) == "unreadable"
