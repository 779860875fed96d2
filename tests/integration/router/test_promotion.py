"""The image that serves one app, deployed as another."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from slipway.models import AuditRecord
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live

COMMIT = "c" * 40
PATH = "/api/apps/staging/promote"


@pytest.fixture(autouse=True)
def apps(api: Api, owner: Caller) -> None:
    """Staging serves, production does not."""
    owner.create_app("staging")
    owner.create_app("production", image="registry.example/shop:1")
    make_live(api.services.db, "staging", commit=COMMIT, file={})


def test_what_serves_one_app_becomes_a_deployment_of_the_other(api: Api, developer: Caller) -> None:
    made = developer.post(PATH, {"to": "production"})
    assert (made["app"], made["kind"], made["state"]) == ("production", "promotion", "queued")
    assert (made["commit"], made["source"], made["message"]) == (COMMIT, "git", "from staging v1")
    assert api.services.redis.exists(f"rq:job:deployment-{made['id']}-0"), "it was handed to a worker"
    assert developer.get("/api/apps/staging/deployments")["deployments"][0]["kind"] == "push"
    assert developer.get("/api/apps/production")["image"] == "registry.example/shop:1"
    with api.services.db.read(platform="a test looks") as session:
        [row] = session.scalars(select(AuditRecord).filter_by(action="deployment.promote"))
        assert (row.subject, row.detail) == (
            "production",
            {"deployment": made["id"], "source": "staging", "release": 1},
        )


def test_the_same_key_is_the_same_deployment_and_of_one_source(api: Api, owner: Caller) -> None:
    owner.create_app("canary")
    make_live(api.services.db, "canary", file={})
    first = owner.post(PATH, {"to": "production"}, Idempotency_Key="once")
    assert owner.post(PATH, {"to": "production"}, Idempotency_Key="once")["id"] == first["id"]
    problem = owner.problem(409, "POST", "/api/apps/canary/promote", {"to": "production"}, Idempotency_Key="once")
    assert "of staging" in problem["detail"]
    owner.problem(422, "POST", PATH, {"to": "production"}, Idempotency_Key="a b")


def test_what_can_not_be_promoted_is_refused_with_the_reason(owner: Caller) -> None:
    assert "is not live" in owner.problem(409, "POST", "/api/apps/production/promote", {"to": "staging"})["detail"]
    assert "to itself" in owner.problem(422, "POST", PATH, {"to": "staging"})["detail"]
    assert "no app 'nope'" in owner.problem(404, "POST", PATH, {"to": "nope"})["detail"]
    owner.problem(404, "POST", "/api/apps/nope/promote", {"to": "production"})
    owner.problem(422, "POST", PATH, {})


def test_a_viewer_may_not_and_neither_app_of_another_tenant_is_found(
    api: Api, viewer: Caller, stranger: Caller
) -> None:
    viewer.problem(403, "POST", PATH, {"to": "production"})
    stranger.create_app("theirs", repository="https://github.example/globex/theirs.git")
    make_live(api.services.db, "theirs", file={})
    stranger.problem(404, "POST", "/api/apps/theirs/promote", {"to": "production"})
    stranger.problem(404, "POST", PATH, {"to": "theirs"})
