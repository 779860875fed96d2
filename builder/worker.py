"""`python -m builder.worker`: takes jobs from the queue, one at a time, and does each in a forked process, RQ's
"work-horse".

The work-horse dies with the worker, and every process that it starts dies with the work-horse. The worker survives a
restart of Redis.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DeserializationError, StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.worker import WorkerStatus
from sqlalchemy.orm import configure_mappers

from builder import dependencies, jobs, warm_up
from slipway import logs, settings
from slipway.adapters.redis import work_queue

log = logging.getLogger(__name__)

REDIS_PAUSE_S = 1.0
SWEEP_EVERY_S = 10
NICE = 10
"""The edge, the router and the webhook get the CPU before builds do."""
_PR_SET_PDEATHSIG = 1


class BuildWorker(Worker):
    """RQ's worker, with a work-horse that dies with it, and without RQ's habit of ending when Redis is gone."""

    max_connection_wait_time = 2.0
    stop_requested = False

    def setup_work_horse_signals(self) -> None:
        """The first thing that runs in the work-horse."""
        die_with(self.pid)
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        jobs.hand_back_on_sigterm()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        BuildWorker.stop_requested = True  # of the class: `main` makes another worker after Redis was gone
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def handle_warm_shutdown_request(self) -> None:
        """SIGTERM: the work-horse hands its deployment back to the queue, then the worker ends."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """An error of Redis is only logged: the deployment's row says what becomes of the work, not RQ's records."""
        try:
            if not _is_build(job):
                log.error("a job that is no build was removed", extra={"job": job.id})
                job.delete()
                return
            super().execute_job(job, queue)
        except RedisError as error:
            log.warning("Redis did not answer during a job", extra={"job": job.id, "why": str(error)})
            self._await_horse()

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            log.warning("RQ's heartbeat failed", extra={"job": job.id, "why": str(error)})

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, _rusage: Any) -> None:
        log.error("the work-horse was killed", extra={"job": job.id, "pid": retpid, "status": ret_val})
        dependencies.tidy(settings.load())

    def run_maintenance_tasks(self) -> None:
        """What a killed worker left may have been held when this one began: its processes end one after the other."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        dependencies.sweep(settings.load())

    def _await_horse(self) -> None:
        if self.horse_pid:
            self.wait_for_horse()
            self._horse_pid = 0
        self._state = WorkerStatus.IDLE


def die_with(parent: int | None) -> None:
    """Have the kernel kill this process when its parent process dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # the parent died before the call
        os._exit(1)


def main() -> int:
    """Work until SIGTERM. What jobs need is imported by now, so that their forks share it."""
    signal.signal(signal.SIGTERM, _end)  # RQ's worker listens only from when it begins
    chosen = settings.load()
    logs.configure("worker", chosen.log_level)
    os.nice(NICE)
    for chatty in ("rq.worker", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    configure_mappers()
    dependencies.tidy(chosen)
    warm_up.warm_up(dependencies.database(chosen))
    redis = work_queue.connect(chosen.redis_url)
    with contextlib.suppress(StopRequested):
        while not BuildWorker.stop_requested:
            _work(redis)
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM before the first worker has begun: there is no job to hand back."""
    raise SystemExit(0)


def _work(redis: Redis) -> None:
    """Work until SIGTERM, or until Redis does not answer, and then pause."""
    try:
        worker = BuildWorker(
            [Queue(work_queue.BUILDS, connection=redis, serializer=work_queue.SERIALIZER)],
            name=_name(),
            connection=redis,
            serializer=work_queue.SERIALIZER,
            worker_ttl=work_queue.WORKER_TTL_S,
            maintenance_interval=SWEEP_EVERY_S,
        )
        log.info("waiting for deployments", extra={"worker": worker.name})
        worker.work(logging_level=None)
    except RedisError as error:
        log.warning("Redis does not answer", extra={"why": str(error)})
    if not BuildWorker.stop_requested:
        time.sleep(REDIS_PAUSE_S)


def _is_build(job: Job) -> bool:
    """Does it call `jobs.build` and nothing else? Whoever can write to Redis (the webhook can, and faces the internet)
    must not get other code to run here, where containers can be started."""
    hooked = (job._success_callback_name, job._failure_callback_name, job._stopped_callback_name)
    try:
        return (job.func_name, job.instance, any(hooked)) == (work_queue.BUILD_JOB, None, False)
    except DeserializationError:
        return False


def _name() -> str:
    """Unique among the workers of all hosts, and different from a killed worker's that had the same process id."""
    return f"{socket.gethostname()}-{os.getpid()}-{time.time_ns() // 1_000_000:x}"


if __name__ == "__main__":
    sys.exit(main())
