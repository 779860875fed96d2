"""Every intent to change what runs, and the order of intents."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from sqlalchemy import select

from slipway.adapters.redis import keys
from slipway.adapters.redis.work_queue import BUILD_JOB, WorkQueue, connect
from slipway.core.deployment.states import State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.domain.intents import Pushed
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import App, Deployment, Release, Scale, now
from tests.fixtures.services.redis_server import RedisServer
from tests.integration.data.conftest import TwoTenants

WAY = (State.FETCHING, State.BUILDING, State.STARTING, State.LIVE, State.RETIRED)


class Acme:
    """The tenant acme's app, and shorthands for its intents: each in its own transaction."""

    def __init__(self, database: Database, tenants: TwoTenants) -> None:
        self.database = database
        self.tenant_id = tenants.acme
        self.app_id = tenants.acmes_app.id

    def push(self, key: str, commit: str = "") -> Deployment:
        with self.database.write(tenant_id=self.tenant_id) as session:
            app = session.get_one(App, self.app_id)
            pushed = Pushed("refs/heads/main", commit or key.ljust(40, "0"))
            return intents.push(session, app, pushed, idempotency_key=key, actor="test")

    def deploy(self, key: str = "") -> Deployment:
        with self.database.write(tenant_id=self.tenant_id) as session:
            app = session.get_one(App, self.app_id)
            return intents.deploy(session, app, ref="main", actor="test", idempotency_key=key)

    def rollback(self, to: int | None = None) -> Deployment:
        with self.database.write(tenant_id=self.tenant_id) as session:
            return intents.rollback(session, session.get_one(App, self.app_id), actor="test", to=to)

    def reconfigure(self) -> Deployment | None:
        with self.database.write(tenant_id=self.tenant_id) as session:
            return intents.reconfigure(session, session.get_one(App, self.app_id), actor="test", what="A=1 set")

    def scale(self, replicas: int, **how: str) -> int:
        with self.database.write(tenant_id=self.tenant_id) as session:
            return intents.scale(session, session.get_one(App, self.app_id), replicas=replicas, **how).replicas

    def go(self, deployment: Deployment, state: State) -> None:
        """Let it get as far as `state`; a live one retires the one before."""
        with self.database.write(tenant_id=self.tenant_id) as session:
            row = session.get_one(Deployment, deployment.id)
            for each in WAY[WAY.index(State.STARTING) :] if row.kind in ("rollback", "configuration") else WAY:
                if each is State.LIVE:
                    self._make_room(session, row)
                lifecycle.advance(row, each)
                if each is state:
                    break

    def _make_room(self, session, row: Deployment) -> None:  # type: ignore[no-untyped-def]
        live = intents.live_deployment(session, self.app_id)
        if live:
            lifecycle.advance(live, State.RETIRED)
            session.flush()
        if row.release_id is None:
            release = Release(
                tenant_id=self.tenant_id, app_id=self.app_id, number=row.sequence, image="i", digest=f"d{row.id}"
            )
            session.add(release)
            session.flush()
            row.release_id = release.id

    def live(self, key: str) -> Deployment:
        made = self.push(key)
        self.go(made, State.LIVE)
        return self.seen(made)

    def seen(self, deployment: Deployment) -> Deployment:
        with self.database.read(tenant_id=self.tenant_id) as session:
            return session.get_one(Deployment, deployment.id)

    def all(self) -> list[Deployment]:
        with self.database.read(tenant_id=self.tenant_id) as session:
            return list(session.scalars(select(Deployment).order_by(Deployment.sequence)))

    def collect(self, number: int) -> None:
        with self.database.write(tenant_id=self.tenant_id) as session:
            session.scalars(select(Release).filter_by(number=number)).one().collected_at = now()


@pytest.fixture
def acme(database: Database, tenants: TwoTenants) -> Acme:
    return Acme(database, tenants)


def test_intents_are_numbered_one_after_the_other(acme: Acme) -> None:
    acme.live("a")
    acme.deploy()
    acme.reconfigure()
    acme.scale(2)
    assert [(each.kind, each.sequence) for each in acme.all()] == [("push", 1), ("manual", 2), ("configuration", 3)]
    assert acme.push("b").sequence == 5, "a scale is an intent, too"


def test_numbers_are_taken_once_however_many_come_at_once(acme: Acme) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: acme.push(f"k{number}"), range(24)))
    assert [each.sequence for each in acme.all()] == list(range(1, 25))


def test_the_same_push_at_once_is_one_deployment(acme: Acme) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: acme.push("same").id, range(16)))
    assert len(set(made)) == len(acme.all()) == 1


def test_the_same_key_gives_the_same_deployment_and_takes_no_number(acme: Acme) -> None:
    first, second = acme.push("k"), acme.push("k", "f" * 40)
    assert first.id == second.id
    assert second.commit_sha != "f" * 40
    assert acme.push("l").sequence == 2


def test_two_apps_are_numbered_apart(acme: Acme, database: Database, tenants: TwoTenants) -> None:
    acme.push("a")
    with database.write(tenant_id=tenants.other) as session:
        app = session.get_one(App, tenants.others_app.id)
        made = intents.push(session, app, Pushed("refs/heads/main", "a" * 40), idempotency_key="a", actor="test")
    assert made.sequence == 1


def test_two_intents_of_one_transaction_get_two_numbers(acme: Acme, database: Database) -> None:
    with database.write(tenant_id=acme.tenant_id) as session:
        app = session.get_one(App, acme.app_id)
        made = [intents.deploy(session, app, ref="main", actor="test").sequence for _ in range(3)]
    assert made == [1, 2, 3]
    assert acme.push("k").sequence == 4


def test_an_intent_that_is_not_committed_leaves_no_gap(acme: Acme, database: Database) -> None:
    def fail() -> None:
        with database.write(tenant_id=acme.tenant_id) as session:
            intents.deploy(session, session.get_one(App, acme.app_id), ref="main", actor="test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert acme.push("k").sequence == 1


def test_a_manual_deployment_repeats_only_with_its_key(acme: Acme) -> None:
    assert acme.deploy("k").id == acme.deploy("k").id
    assert acme.deploy().id != acme.deploy().id


def test_a_manual_key_is_no_deliverys_key(acme: Acme) -> None:
    assert acme.deploy("k").id != acme.push("k").id


def test_an_app_that_is_being_deleted_takes_no_intents(acme: Acme, database: Database) -> None:
    with database.write(tenant_id=acme.tenant_id) as session:
        session.get_one(App, acme.app_id).deleted_at = now()
    for intent in (lambda: acme.push("k"), acme.deploy, acme.rollback, acme.reconfigure, lambda: acme.scale(2)):
        with pytest.raises(NotFound, match="being deleted"):
            intent()


def test_a_rollback_goes_to_the_release_that_was_live_before(acme: Acme) -> None:
    one, two = acme.live("a"), acme.live("b")
    back = acme.rollback()
    assert (back.release_id, back.message) == (one.release_id, "back to v1")
    assert two.release_id != one.release_id


def test_a_second_rollback_goes_forth_again(acme: Acme) -> None:
    acme.live("a")
    two = acme.live("b")
    acme.go(acme.rollback(), State.LIVE)
    assert acme.rollback().release_id == two.release_id


def test_a_rollback_goes_to_a_named_release(acme: Acme) -> None:
    one = acme.live("a")
    acme.live("b")
    acme.live("c")
    assert acme.rollback(to=1).release_id == one.release_id


def test_what_never_was_live_is_no_goal_of_a_rollback(acme: Acme, database: Database) -> None:
    one = acme.live("a")
    acme.live("b")
    failed = acme.push("c")
    acme.go(failed, State.STARTING)
    with database.write(tenant_id=acme.tenant_id) as session:
        release = Release(tenant_id=acme.tenant_id, app_id=acme.app_id, number=3, image="i", digest="d3")
        session.add(release)
        session.flush()
        row = session.get_one(Deployment, failed.id)
        row.release_id = release.id
        lifecycle.advance(row, State.FAILED)
    with pytest.raises(Conflict, match="v3 never served"):
        acme.rollback(to=3)
    assert acme.rollback().release_id == one.release_id


def test_a_collected_release_is_passed_over(acme: Acme) -> None:
    one = acme.live("a")
    acme.live("b")
    acme.live("c")
    acme.collect(2)
    assert acme.rollback().release_id == one.release_id
    with pytest.raises(Conflict, match="image of v2 was removed"):
        acme.rollback(to=2)


def test_a_rollback_needs_something_to_go_back_to(acme: Acme) -> None:
    with pytest.raises(NotFound, match="no earlier release"):
        acme.rollback()
    acme.live("a")
    with pytest.raises(NotFound, match="no earlier release"):
        acme.rollback()
    with pytest.raises(NotFound, match="no release v7"):
        acme.rollback(to=7)
    with pytest.raises(Conflict, match="v1 serves already"):
        acme.rollback(to=1)


def test_a_refused_rollback_cancels_nothing(acme: Acme) -> None:
    acme.live("a")
    waiting = acme.push("b")
    with pytest.raises(Conflict):
        acme.rollback(to=1)
    assert acme.seen(waiting).state == State.QUEUED


def test_a_rollback_cancels_all_that_came_earlier_and_nothing_later(acme: Acme) -> None:
    acme.live("a")
    acme.live("b")
    queued, building, configured = acme.push("c"), acme.push("d"), acme.reconfigure()
    assert configured is not None
    acme.go(building, State.BUILDING)
    back = acme.rollback()
    later = acme.push("e")
    assert [acme.seen(each).state for each in (queued, configured)] == ["cancelled", "cancelled"]
    claimed = acme.seen(building)
    assert (claimed.state, claimed.stop_requested) == ("building", "cancelled")
    assert f"deployment {back.id}" in claimed.stop_why
    assert [(acme.seen(each).state, acme.seen(each).stop_requested) for each in (back, later)] == [("queued", None)] * 2


def test_a_rollback_of_one_environment_cancels_nothing_in_another(acme: Acme, database: Database) -> None:
    acme.live("a")
    acme.live("b")
    preview = acme.push("c")
    with database.write(tenant_id=acme.tenant_id) as session:
        session.get_one(Deployment, preview.id).environment = "preview"
    acme.rollback()
    assert acme.seen(preview).state == State.QUEUED


def test_a_configuration_change_keeps_the_live_image_and_its_place(acme: Acme) -> None:
    live = acme.live("a")
    building = acme.push("b")
    changed = acme.reconfigure()
    assert changed is not None
    assert (changed.image_sequence, changed.commit_sha) == (live.image_sequence, live.commit_sha)
    assert changed.sequence > building.sequence > changed.image_sequence
    assert acme.seen(building).state == State.QUEUED


def test_with_nothing_live_a_configuration_change_needs_no_deployment(acme: Acme) -> None:
    acme.push("a")
    assert acme.reconfigure() is None
    assert len(acme.all()) == 1


@pytest.mark.parametrize("replicas", [0, 1, 100])
def test_a_scale_is_kept(acme: Acme, database: Database, replicas: int) -> None:
    assert acme.scale(replicas) == replicas
    with database.read(tenant_id=acme.tenant_id) as session:
        assert session.scalars(select(Scale)).one().replicas == replicas


@pytest.mark.parametrize("replicas", [-1, 101])
def test_a_scale_has_limits(acme: Acme, replicas: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        acme.scale(replicas)
    assert "0 to 100" in refused.value.remedy


def test_each_process_and_environment_has_its_own_scale(acme: Acme, database: Database) -> None:
    acme.scale(2)
    acme.scale(3, process="worker")
    acme.scale(4, environment="preview")
    acme.scale(5, process="worker")
    with database.read(tenant_id=acme.tenant_id) as session:
        found = {(row.environment, row.process): row.replicas for row in session.scalars(select(Scale))}
    assert found == {("production", "web"): 2, ("production", "worker"): 5, ("preview", "web"): 4}


def test_cancelling_stops_what_nobody_claimed_and_asks_the_worker_of_what_somebody_did(
    acme: Acme, database: Database
) -> None:
    queued, building, live = acme.push("a"), acme.push("b"), acme.live("c")
    acme.go(building, State.FETCHING)
    with database.write(tenant_id=acme.tenant_id) as session:
        for each in (queued, building):
            intents.cancel(session.get_one(Deployment, each.id), actor="token:ci")
        with pytest.raises(Conflict, match="is live already"):
            intents.cancel(session.get_one(Deployment, live.id), actor="token:ci")
    assert (acme.seen(queued).state, acme.seen(queued).detail) == ("cancelled", "cancelled by token:ci")
    assert (acme.seen(building).state, acme.seen(building).stop_requested) == ("fetching", "cancelled")


def test_enqueueing_queues_builds_once_and_wakes_the_agent_for_the_rest(acme: Acme, redis_url: str) -> None:
    acme.live("a")
    acme.live("b")
    pushed, back = acme.push("c"), acme.rollback()
    pushed = acme.push("d")
    with connect(redis_url) as redis, redis.pubsub(ignore_subscribe_messages=True) as agent:
        agent.subscribe(keys.WAKE)
        agent.get_message(timeout=5)
        queue = WorkQueue(redis, job_timeout_s=60)
        for _ in range(3):
            intents.enqueue(queue, [pushed])
        intents.enqueue(queue, [back])
        assert redis.lrange("rq:queue:builds", 0, -1) == [f"deployment-{pushed.id}-0".encode()]
        heard = agent.get_message(timeout=5)
    assert heard is not None
    assert heard["data"] == f"changed {acme.app_id}".encode()


def test_a_job_names_its_work_by_dotted_name_and_ids(acme: Acme, redis_url: str) -> None:
    made = acme.push("a")
    with Redis.from_url(redis_url) as redis:
        queue = WorkQueue(redis, job_timeout_s=60)
        assert queue.enqueue_build(made.id, 0)
        assert queue.enqueue_build(made.id, 0), "the same attempt again is no failure"
        assert queue.enqueue_build(made.id, 1), "another attempt is another job"
        (job, again) = [queue._queue.fetch_job(f"deployment-{made.id}-{attempt}") for attempt in (0, 1)]
        assert job is not None
        assert again is not None
        assert (job.func_name, *job.args) == (BUILD_JOB, made.id, 0)
        assert job.timeout == 60 + 3600


def test_without_redis_the_queue_says_so_and_raises_nothing(own_redis: RedisServer) -> None:
    with connect(own_redis.url, timeout_s=0.5) as redis:
        queue = WorkQueue(redis, job_timeout_s=60)
        own_redis.stop()
        assert queue.enqueue_build(1, 0) is False
        queue.wake_agent(1)
        own_redis.start()
        assert queue.enqueue_build(1, 0) is True
