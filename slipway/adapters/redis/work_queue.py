"""How work reaches a worker and how the agent is woken. Redis carries it; SQL remembers it.

Both calls are hints: when Redis is away they say so in the log, and the agent enqueues every deployment whose
heartbeat lapsed. Work is named by dotted name and id, so that no package imports another.
"""

from __future__ import annotations

import logging
from typing import cast

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.utils import now, utcparse
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

log = logging.getLogger(__name__)

BUILDS = "builds"
BUILD_JOB = "builder.jobs.build"
SERIALIZER = "json"
"""RQ's default, pickle, would let everyone who reaches Redis run what they like in a worker."""
WAKE_CHANNEL = "slipway:agent:wake"

FETCH_S = 3600
"""How long a job may take beside its build: comparing and fetching have timeouts of their own."""
WORKER_TTL_S = 25
"""RQ's worker says that it lives 15 s sooner than this, at most."""
_HEARD_WITHIN_S = 40.0
"""Above RQ's own 30 s between the heartbeats of a worker that has a job."""


def connect(url: str, *, timeout_s: float = 2.0) -> Redis:
    """A Redis client that gives up on a silent server after `timeout_s` (blocking reads need their own).

    Made by `from_url`, which tries once: `Redis(…)` would try ten times, for longer than a delivery's sender waits.
    A connection that Redis' restart has cut is noticed and replaced before it is used.
    """
    return Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)


class WorkQueue:
    """Hands deployments to workers, and wakes the agent."""

    def __init__(self, redis: Redis, *, job_timeout_s: float) -> None:
        self._redis = redis
        self._queue = Queue(BUILDS, connection=redis, serializer=SERIALIZER)
        self._job_timeout_s = int(job_timeout_s) + FETCH_S

    def enqueue_build(self, deployment_id: int, attempt: int) -> bool:
        """Queue one attempt, once: the same attempt enqueued again is no second job. False: Redis is away."""
        try:
            self._queue.enqueue(
                BUILD_JOB,
                deployment_id,
                attempt,
                job_id=_job_id(deployment_id, attempt),
                unique=True,
                job_timeout=self._job_timeout_s,
                result_ttl=3600,
                failure_ttl=86400,
            )
        except DuplicateJobError:
            return True
        except RedisError as error:
            log.warning("not enqueued, the agent will", extra={"deployment": deployment_id, "why": str(error)})
            return False
        return True

    def build_is_pending(self, deployment_id: int, attempt: int, *, claimed_within_s: float) -> bool | None:
        """Will this attempt still be taken in hand: does its job wait for a worker, or did one get it just now?

        None: Redis is away, so nothing is known.
        """
        try:
            job = Job.fetch(_job_id(deployment_id, attempt), connection=self._redis, serializer=SERIALIZER)
            status = job.get_status()
        except NoSuchJobError:
            return False
        except RedisError:
            return None
        if status in (JobStatus.CREATED, JobStatus.QUEUED, JobStatus.DEFERRED, JobStatus.SCHEDULED):
            return True
        since = job.started_at
        return status == JobStatus.STARTED and since is not None and (now() - since).total_seconds() < claimed_within_s

    def wake_agent(self, app_id: int) -> None:
        """Tell the agent that an app's wishes changed. It looks by itself every few seconds anyway."""
        try:
            self._redis.publish(WAKE_CHANNEL, str(app_id))
        except RedisError as error:
            log.warning("agent not woken, it will look by itself", extra={"app_id": app_id, "why": str(error)})


def workers_at_work(redis: Redis) -> int:
    """How many workers have been heard of lately: a killed one stays registered for a while.

    Raises:
        RedisError: Redis does not answer.
    """
    keys = cast("set[bytes]", redis.smembers(WORKERS_BY_QUEUE_KEY % BUILDS))
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hget(key.decode(), "last_heartbeat")
        told = [utcparse(each.decode()) for each in pipe.execute() if each]
    return sum((now() - at).total_seconds() < _HEARD_WITHIN_S for at in told)


def _job_id(deployment_id: int, attempt: int) -> str:
    return f"deployment-{deployment_id}-{attempt}"
