"""A worker builds what is queued; whatever kills it, nothing of its work remains, and nothing is lost."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import update

from builder.sources import scratch
from builder.worker import NICE
from slipway.adapters.redis.work_queue import BUILDS, SERIALIZER, workers_at_work
from slipway.core.deployment.states import State
from slipway.domain import intents, lifecycle
from slipway.models import App
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually
from tests.integration.worker.conftest import BASE, TOKEN, Yard, children, processes_with, slow

pytestmark = pytest.mark.engine
QUICK = f"FROM {BASE}\nCOPY VERSION /VERSION\nEXPOSE 8080\n"


def word() -> str:
    return secrets.token_hex(8)


def test_a_queued_push_is_built_and_its_end_is_reported_without_a_worker(yard: Yard) -> None:
    deployment = yard.push(VERSION="1\n", Dockerfile=QUICK)
    yard.queue.enqueue_build(deployment.id, deployment.attempt)
    worker = yard.start_worker()
    row = yard.reaches(deployment, "starting")
    eventually(lambda: not children(worker.pid), what="the work-horse has ended")
    reporting = yard.reporting()
    reporting.look()
    yard.end(deployment)
    reporting.look()
    assert (yard.settings.log_dir / f"deployments/{deployment.id}.log.gz").exists()
    assert [each["state"] for each in yard.forge.statuses("acme/shop")] == ["pending", "success"]
    [build] = yard.builds()
    assert (build.exposed_port, build.builder, build.steps_total) == (8080, "dockerfile", 1)
    assert [step["name"] for step in row.steps] == ["fetch", "build", "start"]
    lines = yard.lines(deployment)
    assert lines[0].startswith("fetching ")
    assert lines[-1].startswith("built sha256:")
    assert TOKEN not in "\n".join(lines) + yard.worker_log()
    assert yard.scratch() == []


def test_a_failed_build_is_recorded_and_the_worker_goes_on(yard: Yard) -> None:
    yard.start_worker()
    bad = yard.push(VERSION="1\n", Dockerfile=f"FROM {BASE}\nRUN echo about to fail && false\n")
    eventually(lambda: yard.row(bad).state == "failed", within_s=90)
    row = yard.row(bad)
    assert (row.reason, "about to fail" in row.tail) == ("build-failed", True)
    assert "Traceback" not in row.detail + row.tail + "\n".join(yard.lines(bad))
    yard.reaches(yard.push(Dockerfile=QUICK), "starting")


def test_a_newer_push_takes_over_and_nothing_of_the_older_remains(yard: Yard) -> None:
    yard.start_worker()
    old = word()
    older = yard.push(VERSION="1\n", Dockerfile=slow(old))
    yard.builds_step(old)
    newer = yard.push(VERSION="2\n", Dockerfile=QUICK)
    row = yard.reaches(older, "superseded")
    assert "moved on" in row.detail
    assert processes_with(f": {old}") == []
    assert not [path for path in yard.scratch() if path.name.startswith(f"{older.id}-")]
    yard.reaches(newer, "starting")
    assert [build.deployment_id for build in yard.builds()] == [newer.id]


def test_a_cancel_leaves_no_process_and_no_file(yard: Yard) -> None:
    worker = yard.start_worker()
    name = word()
    deployment = yard.push(VERSION="1\n", Dockerfile=slow(name))
    yard.builds_step(name)
    with yard.changed(deployment) as row:
        intents.cancel(row, actor="ada")
    yard.reaches(deployment, "cancelled")
    assert processes_with(f": {name}") == []
    assert yard.scratch() == []
    eventually(lambda: not children(worker.pid), what="the work-horse has ended")


def test_a_killed_worker_takes_everything_along(yard: Yard) -> None:
    worker = yard.start_worker()
    name = word()
    deployment = yard.push(VERSION="1\n", Dockerfile=slow(name))
    yard.builds_step(name)
    scratch = str(yard.scratch()[0])
    assert processes_with(scratch), "the client runs"
    worker.kill()
    worker.wait(60)
    eventually(lambda: not processes_with(scratch) and not processes_with(f": {name}"), within_s=10)
    assert yard.row(deployment).state == "building", "the agent requeues it when its heartbeat is old enough"
    yard.start_worker()
    eventually(lambda: yard.scratch() == [], what="the next worker sweeps")


def test_sources_that_are_held_when_a_worker_begins_are_removed_later(yard: Yard) -> None:
    """A killed process ends after its children: the next worker may begin meanwhile."""
    base = scratch.base_folder(yard.settings.scratch_dir, yard.settings.instance)
    left = base / "1-1"
    left.mkdir(parents=True)
    with (left / "owner.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yard.start_worker()
        eventually(lambda: "waiting for jobs" in yard.worker_log(), what="the worker has begun")
        assert left.exists()
    eventually(lambda: yard.scratch() == [], what="the worker sweeps")


def test_a_killed_work_horse_takes_its_children_along_and_the_worker_goes_on(yard: Yard) -> None:
    worker = yard.start_worker()
    name = word()
    deployment = yard.push(VERSION="1\n", Dockerfile=slow(name))
    yard.builds_step(name)
    [horse] = children(worker.pid)
    scratch = str(yard.scratch()[0])
    os.kill(horse, signal.SIGKILL)
    eventually(lambda: not processes_with(scratch) and not processes_with(f": {name}"), within_s=10)
    eventually(lambda: yard.scratch() == [], what="the worker sweeps")
    with yard.changed(deployment) as row:  # as the agent does
        lifecycle.advance(row, State.QUEUED)
        row.attempt += 1
    yard.copy.commit("Quick", Dockerfile=QUICK)
    yard.queue.enqueue_build(deployment.id, 1)
    yard.builds_step(name)
    with yard.changed(deployment) as row:
        intents.cancel(row, actor="ada")
    yard.reaches(deployment, "cancelled")
    assert worker.poll() is None


def test_a_worker_that_is_killed_between_the_image_and_its_row_leaves_no_image_for_long(yard: Yard) -> None:
    worker = yard.start_worker()
    name = word()
    deployment = yard.push(VERSION="1\n", Dockerfile=slow(name, 2))
    yard.builds_step(name)
    with yard.db.write(tenant_id=yard.tenant_id) as session:  # SQLite has one writer: the row can't be written
        session.execute(update(App).values(name=App.name))
        [image] = eventually(yard.own_images, within_s=60, what="the image is there")
        horses = children(worker.pid)
        worker.kill()
        worker.wait(60)
        eventually(lambda: not [horse for horse in horses if Path(f"/proc/{horse}").exists()], what="all is dead")
    assert (yard.row(deployment).state, yard.builds()) == ("building", [])
    assert yard.collect_dangling() == 0, "another worker may have claimed it"
    assert yard.own_images() == [image]
    with yard.changed(deployment) as row:
        lifecycle.stop(row, State.CANCELLED, "by a test")
    assert yard.collect_dangling() == 1
    assert yard.own_images() == []


def test_a_worker_that_is_terminated_hands_its_build_to_the_next(yard: Yard) -> None:
    worker = yard.start_worker()
    name = word()
    deployment = yard.push(VERSION="1\n", Dockerfile=slow(name, 2))
    yard.builds_step(name)
    worker.terminate()
    assert worker.wait(60) == 0
    row = yard.row(deployment)
    assert (row.state, row.attempt) == ("queued", 1)
    assert not processes_with(f": {name}")
    yard.start_worker()
    yard.reaches(deployment, "starting")


def test_an_idle_worker_gives_way_to_what_serves_and_ends_at_once(yard: Yard) -> None:
    worker = yard.start_worker()
    eventually(lambda: "waiting for jobs" in yard.worker_log())
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
    with Redis.from_url(yard.settings.redis_url) as redis:
        eventually(lambda: workers_at_work(redis) == 1, what="it is counted")
    worker.terminate()
    assert worker.wait(60) == 0


def test_who_reaches_redis_gets_no_other_code_to_run_in_a_worker(yard: Yard, tmp_path: Path) -> None:
    made = [tmp_path / name for name in ("pickled", "named")]
    with Redis.from_url(yard.settings.redis_url) as redis:
        Queue(BUILDS, connection=redis).enqueue("os.mkdir", str(made[0]))
        Queue(BUILDS, connection=redis, serializer=SERIALIZER).enqueue("os.mkdir", str(made[1]))
        worker = yard.start_worker()
        eventually(lambda: redis.llen(f"rq:queue:{BUILDS}") == 0, what="both are taken")
    eventually(lambda: yard.worker_log().count("a job of another kind was removed") == 2, what="both are refused")
    assert not any(path.exists() for path in made)
    assert worker.poll() is None


def test_losing_redis_in_the_middle_of_a_build_changes_nothing(yard: Yard, own_redis: RedisServer) -> None:
    worker = yard.start_worker()
    name = word()
    deployment = yard.push(VERSION="1\n", Dockerfile=slow(name, 3))
    yard.builds_step(name)
    own_redis.stop()
    yard.reaches(deployment, "starting")
    own_redis.start()
    second = yard.push(VERSION="2\n", Dockerfile=QUICK)
    yard.reaches(second, "starting")
    assert worker.poll() is None
    assert yard.lines(deployment)[-1].startswith("built ")


def test_a_worker_waits_for_redis(yard: Yard, own_redis: RedisServer) -> None:
    own_redis.stop()
    worker = yard.start_worker()
    eventually(lambda: "Redis does not answer" in yard.worker_log())
    own_redis.start()
    yard.reaches(yard.push(VERSION="1\n", Dockerfile=QUICK), "starting")
    assert worker.poll() is None


@pytest.mark.parametrize("first", ["the stop", "Redis"])
def test_a_worker_ends_on_sigterm_while_redis_is_unreachable(yard: Yard, own_redis: RedisServer, first: str) -> None:
    worker = yard.start_worker()
    eventually(lambda: "waiting for jobs" in yard.worker_log())
    own_redis.stop()
    if first == "Redis":
        said = ("could not connect to Redis", "Redis does not answer")  # RQ, once its loop has begun; before, ours
        eventually(lambda: any(each in yard.worker_log() for each in said), what="the worker misses Redis")
    worker.terminate()
    assert worker.wait(60) == 0


def test_build_arguments_of_slipway_toml_reach_the_dockerfile(yard: Yard) -> None:
    checked = f'FROM {BASE}\nARG VERSION\nCOPY VERSION /VERSION\nRUN test "$VERSION" = "3.12 slim"\n'
    yard.start_worker()
    args = '[build.args]\nVERSION = "3.12 slim"\nNPM_TOKEN = "x"\n'
    deployment = yard.push(VERSION="1\n", Dockerfile=checked, **{"slipway.toml": args})
    yard.reaches(deployment, "starting")
    assert any("build argument NPM_TOKEN stays readable" in line for line in yard.lines(deployment))
    other = yard.push(VERSION="1\n", Dockerfile=checked, **{"slipway.toml": '[build.args]\nVERSION = "4"\n'})
    eventually(lambda: yard.row(other).state == "failed", within_s=90)
    assert yard.row(other).reason == "build-failed", "the step is not taken from the cache"
