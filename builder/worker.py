"""`python -m builder.worker`: takes deployments from the queue and works on one at a time, in a work-horse.

The horse dies with the worker, and everything it starts dies with the horse. Redis may come and go.
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
NICE = 10
"""What serves and what takes deliveries goes before what builds, where they want the same CPU."""
_PR_SET_PDEATHSIG = 1


class BuildWorker(Worker):
    """RQ's worker, whose horse dies with it, and which outlives Redis."""

    max_connection_wait_time = 2.0
    told_to_stop = False

    def setup_work_horse_signals(self) -> None:
        """In the horse, first thing."""
        die_with(self.pid)
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        jobs.end_with_the_worker()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        BuildWorker.told_to_stop = True  # for whichever of this process's workers comes next, too
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def handle_warm_shutdown_request(self) -> None:
        """SIGTERM: the horse gives back what it has in hand, then the worker ends."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """The row decides what becomes of the work; Redis' account of it may get lost."""
        try:
            if not _is_build(job):
                log.error("a job that is no build was thrown away", extra={"job": job.id})
                job.delete()
                return
            super().execute_job(job, queue)
        except RedisError as error:
            log.warning("Redis went away during a job", extra={"job": job.id, "why": str(error)})
            self._await_horse()

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            log.warning("RQ's heartbeat failed", extra={"job": job.id, "why": str(error)})

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, _rusage: Any) -> None:
        log.error("the work-horse was killed", extra={"job": job.id, "pid": retpid, "status": ret_val})
        dependencies.tidy(settings.load())

    def _await_horse(self) -> None:
        if self.horse_pid:
            self.wait_for_horse()
            self._horse_pid = 0
        self._state = WorkerStatus.IDLE


def die_with(parent: int | None) -> None:
    """Have the kernel kill this process when its parent dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died meanwhile
        os._exit(1)


def main() -> int:
    """Work until told to stop. What jobs need is imported by now, so that their forks have it."""
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
        while not BuildWorker.told_to_stop:
            _work(redis)
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Nothing is in hand."""
    raise SystemExit(0)


def _work(redis: Redis) -> None:
    """Until told to stop, or until Redis is away: then after a pause."""
    try:
        worker = BuildWorker(
            [Queue(work_queue.BUILDS, connection=redis, serializer=work_queue.SERIALIZER)],
            name=_name(),
            connection=redis,
            serializer=work_queue.SERIALIZER,
            worker_ttl=work_queue.WORKER_TTL_S,
        )
        log.info("waiting for deployments", extra={"worker": worker.name})
        worker.work(logging_level=None)
    except RedisError as error:
        log.warning("Redis does not answer", extra={"why": str(error)})
    if not BuildWorker.told_to_stop:
        time.sleep(REDIS_PAUSE_S)


def _is_build(job: Job) -> bool:
    """Whether it asks for a build and nothing else: who can write to Redis (what faces the internet, too) must not get
    other code to run here, where containers can be started."""
    hooked = (job._success_callback_name, job._failure_callback_name, job._stopped_callback_name)
    try:
        return (job.func_name, job.instance, any(hooked)) == (work_queue.BUILD_JOB, None, False)
    except DeserializationError:
        return False


def _name() -> str:
    """Unique among all hosts' workers, and told apart from a killed one of the same process id."""
    return f"{socket.gethostname()}-{os.getpid()}-{time.time_ns() // 1_000_000:x}"


if __name__ == "__main__":
    sys.exit(main())
