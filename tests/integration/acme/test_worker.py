"""The worker of certificates as a process, and the queue that brings it jobs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.adapters.redis import work_queue
from slipway.adapters.redis.work_queue import WorkQueue
from tests.fixtures.services.forked import ForkedModule
from tests.fixtures.waiting import eventually
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


def _worker(installation: Installation, output: Path) -> ForkedModule:
    environment = {"PATH": os.environ["PATH"], **installation.environment}
    return ForkedModule("builder.certificates.worker", environment, output)


@pytest.fixture
def worker(installation: Installation, output: Path) -> Iterator[ForkedModule]:
    process = _worker(installation, output)
    yield process
    process.kill()
    process.wait(60)


def _enqueue(installation: Installation) -> None:
    """As the agent does."""
    queue = WorkQueue(work_queue.connect(installation.settings.redis_url), job_timeout_s=60)
    for certificate_id, lease in installation.due():
        assert queue.enqueue_certificate(certificate_id, lease)


def _is_served(installation: Installation) -> bool:
    _enqueue(installation)
    return bool(installation.index().get("certificates"))


def test_a_worker_issues_what_is_enqueued(installation: Installation, worker: ForkedModule, output: Path) -> None:
    installation.add_domain(HOST)

    eventually(lambda: _is_served(installation), within_s=60, what="it is served")

    assert installation.served(HOST)


def test_a_worker_that_is_killed_with_its_job_is_followed_by_another(
    installation: Installation, worker: ForkedModule, output: Path
) -> None:
    installation.add_domain(HOST)
    _enqueue(installation)
    eventually(lambda: installation.row(HOST).state == "issuing", within_s=60, what="it is being issued")

    os.kill(worker.pid, signal.SIGKILL)
    another = _worker(installation, output)
    try:
        eventually(lambda: _is_served(installation), within_s=120, what="it is served")
    finally:
        another.kill()
        another.wait(60)


def test_a_worker_that_is_asked_to_end_finishes_its_job(
    installation: Installation, worker: ForkedModule, output: Path
) -> None:
    installation.add_domain(HOST)
    _enqueue(installation)
    eventually(lambda: installation.row(HOST).state == "issuing", within_s=60, what="it is being issued")

    worker.terminate()

    assert worker.wait(120) == 0
    assert installation.row(HOST).state == "issued", output.read_text()
    assert len(installation.issuances()) == 1


def test_a_job_of_another_kind_is_not_done(installation: Installation, worker: ForkedModule, output: Path) -> None:
    """Whoever can write to Redis gets no code to run where the keys are."""
    redis = work_queue.connect(installation.settings.redis_url)
    from rq import Queue

    mark = output.with_name("mark")
    queue = Queue(work_queue.CERTIFICATES, connection=redis, serializer=work_queue.SERIALIZER)
    job = queue.enqueue("os.mkdir", str(mark))

    eventually(lambda: not queue.fetch_job(job.id), within_s=60, what="the job is gone")
    assert not mark.exists()
