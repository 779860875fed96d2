"""A deployment of an app whose image somebody else makes: looked up, pinned, pulled, started."""

from __future__ import annotations

from typing import Any

import pytest

from builder import attempt
from slipway.core.build.image_names import is_pulled
from slipway.core.deployment.states import Kind, State
from slipway.domain import intents, lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import App, Deployment
from tests.building_fakes import DIGEST, REGISTRY_DIGEST
from tests.unit.builder.conftest import Rig

IMAGE = "registry.example/shop:1.4"
ACCOUNT = "acme:the-password-itself"


@pytest.fixture
def shop(rig: Rig) -> Rig:
    """The rig's app as one of an image, with a credential for its registry."""
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app = session.get_one(App, rig.app_id)
        app.source, app.repository, app.repository_identity, app.image = "image", "", "", IMAGE
        app.credential = rig.vault.seal(ACCOUNT, rig.tenant_id, rig.app_id, "credential")
    return rig


def change_app(rig: Rig, **values: Any) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        for name, value in values.items():
            setattr(session.get_one(App, rig.app_id), name, value)


def test_an_image_is_pinned_pulled_and_started(shop: Rig) -> None:
    deployment = shop.deploy(IMAGE)
    assert shop.work(deployment) == "starting"
    [build] = shop.builds()
    [(image, digest, tag)] = shop.pulls.pulled
    assert (image.reference, digest, image.credential) == (IMAGE, REGISTRY_DIGEST, ACCOUNT)
    assert (build.image, build.digest, build.exposed_port, build.builder) == (tag, DIGEST, 8080, "image")
    assert is_pulled(tag)
    row = shop.row(deployment)
    assert (f"sha256:{row.commit_sha}", row.message) == (REGISTRY_DIGEST, IMAGE)
    assert [(step["name"], step["note"]) for step in row.steps] == [
        ("fetch", "pulled 1.0 MB, 2 of 3 layers were here"),
        ("start", ""),
    ]
    assert shop.queue.woken == [shop.app_id]
    assert shop.images.built == []


def test_two_pulls_of_one_image_have_names_of_their_own(shop: Rig) -> None:
    for _ in range(2):
        shop.work(shop.deploy(IMAGE))
    assert len({tag for _, _, tag in shop.pulls.pulled}) == 2


def test_a_later_attempt_takes_the_digest_that_was_pinned(shop: Rig) -> None:
    deployment = shop.deploy(IMAGE)

    def requeue(_output: Any) -> None:
        with shop.db.write(tenant_id=shop.tenant_id) as session:
            row = session.get_one(Deployment, deployment.id)
            lifecycle.advance(row, State.QUEUED)
            row.attempt += 1

    shop.pulls.during, shop.pulls.waits_for_stop = requeue, True
    assert shop.work(deployment) is None
    assert shop.row(deployment).state == "queued"
    shop.pulls.during, shop.pulls.waits_for_stop = (lambda _output: None), False
    shop.pulls.digest = "sha256:" + "f" * 64  # the tag has moved
    assert shop.work(deployment, 1) == "starting"
    assert len(shop.pulls.looked_up) == 1
    assert [digest for _, digest, _ in shop.pulls.pulled] == [REGISTRY_DIGEST] * 2


def test_a_worker_that_ends_hands_its_pull_back(shop: Rig) -> None:
    deployment = shop.deploy(IMAGE)
    shop.pulls.during, shop.pulls.waits_for_stop = (lambda _output: attempt.shutdown_requested.set()), True
    try:
        assert shop.work(deployment) is None
    finally:
        attempt.shutdown_requested.clear()
    assert (shop.row(deployment).state, shop.queue.enqueued) == ("queued", [(deployment.id, 1)])


def test_a_cancel_stops_the_pull(shop: Rig) -> None:
    deployment = shop.deploy(IMAGE)

    def cancel(_output: Any) -> None:
        with shop.db.write(tenant_id=shop.tenant_id) as session:
            intents.cancel(session.get_one(Deployment, deployment.id), actor="ada")

    shop.pulls.during, shop.pulls.waits_for_stop = cancel, True
    assert shop.work(deployment) == "cancelled"
    assert shop.builds() == []


def test_a_rollback_that_goes_live_ends_the_pull(shop: Rig) -> None:
    deployment = shop.deploy(IMAGE)
    shop.pulls.during = lambda _output: live(shop, Kind.ROLLBACK)
    shop.pulls.waits_for_stop = True
    assert shop.work(deployment) == "cancelled"


def live(rig: Rig, kind: Kind) -> None:
    deployment = rig.deploy(IMAGE)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.get_one(Deployment, deployment.id)
        row.kind = str(kind)
        for state in (State.FETCHING, State.STARTING, State.LIVE):
            lifecycle.advance(row, state)


def test_an_image_that_nobody_waits_for_any_more_is_removed(shop: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = shop.deploy(IMAGE)
    monkeypatch.setattr("builder.lease.heartbeat.Heartbeat.beat", lambda _self: None)
    shop.pulls.during = lambda _output: shop.change(deployment, attempt=1)
    assert shop.work(deployment) is None
    assert shop.images.removed == [shop.pulls.pulled[0][2]]
    assert shop.builds() == []


def test_a_failure_keeps_its_reason_and_hides_the_credential(shop: Rig) -> None:
    shop.pulls.failure = DeploymentFailed("image-refused", "no, the-password-itself", remedy="give one that may")
    deployment = shop.deploy(IMAGE)
    assert shop.work(deployment) == "failed"
    row = shop.row(deployment)
    assert (row.reason, row.detail, row.remedy) == ("image-refused", "no, •••", "give one that may")
    assert "the-password-itself" not in "\n".join(shop.log.lines) + repr(shop.pulls.looked_up)


def test_what_a_pull_prints_is_in_the_log_without_the_credential(shop: Rig) -> None:
    shop.pulls.during = lambda output: output("layer ab: 1.0 MB the-password-itself")
    shop.work(shop.deploy(IMAGE))
    assert "layer ab: 1.0 MB •••" in shop.log.lines


def test_the_credential_goes_to_its_own_registry_alone(shop: Rig) -> None:
    deployment = shop.deploy("other.example/shop:1")
    change_app(shop, image=IMAGE)  # the credential was given for it, after the deployment was asked for
    assert shop.work(deployment) == "starting"
    assert shop.pulls.looked_up[0].credential is None


def test_an_image_that_is_only_asked_for_is_not_the_apps_yet_and_is_shown_by_its_name(shop: Rig) -> None:
    made = shop.deploy("registry.example/shop:2")
    with shop.db.read(tenant_id=shop.tenant_id) as session:
        assert session.get_one(App, shop.app_id).image == IMAGE
    assert made.message == "registry.example/shop:2"
