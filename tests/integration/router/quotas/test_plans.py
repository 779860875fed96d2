"""Plans through the API: who may see and change them, what is in force, and what is recorded."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from slipway.core.access.roles import Role
from slipway.models import AuditRecord, RouteChange
from tests.fixtures.api import Api, Caller

CALLS = {"requests": 100, "per_s": 60}
FOR_ADMINISTRATORS = [
    ("GET", "/api/plans", None),
    ("POST", "/api/plans", {"name": "mine"}),
    ("PATCH", "/api/plans/default", {"quotas": {"apps": 1}}),
    ("DELETE", "/api/plans/team", None),
    ("PUT", "/api/plans/default/limits/calls", CALLS),
    ("DELETE", "/api/plans/default/limits/calls", None),
    ("GET", "/api/tenants/acme/quota", None),
    ("GET", "/api/tenants/globex/quota", None),
    ("PATCH", "/api/tenants/acme/quota", {"quotas": {"apps": "unlimited"}}),
    ("PUT", "/api/tenants/acme/plan", {"plan": "default"}),
]


def limits_of(caller: Caller) -> dict[str, Any]:
    return {each["name"]: each["limit"] for each in caller.get("/api/quota")["quotas"]}


@pytest.mark.parametrize(("method", "path", "body"), FOR_ADMINISTRATORS)
def test_tenants_neither_see_nor_change_plans(api: Api, owner: Caller, method: str, path: str, body: Any) -> None:
    api.caller("globex")
    problem = owner.problem(403, method, path, body)
    assert (problem["code"], "globex" in str(problem)) == ("not-allowed", False)
    assert limits_of(owner) == dict.fromkeys(limits_of(owner))


def test_every_route_of_plans_and_of_other_tenants_is_tried(api: Api) -> None:
    rules = [
        (method, rule.rule)
        for rule in api.client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(("/api/plans", "/api/tenants"))
    ]
    assert len(rules) == len({(method, path.replace("globex", "acme")) for method, path, _ in FOR_ADMINISTRATORS})


def test_a_plan_is_made_given_and_taken_back(api: Api, owner: Caller, admin: Caller) -> None:
    made = admin.post("/api/plans", {"name": "team", "quotas": {"apps": 5, "cpus": 2.5}}, status=201)
    assert made == {"name": "team", "quotas": {"apps": 5, "cpus": 2.5}, "limits": None, "tenants": []}
    assert admin.put("/api/tenants/acme/plan", {"plan": "team"})["plan"] == "team"
    shown = owner.get("/api/quota")
    assert (shown["tenant"], shown["plan"]) == ("acme", "team")
    assert shown["quotas"][0] == {"name": "apps", "used": 0, "limit": 5, "own": False}
    admin.patch("/api/plans/team", {"quotas": {"apps": 6, "cpus": None}})
    assert (limits_of(owner)["apps"], limits_of(owner)["cpus"]) == (6, None)
    assert admin.patch("/api/tenants/acme/quota", {"quotas": {"apps": 7}})["quotas"][0] == {
        "name": "apps", "used": 0, "limit": 7, "own": True
    }  # fmt: skip
    listed = {each["name"]: each["tenants"] for each in admin.get("/api/plans")["plans"]}
    assert listed == {"default": ["staff"], "team": ["acme"]}
    assert "acme has the plan team" in admin.problem(409, "DELETE", "/api/plans/team")["detail"]
    admin.put("/api/tenants/acme/plan", {"plan": "default"})
    admin.delete("/api/plans/team")
    assert limits_of(owner)["apps"] == 7


@pytest.mark.parametrize(
    ("quotas", "why"),
    [
        ({"aps": 1}, "there is no quota 'aps'"),
        ({"apps": -1}, "-1 is no quota"),
        ({"apps": 1.5}, "not whole"),
        ({"apps": "many"}, "'many' is no quota"),
        ({"apps": "3"}, "'3' is no quota"),
        ({"apps": 10**10}, "is no quota"),
        ({"cpus": 0.0001}, "too fine"),
        ({"apps": True}, ""),
    ],
)
def test_what_is_no_quota_changes_nothing(admin: Caller, quotas: dict[str, Any], why: str) -> None:
    for method, path in (("PATCH", "/api/plans/default"), ("PATCH", "/api/tenants/staff/quota")):
        assert why in admin.problem(422, method, path, {"quotas": quotas})["detail"]
    assert why in admin.problem(422, "POST", "/api/plans", {"name": "team", "quotas": quotas})["detail"]
    assert [each["name"] for each in admin.get("/api/plans")["plans"]] == ["default"]
    assert limits_of(admin)["apps"] is None


def test_what_is_not_there_is_not_found_and_what_is_there_not_made_again(admin: Caller) -> None:
    for method, path, body in (
        ("PATCH", "/api/plans/none", {"quotas": {}}),
        ("DELETE", "/api/plans/none", None),
        ("PUT", "/api/tenants/none/plan", {"plan": "default"}),
        ("PUT", "/api/tenants/staff/plan", {"plan": "none"}),
        ("GET", "/api/tenants/none/quota", None),
        ("DELETE", "/api/plans/default/limits/none", None),
    ):
        admin.problem(404, method, path, body)
    admin.problem(409, "POST", "/api/plans", {"name": "default"})
    admin.problem(409, "DELETE", "/api/plans/default")
    admin.problem(422, "POST", "/api/plans", {"name": "No Slug"})


def test_a_plans_limits_are_over_all_apps_of_each_of_its_tenants(api: Api, owner: Caller, admin: Caller) -> None:
    owner.create_app()
    admin.put("/api/plans/default/limits/calls", CALLS)
    assert [(each["scope"], each["name"]) for each in owner.get("/api/apps/hello/limits")["limits"]] == [
        ("plan", "calls")
    ]
    owner.problem(404, "DELETE", "/api/limits/calls")
    before = _hosts(api)
    admin.post("/api/plans", {"name": "team"}, status=201)
    assert _hosts(api) == before
    admin.put("/api/tenants/acme/plan", {"plan": "team"})
    assert len(_hosts(api)) == len(before) + 1, "the entries of its hosts are published anew"
    assert [each["name"] for each in owner.get("/api/limits")["limits"]] == ["calls"], "team says nothing of its own"
    admin.put("/api/plans/team/limits/more", {"at_once": 7})
    assert [each["name"] for each in owner.get("/api/limits")["limits"]] == ["more"]
    admin.delete("/api/plans/team/limits/more")
    assert owner.get("/api/limits")["limits"] == [], "it said so: none"


def _hosts(api: Api) -> list[str]:
    with api.services.db.read(platform="a test looks") as session:
        return list(session.scalars(select(RouteChange.host)))


def test_changes_are_recorded_where_their_tenant_sees_them(api: Api, owner: Caller, admin: Caller) -> None:
    admin.post("/api/plans", {"name": "team", "quotas": {"apps": 5}}, status=201)
    admin.put("/api/tenants/acme/plan", {"plan": "team"})
    admin.patch("/api/tenants/acme/quota", {"quotas": {"apps": 7}})
    with api.services.db.read(platform="a test looks") as session:
        rows = session.scalars(select(AuditRecord).where(AuditRecord.actor == "person:root").order_by(AuditRecord.id))
        found = [(row.action, row.subject, row.detail, row.tenant_id) for row in rows]
    acme = api.tenant_id()
    assert found == [
        ("plan.change", "team", {"quotas": {"apps": 5}}, None),
        ("plan.assign", "acme", {"plan": "team"}, acme),
        ("quota.change", "acme", {"quotas": {"apps": 7}}, acme),
    ]


def test_a_viewer_sees_the_quota_of_its_tenant_alone(api: Api, admin: Caller, viewer: Caller) -> None:
    admin.patch("/api/tenants/acme/quota", {"quotas": {"apps": 7}})
    assert limits_of(viewer)["apps"] == 7
    assert limits_of(api.caller("globex", Role.VIEWER))["apps"] is None


def test_an_app_beside_a_deployment_under_way_is_asked_with_the_key_that_was_used(owner: Caller, quota: Any) -> None:
    owner.create_app()
    first = owner.post("/api/apps/hello/deployments", {}, Idempotency_Key="once")
    quota(build_minutes=0)
    assert owner.post("/api/apps/hello/deployments", {}, Idempotency_Key="once")["id"] == first["id"]
    problem = owner.problem(403, "POST", "/api/apps/hello/deployments", {})
    assert (problem["quota"], problem["left"]) == ("build_minutes", 0)
    assert "turns_at" in problem
