"""A configuration change beside a push: neither is lost, and what is live says which image it runs."""

from __future__ import annotations

import pytest

from slipway.domain import intents
from slipway.models import App, Deployment, Release
from tests.integration.agent.rig import NOT_READY, Rig

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def rig(rig_on_each_database: Rig) -> Rig:
    return rig_on_each_database


@pytest.fixture
def app(rig: Rig) -> App:
    app = rig.add_app()
    rig.live(app, A)
    return app


def change(rig: Rig, app: App) -> Deployment:
    row = rig.intend(app, intents.reconfigure, actor="a test", what="V set")
    assert isinstance(row, Deployment)
    rig.settle(app)
    return row


def live_image(rig: Rig, app: App) -> tuple[str, str]:
    """The live row's commit, and the digest that runs."""
    [live] = rig.all(Deployment, app_id=app.id, state="live")
    [release] = rig.all(Release, id=live.release_id)
    assert release.commit_sha == live.commit_sha
    return live.commit_sha, release.digest


def test_a_change_that_is_under_way_when_a_build_ends_does_not_lose_the_push(rig: Rig, app: App) -> None:
    push = rig.building(app, B)
    rig.prober.errors["*"] = NOT_READY
    changing = change(rig, app)
    assert rig.deployment(changing).release_id
    rig.build_ends(push)
    rig.settle(app)
    rig.prober.errors.clear()
    rig.settle(app)
    assert rig.deployment(changing).state == "retired"
    assert rig.deployment(push).state == "live"
    assert live_image(rig, app) == (B, "sha256:bbbbbbb")


def test_a_change_that_waited_for_a_push_names_the_image_that_it_runs(rig: Rig, app: App) -> None:
    older = rig.building(app, B)
    rig.prober.errors["*"] = NOT_READY
    newer = rig.built(app, C)
    rig.settle(app)
    changing = change(rig, app)
    rig.prober.errors.clear()
    rig.settle(app)
    assert rig.deployment(changing).state == "live"
    assert live_image(rig, app) == (C, "sha256:ccccccc")
    assert rig.deployment(changing).image_sequence == newer.sequence
    rig.build_ends(older)
    rig.settle(app)
    assert rig.deployment(older).state == "superseded"
    assert live_image(rig, app) == (C, "sha256:ccccccc")


def test_a_change_whose_frozen_image_is_live_no_longer_must_be_refrozen(rig: Rig, app: App) -> None:
    rig.prober.errors["*"] = NOT_READY
    changing = change(rig, app)
    frozen = rig.deployment(changing).release_id
    rig.change(rig.all(Deployment, state="live")[0], image_sequence=7, commit_sha=C)
    rig.prober.errors.clear()
    rig.settle(app)
    anew = rig.deployment(changing)
    assert (anew.state, anew.image_sequence, anew.commit_sha) == ("live", 7, C)
    assert anew.release_id != frozen
    assert [row.release_id for row in rig.replicas(app)] == [anew.release_id]


def test_a_change_while_the_first_deployment_starts_without_it_follows(rig: Rig) -> None:
    app = rig.add_app("new")
    rig.prober.errors["*"] = NOT_READY
    first = rig.built(app, B)
    assert rig.intend(app, intents.reconfigure, actor="a test", what="V set") is None, "the first will take it"
    rig.settle(app)
    changing = change(rig, app)
    rig.prober.errors.clear()
    rig.settle(app)
    assert [rig.deployment(row).state for row in (first, changing)] == ["retired", "live"]
    assert live_image(rig, app) == (B, "sha256:bbbbbbb")


def test_a_change_that_finds_nothing_live_waits_for_what_comes_next(rig: Rig) -> None:
    app = rig.add_app("new")
    rig.prober.errors["*"] = NOT_READY
    first = rig.built(app, B)
    rig.settle(app)
    changing = change(rig, app)
    rig.ahead_s += 60
    rig.settle(app)
    assert rig.deployment(first).state == "failed"
    assert rig.deployment(changing).state == "skipped"
    assert "nothing is live" in rig.deployment(changing).detail
