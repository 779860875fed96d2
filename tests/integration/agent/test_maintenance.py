"""What runs by the clock: stale rows, missed pushes, retention, deletion, kept output."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue

from builder.agent.maintenance import image_gc, requeue
from builder.agent.maintenance.polling import Polling
from slipway.adapters.redis.work_queue import BUILDS, SERIALIZER, WorkQueue, connect
from slipway.core.build.step_cache import DeletedApp
from slipway.core.deployment.states import State
from slipway.domain import intents
from slipway.errors import DeploymentFailed, NotFound
from slipway.models import App, AuditRecord, Build, Deployment, Domain, Release, Replica, now
from slipway.ports.building import Repository
from slipway.ports.runtime import OwnImage
from tests.fakes import FakeBuilder, FakeLog, FakeSources
from tests.fixtures.redis_server import RedisServer, running_redis
from tests.integration.agent.rig import Rig

LAPSE_S = 15.0
LONG_AGO = timedelta(seconds=60)
OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    redis_server.flush()
    with connect(redis_server.url) as client:
        yield client


@pytest.fixture
def queue(redis: Redis) -> WorkQueue:
    return WorkQueue(redis, job_timeout_s=60)


def pushed(rig: Rig, app: App, state: State = State.QUEUED, **values: object) -> Deployment:
    """A deployment whose last heartbeat was a minute ago."""
    row: Deployment = rig.intend(
        app, intents.push, pushed=intents.Pushed("refs/heads/main", OLD), idempotency_key="delivery:1", actor="a test"
    )
    rig.change(row, state=str(state), created_at=now() - LONG_AGO, **values)
    return row


def job_ids(redis: Redis) -> list[str]:
    return list(Queue(BUILDS, connection=redis).job_ids)


def hand_out(rig: Rig, queue: WorkQueue) -> int:
    return requeue.requeue_stale(rig.db, queue, lapse_s=LAPSE_S)


@pytest.mark.parametrize("state", [State.FETCHING, State.BUILDING])
def test_a_deployment_whose_worker_fell_silent_gets_a_new_attempt(
    rig: Rig, queue: WorkQueue, redis: Redis, state: State
) -> None:
    row = pushed(rig, rig.add_app(), state, heartbeat_at=now() - LONG_AGO)
    assert hand_out(rig, queue) == 1
    row = rig.deployment(row)
    assert (row.state, row.attempt) == ("queued", 1)
    assert job_ids(redis) == [f"deployment-{row.id}-1"]
    assert hand_out(rig, queue) == 0


def test_a_deployment_whose_worker_lives_is_left_alone(rig: Rig, queue: WorkQueue) -> None:
    pushed(rig, rig.add_app(), State.BUILDING, heartbeat_at=now())
    assert hand_out(rig, queue) == 0


def test_waiting_for_a_busy_worker_is_no_lapse(rig: Rig, queue: WorkQueue, redis: Redis) -> None:
    row = pushed(rig, rig.add_app())
    queue.enqueue_build(row.id, 0)
    for _ in range(3):
        assert hand_out(rig, queue) == 0
    assert job_ids(redis) == [f"deployment-{row.id}-0"]


def test_a_job_that_redis_lost_is_requeued(rig: Rig, queue: WorkQueue, redis: Redis) -> None:
    row = pushed(rig, rig.add_app())
    queue.enqueue_build(row.id, 0)
    redis.flushall()
    assert hand_out(rig, queue) == 1
    assert job_ids(redis) == [f"deployment-{row.id}-1"]


def test_a_job_that_ended_without_a_claim_is_requeued(rig: Rig, queue: WorkQueue, redis: Redis) -> None:
    row = pushed(rig, rig.add_app())
    queue.enqueue_build(row.id, 0)
    job = Queue(BUILDS, connection=redis, serializer=SERIALIZER).fetch_job(f"deployment-{row.id}-0")
    assert job is not None
    job.cancel()
    assert hand_out(rig, queue) == 1
    assert rig.deployment(row).attempt == 1


def test_without_redis_nothing_is_counted_as_lost(rig: Rig) -> None:
    row = pushed(rig, rig.add_app())
    unreachable = WorkQueue(connect("unix:///nowhere/redis.sock"), job_timeout_s=60)
    assert requeue.requeue_stale(rig.db, unreachable, lapse_s=LAPSE_S) == 0
    assert rig.deployment(row).attempt == 0


def test_a_stale_deployment_that_was_asked_to_stop_stops(rig: Rig, queue: WorkQueue) -> None:
    values = {"stop_requested": "cancelled", "stop_why": "by someone", "heartbeat_at": now() - LONG_AGO}
    row = pushed(rig, rig.add_app(), State.BUILDING, **values)
    hand_out(rig, queue)
    assert rig.deployment(row).state == "cancelled"


@pytest.fixture
def sources() -> FakeSources:
    return FakeSources()


@pytest.fixture
def polling(rig: Rig, queue: WorkQueue, sources: FakeSources) -> Polling:
    return Polling(rig.db, queue, sources, rig.vault, every_s=300)


def head(sources: FakeSources, app: App, commit: str) -> None:
    sources.heads[app.repository, "refs/heads/main"] = commit


def test_a_push_without_a_delivery_is_deployed(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=OLD)
    head(sources, app, NEW)
    assert polling.check() == 0  # its delivery may be on the way
    assert polling.check() == 1
    row = rig.all(Deployment)[-1]
    assert (row.commit_sha, row.ref, row.state) == (NEW, "refs/heads/main", "queued")
    assert rig.all(App)[0].head == NEW
    assert polling.check() == 0


def test_a_missed_push_that_is_deployed_is_in_the_audit_log(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=OLD)
    head(sources, app, NEW)
    assert polled(polling) == 1
    [record] = rig.all(AuditRecord)
    made = rig.all(Deployment)[-1]
    assert (record.tenant_id, record.actor, record.action) == (app.tenant_id, made.actor, "deployment.create")
    assert (record.subject, record.detail) == (app.name, {"deployment": made.id, "commit": NEW})


def test_a_push_whose_delivery_arrived_meanwhile_is_deployed_once(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=OLD)
    head(sources, app, NEW)
    polling.check()
    rig.built(app, NEW)
    assert polling.check() == 0
    assert len(rig.all(Deployment)) == 2


def test_one_app_that_fails_does_not_end_the_look_at_the_others(
    rig: Rig, polling: Polling, sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = rig.add_app("broken"), rig.add_app("sound")
    for app in (broken, sound):
        rig.live(app)
        rig.change(app, head=OLD, repository=f"https://github.com/acme/{app.name}")
        sources.heads[f"https://github.com/acme/{app.name}", "refs/heads/main"] = NEW
    resolve = sources.resolve

    def failing(repository: Repository, ref: str) -> str | None:
        if repository.url.endswith("broken"):
            raise OSError(7, "Argument list too long")
        return resolve(repository, ref)

    monkeypatch.setattr(sources, "resolve", failing)
    assert polled(polling) == 1
    assert rig.all(Deployment)[-1].app_id == sound.id


def polled(polling: Polling) -> int:
    """As often as it takes for a head that stays."""
    polling.forget_times()
    return polling.check() + polling.check()


@pytest.mark.parametrize(
    ("state", "reason", "made"),
    [
        (State.SUPERSEDED, "superseded", 1),  # the branch had moved on, and came back
        (State.SKIPPED, "branch-gone", 1),
        (State.SKIPPED, "skipped", 0),  # it changes nothing of what is live
        (State.FAILED, "build-failed", 0),
        (State.CANCELLED, "cancelled", 0),
        (State.BUILDING, "", 0),
    ],
)
def test_what_became_of_the_heads_own_push_says_whether_it_was_missed(
    rig: Rig, polling: Polling, sources: FakeSources, state: State, reason: str, made: int
) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(rig.building(app, NEW), state=str(state), reason=reason)
    rig.change(app, head=NEW)
    head(sources, app, NEW)
    assert polled(polling) == made


def test_a_head_that_came_back_without_a_delivery_is_deployed_each_time(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app, OLD)
    rig.live(app, NEW)
    for commit in (OLD, NEW, OLD):
        head(sources, app, commit)
        assert polled(polling) == 1
        row = rig.all(Deployment)[-1]
        assert (row.commit_sha, row.state) == (commit, "queued")
        assert polled(polling) == 0
        rig.change(row, state="failed")


def test_a_push_that_no_worker_has_claimed_may_yet_be_superseded(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app)
    waits = rig.building(app, NEW)
    head(sources, app, OLD)
    for state in (State.QUEUED, State.FETCHING):
        rig.change(waits, state=str(state))
        assert polled(polling) == 0
    rig.change(waits, state="building")
    assert polled(polling) == 1


@pytest.mark.parametrize(("state", "made"), [("retired", 0), ("building", 0), ("failed", 1), ("cancelled", 1)])
def test_the_branch_deployed_by_hand_was_not_missed_unless_that_came_to_nothing(
    rig: Rig, polling: Polling, sources: FakeSources, state: str, made: int
) -> None:
    app = rig.add_app()
    rig.live(app)
    by_hand = rig.intend(app, intents.deploy, ref="main", commit_sha=NEW, actor="a test")
    rig.change(by_hand, state=state)
    head(sources, app, NEW)
    assert polled(polling) == made


def test_what_was_deployed_of_another_branch_says_nothing_of_the_new_one(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=None, branch_sequence=rig.all(App)[0].next_sequence)
    head(sources, app, NEW)
    assert polled(polling) == 0
    head(sources, app, OLD)
    assert polled(polling) == 1


def test_of_an_app_that_was_never_deployed_only_the_head_is_remembered(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    head(sources, app, NEW)
    assert polling.check() == polling.check() == 0
    assert rig.all(App)[0].head == NEW
    assert rig.all(Deployment) == []


def test_the_head_of_an_apps_branch_is_as_the_repository_has_it_now(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    assert polling.head_of(app.id) is None
    head(sources, app, NEW)
    assert polling.head_of(app.id) == NEW
    sources.failure = DeploymentFailed("clone-failed", "no")
    with pytest.raises(DeploymentFailed):
        polling.head_of(app.id)
    rig.change(app, source="image")
    for number in (app.id, 4711):
        with pytest.raises(NotFound):
            polling.head_of(number)


def test_a_repository_that_does_not_answer_delays_no_other(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    rig.add_app()
    sources.failure = DeploymentFailed("clone-failed", "no answer")
    assert polling.check() == 0
    assert rig.all(App)[0].polled_at is not None


def test_an_app_is_asked_for_once_in_its_time(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    head(sources, app, NEW)
    polling.check()
    polling.check()
    assert len(sources.asked) == 1
    polling.forget_times()
    polling.check()
    assert len(sources.asked) == 2


def test_the_credential_is_opened_for_the_fetch(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    rig.change(app, credential=rig.vault.seal("token", rig.tenant_id, app.id, "credential"))
    polling.check()
    assert sources.asked[0].credential == "token"


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
