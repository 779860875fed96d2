"""The queues of builds and of certificates, on RQ. Work is named by dotted name and id, so that no package
imports another.

When Redis is unreachable the calls say so in the log and return: the agent enqueues every deployment whose heartbeat
is stale.
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

from slipway.adapters.redis.events import RedisEvents

log = logging.getLogger(__name__)

BUILDS = "builds"
BUILD_JOB = "builder.jobs.build"
CERTIFICATES = "certificates"
CERTIFICATE_JOB = "builder.certificates.jobs.work"
SERIALIZER = "json"
"""RQ's default, pickle, would let everyone who reaches Redis run what they like in a worker."""

FETCH_S = 3600
"""How long a job may take beside its build: comparing and fetching have timeouts of their own."""
WORKER_TTL_S = 25
"""RQ's worker sends a heartbeat at the latest 15 s before this is over."""
CERTIFICATE_JOB_S = 1200
"""How long a job of a certificate may take: two authorities, and a turn after another certbot."""
_HEARTBEAT_WITHIN_S = 40.0
"""Above RQ's own 30 s between the heartbeats of a worker that has a job."""


def connect(url: str, *, timeout_s: float = 2.0) -> Redis:
    """A Redis client that gives up on a silent server after `timeout_s` (blocking reads need their own).

    Made by `from_url`, which tries once: `Redis(…)` would try ten times, for longer than a delivery's sender waits.
    A connection that Redis' restart has cut is noticed and replaced before it is used.
    """
    return Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)


class WorkQueue:
    """`slipway.ports.queue.DeploymentQueue` and `CertificateQueue` on RQ."""

    def __init__(self, redis: Redis, *, job_timeout_s: float) -> None:
        self._redis = redis
        self._events = RedisEvents(redis)
        self._queue = Queue(BUILDS, connection=redis, serializer=SERIALIZER)
        self._certificates = Queue(CERTIFICATES, connection=redis, serializer=SERIALIZER)
        self._job_timeout_s = int(job_timeout_s) + FETCH_S

    def enqueue_build(self, deployment_id: int, attempt: int) -> bool:
        """Queue one attempt, once: the same attempt enqueued again is no second job. False: Redis is
        unreachable."""
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
        """Whether a worker will still claim this attempt: its job waits, or a worker got it just now. None: Redis is
        unreachable, so nothing is known."""
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

    def enqueue_certificate(self, certificate_id: int, lease: int) -> bool:
        try:
            self._certificates.enqueue(
                CERTIFICATE_JOB,
                certificate_id,
                lease,
                job_id=f"certificate-{certificate_id}-{lease}",
                unique=True,
                job_timeout=CERTIFICATE_JOB_S,
                result_ttl=0,
                failure_ttl=60,
            )
        except DuplicateJobError:
            return True
        except RedisError as error:
            log.warning("not enqueued, the agent will", extra={"certificate": certificate_id, "why": str(error)})
            return False
        return True

    def wake_agent(self, app_id: int) -> None:
        self._events.app_changed(app_id)


def workers_at_work(redis: Redis) -> int:
    """How many workers sent a heartbeat lately: a killed one stays registered for a while.

    Raises:
        RedisError: Redis does not answer.
    """
    keys = cast("set[bytes]", redis.smembers(WORKERS_BY_QUEUE_KEY % BUILDS))
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hget(key.decode(), "last_heartbeat")
        heartbeats = [utcparse(each.decode()) for each in pipe.execute() if each]
    return sum((now() - at).total_seconds() < _HEARTBEAT_WITHIN_S for at in heartbeats)


def _job_id(deployment_id: int, attempt: int) -> str:
    return f"deployment-{deployment_id}-{attempt}"
