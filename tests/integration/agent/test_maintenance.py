"""What is removed by the clock: images, logs, kept output, deleted apps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builder.agent.maintenance import image_gc
from slipway.core.build.step_cache import DeletedApp
from slipway.core.deployment.states import State
from slipway.domain import intents
from slipway.models import App, Build, Domain, FormerDomain, Release, Replica, now
from slipway.ports.runtime import OwnImage
from tests.fakes import FakeBuilder, FakeLog
from tests.integration.agent.rig import Rig, pushed

NEW = "b" * 40


def test_old_releases_lose_their_images_but_never_what_is_live(rig: Rig) -> None:
    app = rig.add_app()
    for commit in "abcdefg":
        rig.live(app, commit * 40)
    rig.intend(app, intents.rollback, actor="a test", to=1)
    rig.settle(app)
    image_gc.collect_images(rig.db, rig.runtime, keep=rig.settings.releases_kept)
    assert sorted(rig.runtime.removed_images) == ["slipway/bbbbbbb"]
    assert [row.number for row in rig.all(Release) if row.collected_at] == [2]


def test_the_release_that_was_live_before_keeps_its_image(rig: Rig) -> None:
    app = rig.add_app()
    for commit in "abcdefg":
        rig.live(app, commit * 40)
    rig.intend(app, intents.rollback, actor="a test", to=1)
    rig.settle(app)
    rig.live(app, "9" * 40)
    image_gc.collect_images(rig.db, rig.runtime, keep=rig.settings.releases_kept)
    assert 1 not in {row.number for row in rig.all(Release) if row.collected_at}


def test_an_image_that_never_ran_is_removed_after_a_while(rig: Rig) -> None:
    app = rig.add_app()
    row = rig.built(app)
    rig.change(row, stop_requested="cancelled", stop_why="by someone")
    rig.settle(app)
    image_gc.collect_images(rig.db, rig.runtime, keep=rig.settings.releases_kept)
    assert rig.runtime.removed_images == []
    rig.change(rig.all(Build)[0], created_at=now() - timedelta(hours=2))
    image_gc.collect_images(rig.db, rig.runtime, keep=rig.settings.releases_kept)
    assert rig.runtime.removed_images == ["slipway/aaaaaaa"]


def kept(deployment_id: int, name: str = "") -> OwnImage:
    return OwnImage(name or f"slipway/dangling-{deployment_id}", f"sha256:{name}{deployment_id}", deployment_id)


def test_an_image_without_a_row_is_removed_unless_a_worker_may_still_write_it(rig: Rig) -> None:
    apps = [rig.add_app(f"app-{number}") for number in range(5)]
    rows = [pushed(rig, app) for app in apps[:4]]
    for row, state in zip(rows, ("queued", "fetching", "building", "failed"), strict=True):
        rig.change(row, state=state)
    live = rig.live(apps[4], NEW)
    rig.runtime.kept_images = [
        *(kept(row.id) for row in rows),
        kept(live.id, "slipway/of-an-attempt-before"),
        kept(live.id, "slipway/bbbbbbb"),
        kept(live.id, "sha256:bbbbbbb"),
        kept(4711),
    ]
    builder = FakeBuilder()
    assert image_gc.collect_dangling(rig.db, rig.runtime, lambda: builder) == 3
    assert rig.runtime.removed_images == [
        f"slipway/dangling-{rows[3].id}", "slipway/of-an-attempt-before", "slipway/dangling-4711",
    ]  # fmt: skip
    gone = DeletedApp(deployment_ids=frozenset({4711}))
    assert builder.forgot == ["sources", gone], "what belongs to a deployment that is gone lives on in no step"
    assert image_gc.collect_dangling(rig.db, rig.runtime, lambda: builder) == 0


def test_other_apps_keep_their_step_cache_when_an_image_without_a_row_is_removed(rig: Rig) -> None:
    row = pushed(rig, rig.add_app(), State.FAILED)
    rig.runtime.kept_images = [kept(row.id)]
    builder = FakeBuilder()
    assert image_gc.collect_dangling(rig.db, rig.runtime, lambda: builder) == 1
    assert builder.forgot == []


def test_a_row_that_is_written_while_images_are_listed_keeps_its_image(rig: Rig) -> None:
    """The list is older than what SQL says."""
    app = rig.add_app()
    listing = rig.runtime.own_images

    def images() -> list[OwnImage]:
        found = [*listing(), kept(1, "slipway/aaaaaaa")]
        assert rig.built(app).id == 1
        return found

    rig.runtime.own_images = images  # type: ignore[method-assign]
    assert image_gc.collect_dangling(rig.db, rig.runtime, FakeBuilder) == 0


def test_the_logs_of_the_last_deployments_are_kept(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    app = rig.add_app()
    first, second = rig.live(app), rig.live(app, NEW)
    monkeypatch.setattr(image_gc, "LOGS_KEPT", 1)
    logs = FakeLog()
    image_gc.trim_logs(rig.db, logs)
    assert logs.removed == [first.id]
    assert second.id not in logs.removed


def test_output_of_a_replica_is_kept_after_it_is_gone_and_forgotten_at_last(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    [row] = rig.replicas(app)
    [container] = rig.running(app).values()
    container.output.append(b"2026-01-01T00:00:00Z hello\n")
    rig.live(app, NEW)
    assert list(rig.agent.output_store.kept(row.id)) == [b"2026-01-01T00:00:00Z hello\n"]
    rig.change(row, ended_at=now() - timedelta(days=15))
    image_gc.trim_output(rig.db, rig.agent.output_store)
    assert list(rig.agent.output_store.kept(row.id)) == []
    assert row.id not in {each.id for each in rig.all(Replica)}


def test_the_output_of_the_last_replicas_that_ended_is_kept(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    app = rig.add_app()
    for commit in ("a", "b", "c", "d"):
        rig.live(app, commit * 40)
    monkeypatch.setattr(image_gc, "OUTPUT_KEPT", 2)
    image_gc.trim_output(rig.db, rig.agent.output_store)
    assert [(row.release_id, row.state) for row in rig.all(Replica)] == [(2, "gone"), (3, "gone"), (4, "ready")]


def test_a_deleted_app_leaves_nothing(rig: Rig) -> None:
    app, other = rig.add_app(replicas=2), rig.add_app("other")
    rig.live(app)
    rig.live(other, NEW)
    builder, logs = FakeBuilder(), FakeLog()
    unstarted = rig.built(app, "c" * 40)
    rig.runtime.kept_images = [kept(unstarted.id), kept(2, "slipway/bbbbbbb"), kept(4711)]
    rig.change(app, deleted_at=now())
    for _ in range(3):
        rig.delete_apps(lambda: builder, logs)
        rig.settle(app)
        rig.report_ends()
    assert [row.name for row in rig.all(App)] == ["other"]
    assert rig.running(app) == {}
    assert sorted(rig.publisher.table) == ["other.localhost"]
    assert rig.all(Domain, app_id=app.id) == []
    assert [row.host for row in rig.all(FormerDomain)] == ["hello.localhost"], "nobody else gets it without proof"
    assert sorted(rig.runtime.removed_images) == [
        "slipway/aaaaaaa", "slipway/ccccccc", f"slipway/dangling-{unstarted.id}",
    ]  # fmt: skip
    assert builder.forgot == ["sources", DeletedApp(app.id, rig.tenant_id)]
    assert logs.removed == [1, 3]
    assert rig.runtime.removed_tenants == []


def test_an_app_that_runs_an_image_has_no_steps_to_remove(rig: Rig) -> None:
    app = rig.add_app()
    rig.change(app, deleted_at=now(), source="image")
    builder = FakeBuilder()
    assert rig.delete_apps(lambda: builder, FakeLog()) == 1
    assert builder.forgot == []


def test_what_the_runtime_keeps_for_a_tenant_goes_with_its_last_app(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, deleted_at=now())
    for _ in range(3):
        rig.settle(app)
        rig.report_ends()
        rig.delete_apps(FakeBuilder, FakeLog())
    assert rig.all(App) == []
    assert rig.runtime.removed_tenants == ["acme"]
    assert rig.agent.quarantine.reclaim(rig.agent.routes.confirmed()) == 1


def test_a_deleted_app_waits_for_its_build(rig: Rig) -> None:
    app = rig.add_app()
    row = pushed(rig, app, State.BUILDING, heartbeat_at=now())
    rig.change(app, deleted_at=now())
    assert rig.delete_apps(FakeBuilder, FakeLog()) == 0
    assert rig.deployment(row).stop_requested == "cancelled"


@pytest.mark.parametrize(("state", "moment"), [(State.LIVE, "live_at"), (State.FAILED, "ended_at")])
def test_a_deleted_app_waits_a_minute_for_the_report_of_an_end(rig: Rig, state: State, moment: str) -> None:
    app = rig.add_app()
    row = pushed(rig, app, state, started_at=now(), **{moment: now()})
    rig.change(app, deleted_at=now())
    assert rig.delete_apps(FakeBuilder, FakeLog()) == 0
    rig.change(row, **{moment: now() - timedelta(minutes=1)})
    assert rig.delete_apps(FakeBuilder, FakeLog()) == 1


def test_a_deleted_app_waits_no_longer_once_the_end_is_reported(rig: Rig) -> None:
    app = rig.add_app()
    pushed(rig, app, State.FAILED, started_at=now(), ended_at=now())
    rig.change(app, deleted_at=now())
    assert rig.delete_apps(FakeBuilder, FakeLog()) == 0
    rig.report_ends()
    assert rig.delete_apps(FakeBuilder, FakeLog()) == 1


def test_a_deleted_app_waits_for_no_report_of_what_no_worker_began(rig: Rig) -> None:
    app = rig.add_app()
    pushed(rig, app, State.CANCELLED, ended_at=now())
    rig.change(app, deleted_at=now())
    assert rig.delete_apps(FakeBuilder, FakeLog()) == 1
