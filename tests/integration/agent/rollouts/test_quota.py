"""A release that the tenant's quota forbids is not rolled out; what serves goes on."""

from __future__ import annotations

from typing import Any

from slipway.domain import intents
from slipway.domain.audit import HOST
from slipway.domain.quota.plans import Plans
from slipway.models import Release, Volume
from tests.integration.agent.rig import Rig


def set_quota(rig: Rig, **values: Any) -> None:
    Plans(rig.db, HOST, lambda _app_id: None).change_quota("acme", values)


def test_a_push_that_needs_more_fails_and_the_old_release_serves(rig: Rig) -> None:
    app = rig.add_app(replicas=2)
    live = rig.live(app)
    addresses = rig.addresses(app)
    set_quota(rig, memory_mb=1024)
    row = rig.built(app, "b" * 40, file_settings={"resources": {"memory_mb": 513}})
    rig.settle(app)
    row = rig.deployment(row)
    assert (row.state, row.reason) == ("failed", "quota-exceeded")
    assert "MB of memory: 2 more needed, 0 of 1024 left" in row.detail
    assert "slipway quota" in row.remedy
    assert (rig.deployment(live).state, rig.addresses(app)) == ("live", addresses)
    assert len(rig.all(Release)) == 1


def test_the_surge_of_a_rollout_is_free(rig: Rig) -> None:
    app = rig.add_app(replicas=2)
    rig.live(app)
    set_quota(rig, replicas=2, memory_mb=1024, cpus=2)
    rig.live(app, "b" * 40)


def test_a_changed_setting_that_needs_more_fails_when_it_is_frozen(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    set_quota(rig, cpus=1)
    rig.change(app, settings={"resources": {"cpus": 1.5}})
    row = rig.intend(app, intents.reconfigure, actor="a test", what="settings changed")
    rig.settle(app)
    assert (rig.deployment(row).state, rig.deployment(row).reason) == ("failed", "quota-exceeded")


def test_volumes_of_a_release_are_made_without_a_second_question(rig: Rig) -> None:
    app = rig.add_app()
    set_quota(rig, volumes=1)
    rig.live(app, file_settings={"volumes": [{"path": "/data"}]})
    set_quota(rig, volumes=0)
    rig.live(app, "b" * 40, file_settings={"volumes": [{"path": "/data"}]})
    assert len(rig.all(Volume)) == 1


def test_a_crashed_replica_is_started_again_whatever_the_quota_is_now(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    set_quota(rig, replicas=0, memory_mb=0, cpus=0, apps=0)
    [replica] = rig.replicas(app)
    rig.runtime.die(str(replica.container_id), exit_code=1)
    rig.settle(app)
    rig.ahead_s = 60
    rig.settle(app)
    assert len(rig.running(app)) == 1
