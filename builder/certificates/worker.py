"""`python -m builder.certificates.worker`: takes certificates from their queue, one at a time.

A process apart from builds, which may take half an hour. While it waits it has next to nothing imported; what a job
needs is imported in its fork.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from rq.job import Job

from builder.queue_worker import QueueWorker, end_on_sigterm, work_until_stopped
from slipway import logs, settings
from slipway.adapters.redis import work_queue

log = logging.getLogger(__name__)


class CertificateWorker(QueueWorker):
    """SIGTERM ends it after the job that it has: one that is cut off may use up what an authority allows."""

    queue_name = work_queue.CERTIFICATES
    job_name = work_queue.CERTIFICATE_JOB

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, _rusage: Any) -> None:
        log.error("the work-horse was killed", extra={"job": job.id, "pid": retpid, "status": ret_val})


def main() -> int:
    """Work until SIGTERM."""
    end_on_sigterm()
    chosen = settings.load()
    logs.configure("certificates", chosen.log_level)
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    work_until_stopped(CertificateWorker, work_queue.connect(chosen.redis_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
