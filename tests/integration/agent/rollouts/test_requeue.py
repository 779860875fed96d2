"""Deployments that no worker works on any more: a new attempt, or the end that was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue

from builder.agent.maintenance import requeue
from slipway.adapters.redis.work_queue import BUILDS, SERIALIZER, WorkQueue, connect
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import BuildTime, Deployment, now
from tests.integration.agent.rig import LONG_AGO, Rig, pushed

LAPSE_S = 15.0


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


@pytest.mark.parametrize("stop", ["", "cancelled"])
def test_a_build_whose_worker_fell_silent_took_until_its_last_heartbeat(rig: Rig, queue: WorkQueue, stop: str) -> None:
    """The agent may find it hours later, when the host is switched on again."""
    row = rig.building(rig.add_app(), "a" * 40)
    [built] = rig.all(BuildTime)
    beat = built.started_at + timedelta(seconds=7)
    values = {"created_at": now() - LONG_AGO, "heartbeat_at": beat, "stop_requested": stop or None}
    rig.change(built, started_at=built.started_at - LONG_AGO)
    rig.change(row, **values | {"heartbeat_at": beat - LONG_AGO})
    hand_out(rig, queue)
    [built] = rig.all(BuildTime)
    assert built.ended_at is not None
    assert (built.ended_at - built.started_at).total_seconds() == pytest.approx(7)
    assert rig.deployment(row).state == (stop or "queued")


def lose_worker(rig: Rig, queue: WorkQueue, row: Deployment) -> Deployment:
    """A worker claims it and falls silent, which the agent finds."""
    with rig.db.write(platform="a test writes") as session:
        lifecycle.advance(session.get_one(Deployment, row.id), State.FETCHING)
    rig.change(row, heartbeat_at=now() - LONG_AGO)
    hand_out(rig, queue)
    return rig.deployment(row)


def test_a_deployment_whose_workers_are_lost_again_and_again_fails(rig: Rig, queue: WorkQueue) -> None:
    row = pushed(rig, rig.add_app())
    for attempt in range(1, requeue.MOST_LOST_WORKERS):
        row = lose_worker(rig, queue, row)
        assert (row.state, row.attempt) == ("queued", attempt)
    row = lose_worker(rig, queue, row)
    assert (row.state, row.reason) == ("failed", "worker-lost")
    assert "3 workers stopped reporting" in row.detail
    assert "slipway deploy" in row.remedy


def test_attempts_that_were_handed_back_or_not_claimed_do_not_count(rig: Rig, queue: WorkQueue, redis: Redis) -> None:
    row = pushed(rig, rig.add_app(), attempt=10)
    redis.flushall()
    for _ in range(requeue.MOST_LOST_WORKERS + 1):
        rig.change(row, heartbeat_at=now() - LONG_AGO)
        redis.flushall()
        assert hand_out(rig, queue) == 1
    assert lose_worker(rig, queue, row).state == "queued"
