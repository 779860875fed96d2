"""RQ's worker as Slipway needs it: jobs one at a time, each in a forked process, RQ's "work-horse".

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
import time
from types import FrameType
from typing import ClassVar

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DeserializationError, StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.worker import WorkerStatus

from slipway.adapters.redis import work_queue

log = logging.getLogger(__name__)

REDIS_PAUSE_S = 1.0
SWEEP_EVERY_S = 10
_PR_SET_PDEATHSIG = 1


class QueueWorker(Worker):
    """RQ's worker, with a work-horse that dies with it, and without RQ's habit of ending when Redis is gone."""

    max_connection_wait_time = 2.0
    queue_name: ClassVar[str]
    job_name: ClassVar[str]
    """The one function that it calls."""
    stop_requested: ClassVar[bool] = False

    def setup_work_horse_signals(self) -> None:
        """The first thing that runs in the work-horse."""
        die_with(self.pid)
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        type(self).stop_requested = True  # of the class: another worker is made after Redis was gone
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def execute_job(self, job: Job, queue: Queue) -> None:
        """An error of Redis is only logged: the row says what becomes of the work, not RQ's records."""
        try:
            if not self._is_expected(job):
                log.error("a job of another kind was removed", extra={"job": job.id})
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

    def _is_expected(self, job: Job) -> bool:
        """Does it call the one function and nothing else? Whoever can write to Redis (the webhook can, and faces the
        internet) must not get other code to run here, where containers can be started and keys lie."""
        hooked = (job._success_callback_name, job._failure_callback_name, job._stopped_callback_name)
        try:
            return (job.func_name, job.instance, any(hooked)) == (self.job_name, None, False)
        except DeserializationError:
            return False

    def _await_horse(self) -> None:
        if self.horse_pid:
            self.wait_for_horse()
            self._horse_pid = 0
        self._state = WorkerStatus.IDLE


def work_until_stopped(kind: type[QueueWorker], redis: Redis) -> None:
    """Work until SIGTERM."""
    with contextlib.suppress(StopRequested):
        while not kind.stop_requested:
            _work(kind, redis)


def end_on_sigterm() -> None:
    """SIGTERM before the first worker has begun: there is no job to hand back. RQ's worker listens from when it
    begins."""
    signal.signal(signal.SIGTERM, _end)


def die_with(parent: int | None) -> None:
    """Have the kernel kill this process when its parent process dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # the parent died before the call
        os._exit(1)


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _work(kind: type[QueueWorker], redis: Redis) -> None:
    """Work until SIGTERM, or until Redis does not answer, and then pause."""
    try:
        worker = kind(
            [Queue(kind.queue_name, connection=redis, serializer=work_queue.SERIALIZER)],
            name=_name(),
            connection=redis,
            serializer=work_queue.SERIALIZER,
            worker_ttl=work_queue.WORKER_TTL_S,
            maintenance_interval=SWEEP_EVERY_S,
        )
        log.info("waiting for jobs", extra={"worker": worker.name, "queue": kind.queue_name})
        worker.work(logging_level=None)
    except RedisError as error:
        log.warning("Redis does not answer", extra={"why": str(error)})
    if not kind.stop_requested:
        time.sleep(REDIS_PAUSE_S)


def _name() -> str:
    """Unique among the workers of all hosts, and different from a killed worker's that had the same process id."""
    return f"{socket.gethostname()}-{os.getpid()}-{time.time_ns() // 1_000_000:x}"
