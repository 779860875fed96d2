"""Previews over the API: who sees them, who lets a fork's commit run, and who removes one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from slipway.models import App, AuditRecord, Preview, now
from tests.fixtures.api import Api, Caller
from tests.fixtures.rows import add_app

PREVIEWS = "/api/apps/hello/previews"
HEAD, OTHER = "5d1c0aa" + "0" * 33, "9" * 40


@pytest.fixture(autouse=True)
def hello(owner: Caller) -> None:
    owner.create_app(settings={"previews": {"limit": 3}})


def add_preview(api: Api, number: int = 12, *, app: bool = False, **values: Any) -> None:
    tenant_id = api.tenant_id()
    made = add_app(api.services.db, tenant_id, f"pr-{number}-hello", is_preview=True) if app else None
    usual = {"branch": "cart", "head": HEAD, "is_fork": True, "title": "Round to cents", "author": "eve"}
    with api.services.db.write(tenant_id=tenant_id) as session:
        parent = session.scalars(select(App).filter_by(name="hello")).one()
        row = Preview(tenant_id=tenant_id, parent_id=parent.id, app_id=made.id if made else None, number=number)
        row.ref, row.key, row.expires_at = f"refs/pull/{number}/head", f"{number:032x}", now().replace(year=2100)
        for name, value in (usual | values).items():
            setattr(row, name, value)
        session.add(row)


def row_of(api: Api, number: int = 12) -> Preview:
    with api.services.db.read(tenant_id=api.tenant_id()) as session:
        return session.scalars(select(Preview).filter_by(number=number)).one()


def recorded(api: Api, action: str) -> list[tuple[str, dict[str, Any]]]:
    with api.services.db.read(platform="a test looks") as session:
        return [(row.subject, row.detail) for row in session.scalars(select(AuditRecord).filter_by(action=action))]


def test_open_pull_requests_are_listed_the_newest_first(api: Api, viewer: Caller) -> None:
    add_preview(api, 12)
    add_preview(api, 13, is_fork=False, app=True, made_sha=HEAD)
    add_preview(api, 14, is_open=False)
    listed = viewer.get(PREVIEWS)
    assert (listed["enabled"], listed["limit"]) == (True, 3)
    newest, oldest = listed["previews"]
    assert (newest["number"], newest["state"], newest["app"], newest["fork"]) == (13, "deploying", "pr-13-hello", False)
    assert (oldest["number"], oldest["state"], oldest["app"], oldest["url"]) == (12, "awaiting approval", None, None)
    assert (oldest["title"], oldest["author"], oldest["head"]) == ("Round to cents", "eve", HEAD)


def test_a_forks_commit_is_approved_by_its_first_digits(api: Api, developer: Caller) -> None:
    add_preview(api)
    shown = developer.post(f"{PREVIEWS}/12/approve", {"commit": HEAD[:7]})
    assert (shown["state"], shown["approved_by"]) == ("deploying", "token:acme-developer")
    assert row_of(api).approved_sha == HEAD
    assert recorded(api, "preview.approve") == [("hello", {"pull_request": 12, "commit": HEAD})]


def test_approving_again_records_nothing(api: Api, developer: Caller) -> None:
    add_preview(api)
    for _ in range(2):
        developer.post(f"{PREVIEWS}/12/approve", {"commit": HEAD})
    assert len(recorded(api, "preview.approve")) == 1


@pytest.mark.parametrize("commit", [OTHER, HEAD[:6], "", HEAD + "0"])
def test_another_commit_than_the_newest_is_not_approved(api: Api, developer: Caller, commit: str) -> None:
    add_preview(api)
    problem = developer.problem(409, "POST", f"{PREVIEWS}/12/approve", {"commit": commit})
    assert "slipway previews approve -a hello 12 5d1c0aa" in problem["remedy"]
    assert row_of(api).approved_sha == ""


def test_a_preview_is_removed_with_its_app_and_not_made_again(api: Api, developer: Caller) -> None:
    add_preview(api, app=True, is_fork=False, made_sha=HEAD)
    shown = developer.delete(f"{PREVIEWS}/12", status=202)
    assert (shown["state"], shown["app"]) == ("removed", None)
    assert developer.get("/api/apps/hello")["name"] == "hello"
    developer.problem(404, "GET", "/api/apps/pr-12-hello")
    assert row_of(api).made_sha == HEAD
    assert recorded(api, "preview.remove") == [("hello", {"pull_request": 12})]


def test_a_fork_that_nobody_wants_is_removed_before_it_ran(api: Api, developer: Caller) -> None:
    add_preview(api)
    assert developer.delete(f"{PREVIEWS}/12", status=202)["state"] == "removed"


def test_deleting_the_app_deletes_its_previews(api: Api, owner: Caller) -> None:
    add_preview(api, app=True, made_sha=HEAD)
    owner.delete_app()
    owner.problem(404, "GET", "/api/apps/pr-12-hello")


def test_who_may_not_and_what_is_not_there(api: Api, viewer: Caller, developer: Caller, stranger: Caller) -> None:
    add_preview(api)
    add_preview(api, 14, is_open=False)
    viewer.problem(403, "POST", f"{PREVIEWS}/12/approve", {"commit": HEAD})
    viewer.problem(403, "DELETE", f"{PREVIEWS}/12")
    stranger.problem(404, "GET", PREVIEWS)
    stranger.problem(404, "POST", f"{PREVIEWS}/12/approve", {"commit": HEAD})
    for number in (13, 14):
        assert "slipway previews -a hello" in developer.problem(404, "DELETE", f"{PREVIEWS}/{number}")["remedy"]


def test_a_change_of_the_setting_deploys_nothing(api: Api, owner: Caller) -> None:
    changed = owner.patch("/api/apps/hello", {"settings": {"previews": False}})
    assert (changed["deployment"], changed["with_next_build"]) == (None, [])
    assert not owner.get(PREVIEWS)["enabled"]
