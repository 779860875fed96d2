"""A promotion in a worker: the image of another app gets a tag of its own."""

from __future__ import annotations

import pytest

from slipway.core.build.image_names import deployment_in, is_built, is_pulled
from slipway.core.deployment.states import Kind, State
from slipway.domain import intents, lifecycle
from slipway.domain.audit import HOST
from slipway.domain.quota.plans import Plans
from slipway.models import App, Build, Deployment
from tests.fixtures.releases import make_live
from tests.fixtures.rows import add_app
from tests.unit.builder.conftest import Rig

DIGEST = "sha256:1"
COMMIT = "c" * 40


@pytest.fixture
def staging(rig: Rig) -> App:
    """Another app of the tenant, which serves."""
    app = add_app(rig.db, rig.tenant_id, "staging")
    make_live(rig.db, "staging", commit=COMMIT, file={"port": 9000})
    rig.images.local = frozenset({DIGEST})
    return app


def promote(rig: Rig, source: App, key: str = "") -> Deployment:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app, source = session.get_one(App, rig.app_id), session.get_one(App, source.id)
        return intents.promote(session, app, source=source, actor="test", idempotency_key=key)


def builds_of(rig: Rig) -> list[Build]:
    return [build for build in rig.builds() if build.app_id == rig.app_id]


def test_the_image_is_tagged_for_the_app_and_nothing_is_built_or_pulled(rig: Rig, staging: App) -> None:
    deployment = promote(rig, staging)
    assert rig.work(deployment) == "starting"
    [build] = builds_of(rig)
    assert (build.digest, build.file_settings, build.builder) == (DIGEST, {"port": 9000}, "dockerfile")
    assert rig.images.tagged == [(DIGEST, build.image)]
    assert is_built(build.image)
    assert deployment_in(build.image) == deployment.id, "by this it is found when its row never comes"
    assert (rig.images.built, rig.pulls.pulled) == ([], [])
    row = rig.row(deployment)
    assert (row.commit_sha, row.message, row.kind) == (COMMIT, "from staging v1", str(Kind.PROMOTION))
    assert [(step["name"], step["note"]) for step in row.steps] == [
        ("fetch", "the image of staging v1"),
        ("start", ""),
    ]
    assert f"taking {DIGEST} of staging v1, {COMMIT[:12]}" in rig.log.lines


def test_an_image_of_a_registry_stays_one(rig: Rig, staging: App) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        session.query(Build).one().builder = "image"
    rig.work(promote(rig, staging))
    assert is_pulled(rig.images.tagged[0][1])


def test_what_goes_live_there_meanwhile_is_not_promoted(rig: Rig, staging: App) -> None:
    deployment = promote(rig, staging)
    make_live(rig.db, "staging", commit="d" * 40, file={})
    rig.images.local = frozenset({DIGEST, "sha256:2"})
    rig.work(deployment)
    assert [digest for digest, _ in rig.images.tagged] == [DIGEST]


def test_an_image_that_is_gone_fails_the_deployment_with_what_to_do(rig: Rig, staging: App) -> None:
    rig.images.local = frozenset()
    deployment = promote(rig, staging)
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert row.reason == "image-missing"
    assert row.remedy == "promote what serves there now: slipway promote -a staging --to hello"


def test_after_a_killed_worker_the_next_one_tags_anew(rig: Rig, staging: App, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = promote(rig, staging)
    with monkeypatch.context() as killed:
        killed.setattr("builder.attempt.Attempt.record_image", _killed)
        with pytest.raises(SystemExit):
            rig.work(deployment)
    assert (rig.row(deployment).state, builds_of(rig)) == ("fetching", [])
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.get_one(Deployment, deployment.id)
        lifecycle.advance(row, State.QUEUED)
        row.attempt += 1
    assert rig.work(deployment, attempt=1) == "starting"
    assert len({tag for _, tag in rig.images.tagged}) == 2
    assert [build.image for build in builds_of(rig)] == [rig.images.tagged[1][1]]


def _killed(*_: object) -> None:
    raise SystemExit


def test_more_than_the_tenant_may_use_is_refused_before_the_image_is_taken(rig: Rig, staging: App) -> None:
    make_live(rig.db, "staging", file={"resources": {"memory_mb": 4096}})
    Plans(rig.db, HOST, lambda _app_id: None).change_quota("acme", {"memory_mb": 100})
    rig.images.local = frozenset({"sha256:2"})
    deployment = promote(rig, staging)
    assert (rig.work(deployment), rig.row(deployment).reason) == ("failed", "quota-exceeded")
    assert rig.images.tagged == []


def test_it_stands_until_the_branch_moves(rig: Rig, staging: App) -> None:
    first = rig.push()
    rig.change(first, state="retired")
    go_live(rig, promote(rig, staging))
    again = rig.push(first.commit_sha)
    assert rig.work(again) == "skipped"
    assert "is no new push" in rig.row(again).detail
    assert rig.work(rig.push()) == "starting"


def go_live(rig: Rig, deployment: Deployment) -> None:
    assert rig.work(deployment) == "starting"
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        lifecycle.advance(session.get_one(Deployment, deployment.id), State.LIVE)
