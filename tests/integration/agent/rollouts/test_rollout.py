"""Rollouts from `starting` to live, and how they end otherwise."""

from __future__ import annotations

import pytest

from slipway.core.rollout.decide import NOT_HTTP_ROUNDS
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.domain import intents
from slipway.models import App, Deployment, Release
from tests.integration.agent.rig import REFUSED, UNHEALTHY, Rig

IMAP = ProbeError(ProbeCause.NOT_HTTP, "GET :8000/ was answered with something that is not HTTP")


@pytest.fixture
def rig(rig_on_each_database: Rig) -> Rig:
    return rig_on_each_database


def test_a_built_deployment_becomes_live_with_its_replicas_in_the_route_table(rig: Rig) -> None:
    app = rig.add_app(replicas=2)
    row = rig.live(app)
    assert len(rig.running(app)) == 2
    assert len(rig.addresses(app)) == 2
    assert [(step["name"], step["ok"]) for step in row.steps][-2:] == [("start", True), ("switch", True)]
    assert row.steps[-2]["note"] == "2 replicas, both answered GET /"
    assert row.steps[-1]["note"].endswith("in force on 1 edge")


def test_a_second_deployment_retires_the_first_and_its_replicas(rig: Rig) -> None:
    app = rig.add_app()
    first = rig.live(app)
    old = rig.addresses(app)
    second = rig.live(app, "b" * 40)
    assert rig.deployment(first).state == "retired"
    assert second.previous_id == first.id
    assert rig.addresses(app).isdisjoint(old)
    assert [r.release_id for r in rig.replicas(app)] == [second.release_id]
    assert len(rig.running(app)) == 1
    assert all(step["ended_at"] for step in rig.deployment(second).steps)


def test_old_replicas_serve_until_every_edge_has_confirmed(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.publisher.confirm_at_once = False
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    assert rig.deployment(second).state == "starting"
    assert len(rig.running(app)) == 2
    rig.publisher.confirm()
    rig.settle(app)
    assert rig.deployment(second).state == "live"
    rig.settle(app)
    assert len(rig.running(app)) == 1


def test_an_unconfirmed_switch_fails_and_gives_the_targets_back(rig: Rig) -> None:
    app = rig.add_app()
    first = rig.live(app)
    before = rig.addresses(app)
    rig.publisher.confirm_at_once = False
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    assert rig.addresses(app).isdisjoint(before)
    rig.ahead_s = 61
    rig.settle(app)
    assert rig.deployment(second).reason == "edge-unconfirmed"
    assert rig.deployment(first).state == "live"
    assert rig.addresses(app) == before
    assert len(rig.running(app)) == 2  # the edge may still send to the new one: it stays until the edge confirms
    rig.publisher.confirm()
    rig.settle(app)
    assert len(rig.running(app)) == 1


def test_a_failing_probe_leaves_the_old_release_serving(rig: Rig) -> None:
    app = rig.add_app(health_path="/health")
    rig.live(app)
    before = rig.addresses(app)
    rig.prober.errors["*"] = UNHEALTHY
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    for container in rig.runtime.containers.values():
        container.output.append(b"2026-01-01T00:00:00Z KeyError: 'DATABASE_URL'\n")
    rig.ahead_s = 31
    rig.settle(app)
    row = rig.deployment(second)
    assert (row.state, row.reason) == ("failed", "start-probe-failed")
    assert "answered 500" in row.detail
    assert "serves" not in row.detail  # said when it is asked, from what is true then
    assert row.detail.endswith("): DATABASE_URL is read but not set here")
    assert row.remedy.startswith("slipway env set DATABASE_URL=")
    assert "KeyError" in row.tail
    assert rig.addresses(app) == before
    assert len(rig.running(app)) == 1


def test_only_what_goes_on_answering_with_something_else_than_http_fails_before_its_time_is_over(rig: Rig) -> None:
    app = rig.add_app()
    rig.prober.errors["*"] = REFUSED
    deployment = rig.built(app)
    for error in (IMAP, REFUSED) * NOT_HTTP_ROUNDS:
        rig.prober.errors["*"] = error
        rig.settle(app)
    assert rig.deployment(deployment).state == "starting"
    rig.prober.errors["*"] = IMAP
    for _ in range(NOT_HTTP_ROUNDS):
        rig.settle(app)
    assert (rig.deployment(deployment).state, rig.deployment(deployment).reason) == ("failed", "start-probe-failed")


def test_an_image_becomes_the_apps_when_it_goes_live_and_not_when_it_fails(rig: Rig) -> None:
    app = rig.add_app(health_path="/health")

    def deploy(image: str, commit: str) -> str:
        row = rig.built(app, commit)
        with rig.db.write(platform="a test's image") as session:
            made = session.get_one(Deployment, row.id)
            made.kind, made.source, made.ref = "manual", "image", image
        rig.settle(app)
        return str(rig.all(App, id=app.id)[0].image)

    assert deploy("registry.example/shop:1", "a" * 40) == "registry.example/shop:1"
    rig.prober.errors["*"] = UNHEALTHY
    deploy("registry.example/shop:2", "b" * 40)
    rig.ahead_s = 31
    rig.settle(app)
    assert [row.state for row in rig.all(Deployment, app_id=app.id)] == ["live", "failed"]
    assert rig.all(App, id=app.id)[0].image == "registry.example/shop:1"


def test_a_rollback_serves_the_release_as_it_was(rig: Rig) -> None:
    app = rig.add_app()
    first = rig.live(app)
    rig.live(app, "b" * 40)
    back = rig.intend(app, intents.rollback, actor="a test")
    rig.settle(app)
    assert rig.deployment(back).state == "live"
    assert rig.deployment(back).release_id == first.release_id
    assert [r.release_id for r in rig.replicas(app)] == [first.release_id]
    assert len(rig.all(Release)) == 2
