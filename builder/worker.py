"""`python -m builder.worker`: takes builds from the queue, one at a time (`builder/queue_worker.py`)."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any

from rq.job import Job
from sqlalchemy.orm import configure_mappers

from builder import dependencies, jobs, warm_up
from builder.queue_worker import QueueWorker, end_on_sigterm, work_until_stopped
from slipway import logs, settings
from slipway.adapters.redis import work_queue

log = logging.getLogger(__name__)

NICE = 10
"""The edge, the router and the webhook get the CPU before builds do."""


class BuildWorker(QueueWorker):
    queue_name = work_queue.BUILDS
    job_name = work_queue.BUILD_JOB

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()
        jobs.hand_back_on_sigterm()

    def handle_warm_shutdown_request(self) -> None:
        """SIGTERM: the work-horse hands its deployment back to the queue, then the worker ends."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, _rusage: Any) -> None:
        log.error("the work-horse was killed", extra={"job": job.id, "pid": retpid, "status": ret_val})
        dependencies.tidy(settings.load())

    def run_maintenance_tasks(self) -> None:
        """What a killed worker left may have been held when this one began: its processes end one after the other."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        dependencies.sweep(settings.load())


def main() -> int:
    """Work until SIGTERM. What jobs need is imported by now, so that their forks share it."""
    end_on_sigterm()
    chosen = settings.load()
    logs.configure("worker", chosen.log_level)
    os.nice(NICE)
    for chatty in ("rq.worker", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    configure_mappers()
    dependencies.tidy(chosen)
    warm_up.warm_up(dependencies.database(chosen))
    work_until_stopped(BuildWorker, work_queue.connect(chosen.redis_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
