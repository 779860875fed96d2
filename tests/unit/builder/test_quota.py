"""A build that the tenant's quota forbids is refused before it costs anything."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.domain.audit import HOST
from slipway.domain.quota.plans import Plans
from slipway.models import App, BuildTime, now
from tests.unit.builder.conftest import Rig, sha


def set_quota(rig: Rig, **values: Any) -> None:
    Plans(rig.db, HOST, lambda _app_id: None).change_quota("acme", values)


def times(rig: Rig) -> list[BuildTime]:
    with rig.db.read(tenant_id=rig.tenant_id) as session:
        return list(session.query(BuildTime).order_by(BuildTime.id))


def test_without_minutes_left_nothing_is_fetched_and_what_serves_stays(rig: Rig) -> None:
    live = rig.live()
    set_quota(rig, build_minutes=0)
    deployment = rig.push()
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert (row.reason, rig.row(live).state) == ("quota-exceeded", "live")
    assert "all build minutes of this month are used (0)" in row.detail
    assert "when the month turns" in row.remedy
    assert (rig.sources.repositories, rig.images.built) == ([], [])


def test_a_build_that_began_with_minutes_left_is_finished_and_the_next_one_refused(rig: Rig) -> None:
    set_quota(rig, build_minutes=1)
    deployment = rig.push()

    def use_them_up(_spec: Any, _output: Any) -> None:
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            start = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            used = {"started_at": start, "ended_at": now()}
            session.add_all(BuildTime(tenant_id=rig.tenant_id, app_id=rig.app_id, **used) for _ in range(60))

    rig.images.during = use_them_up
    assert rig.work(deployment) == "starting"
    rig.images.during = lambda _spec, _output: None
    assert rig.work(rig.push()) == "failed"


@pytest.mark.parametrize(
    "file",
    ["[resources]\nmemory_mb = 600\n", "[resources]\ncpus = 1.5\n", '[processes.work]\ncommand = "w"\nreplicas = 3\n'],
)
def test_what_would_not_fit_is_not_built(rig: Rig, file: str) -> None:
    set_quota(rig, memory_mb=512, cpus=1, replicas=2)
    rig.sources.files["slipway.toml"] = file
    deployment = rig.push()
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert (row.reason, rig.images.built, rig.leftovers()) == ("quota-exceeded", [], [])
    assert "more needed" in row.detail
    assert "slipway quota" in row.remedy


def test_a_procfiles_processes_are_counted_too(rig: Rig) -> None:
    set_quota(rig, replicas=1)
    rig.sources.files = {"requirements.txt": "", "Procfile": "web: python -m app\nwork: python -m work\n"}
    deployment = rig.push()
    assert rig.work(deployment) == "failed"
    assert rig.row(deployment).reason == "quota-exceeded"


def test_what_fits_is_built_and_its_time_recorded(rig: Rig) -> None:
    set_quota(rig, memory_mb=512, cpus=1, replicas=1, build_minutes=1)
    deployment = rig.push()
    assert rig.work(deployment) == "starting"
    [found] = times(rig)
    assert (found.deployment_id, found.app_id, found.ended_at is not None) == (deployment.id, rig.app_id, True)


def test_a_failed_build_counts(rig: Rig) -> None:
    rig.sources.files = {"Dockerfile": "FROM scratch\nRUN --mount=type=ssh nothing\n", "slipway.toml": "port = 'x'"}
    assert rig.work(rig.push(sha())) == "failed"
    assert [each.ended_at is not None for each in times(rig)] == [True]


def test_an_image_that_would_not_fit_is_not_pulled_and_takes_no_minutes(rig: Rig) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app = session.get_one(App, rig.app_id)
        app.source, app.repository, app.image = "image", "", "registry.example/shop:1"
    set_quota(rig, memory_mb=100, build_minutes=0)
    deployment = rig.deploy("registry.example/shop:1")
    assert rig.work(deployment) == "failed"
    assert (rig.row(deployment).reason, rig.pulls.pulled) == ("quota-exceeded", [])
    set_quota(rig, memory_mb=512)
    assert rig.work(rig.deploy("registry.example/shop:1")) == "starting"
    assert times(rig) == []
