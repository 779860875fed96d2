"""Volumes over the API: what there is, who may remove one, and when."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from slipway.models import App, AuditRecord, Deployment, Replica, Volume, now
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live
from tests.fixtures.services.agent_server import running_agent

SETTINGS = {"volumes": [{"path": "/data"}]}
ALONE = {"volumes": [{"path": "/data", "shared": False}]}


@pytest.fixture(autouse=True)
def hello(owner: Caller) -> None:
    owner.create_app()


def add(api: Api, name: str = "data", end: str = "1", *, app: str = "hello", tenant: str = "acme") -> str:
    tenant_id = api.tenant_id(tenant)
    with api.services.db.write(platform="a test's volume") as session:
        found = session.scalars(select(App).filter_by(name=app, tenant_id=tenant_id)).one()
        row = Volume(
            id=f"{app}-production-{name}-{end}",
            tenant_id=found.tenant_id,
            app_id=found.id,
            app_name=app,
            name=name,
            mount_path=f"/{name}",
        )
        session.add(row)
        return row.id


def change(api: Api, model: type[Any], **values: Any) -> None:
    with api.services.db.write(platform="a test") as session:
        for row in session.scalars(select(model)):
            for name, value in values.items():
                setattr(row, name, value)


def test_volumes_are_listed_with_who_uses_them(api: Api, viewer: Caller) -> None:
    make_live(api.services.db, "hello", ready=2, settings=SETTINGS)
    used, unused = add(api), add(api, "old")
    listed = viewer.get("/api/volumes")["volumes"]
    assert [(each["id"], each["state"], len(each["used_by"])) for each in listed] == [
        (used, "in use", 2),
        (unused, "unused", 0),
    ]
    assert (listed[0]["app"], listed[0]["environment"], listed[0]["path"]) == ("hello", "production", "/data")
    assert listed[0]["size_bytes"] is None, "no agent answers here"
    assert viewer.get("/api/volumes?app=hello")["volumes"] == listed
    viewer.problem(404, "GET", "/api/volumes?app=none")


def test_sizes_come_from_the_agent(api: Api, viewer: Caller) -> None:
    volume = add(api)
    with running_agent(api.services.settings.agent_socket) as agent:
        agent.sizes[volume] = 4096
        (listed,) = viewer.get("/api/volumes")["volumes"]
    assert listed["size_bytes"] == 4096


def test_a_volume_in_use_is_not_removed_and_what_to_do_is_said(api: Api, owner: Caller) -> None:
    make_live(api.services.db, "hello", ready=1, settings=SETTINGS)
    volume = add(api)
    problem = owner.problem(409, "DELETE", f"/api/volumes/{volume}", X_Slipway_Confirm=volume)
    assert "in use by 1 replica of hello" in problem["detail"]
    assert "slipway scale 0 -a hello" in problem["remedy"]
    change(api, Replica, state="gone")
    change(api, Deployment, state="starting")
    assert "under way" in owner.problem(409, "DELETE", f"/api/volumes/{volume}", X_Slipway_Confirm=volume)["detail"]
    change(api, Deployment, state="live")

    assert "X-Slipway-Confirm" in owner.problem(428, "DELETE", f"/api/volumes/{volume}")["remedy"]
    assert owner.remove_volume(volume)["state"] == "being removed"
    assert owner.remove_volume(volume)["state"] == "being removed"
    with api.services.db.read(platform="a test looks") as session:
        (row,) = session.scalars(select(Volume))
        assert (row.app_id, row.removal_requested_at is not None) == (None, True)
        (record,) = session.scalars(select(AuditRecord).filter_by(action="volume.remove"))
        assert (record.subject, record.detail["app"], record.detail["path"]) == (volume, "hello", "/data")


def test_who_is_no_owner_or_of_another_tenant_removes_nothing(
    api: Api, developer: Caller, viewer: Caller, stranger: Caller
) -> None:
    volume = add(api)
    for caller in (developer, viewer):
        caller.problem(403, "DELETE", f"/api/volumes/{volume}")
    stranger.problem(404, "DELETE", f"/api/volumes/{volume}")
    assert stranger.get("/api/volumes") == {"volumes": []}
    assert [each["state"] for each in viewer.get("/api/volumes")["volumes"]] == ["unused"]


def test_deleting_an_app_keeps_its_volumes_unless_they_are_asked_for(api: Api, owner: Caller) -> None:
    owner.create_app("other")
    kept, goes = add(api), add(api, app="other")
    assert owner.delete_app()["kept_volumes"] == [kept]
    assert owner.delete_app("other", "?volumes=true")["removed_volumes"] == [goes]
    states = {each["id"]: each["state"] for each in owner.get("/api/volumes")["volumes"]}
    assert states == {kept: "app deleted", goes: "being removed"}
    assert owner.remove_volume(kept)["state"] == "being removed"
    with api.services.db.read(platform="a test looks") as session:
        recorded = session.scalars(select(AuditRecord.detail).filter_by(action="app.delete").order_by(AuditRecord.id))
        assert [detail["volumes"] for detail in recorded] == [[], [goes]]


def test_a_process_whose_volume_is_not_shared_has_one_replica(api: Api, owner: Caller) -> None:
    make_live(api.services.db, "hello", settings=ALONE)
    problem = owner.problem(409, "PUT", "/api/apps/hello/scale", {"replicas": 2})
    assert "its volume data (/data) is not shared" in problem["detail"]
    assert "shared = true" in problem["remedy"]
    for replicas in (0, 1):
        owner.put("/api/apps/hello/scale", {"replicas": replicas})


def test_a_deployment_tells_its_notices(api: Api, owner: Caller) -> None:
    number = make_live(api.services.db, "hello", notices=["Volume data (/data) is shared: …"])
    assert owner.get(f"/api/deployments/{number}")["notices"] == ["Volume data (/data) is shared: …"]
    change(api, Deployment, notices=None)
    assert owner.get(f"/api/deployments/{number}")["notices"] == []


def test_two_volumes_of_deleted_apps_may_have_one_name(api: Api, owner: Caller) -> None:
    first, second = add(api), add(api, "more")
    change(api, Volume, app_id=None, name="data", removal_requested_at=now())
    assert {each["id"] for each in owner.get("/api/volumes")["volumes"]} == {first, second}
