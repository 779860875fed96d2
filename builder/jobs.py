"""What happens to a deployment in a worker: it is claimed, its source is fetched, the build is planned, the image is
built, and the image is recorded. There the job ends: the agent rolls the image out and reports how that ended.

Every job can run twice, and at any moment the agent may give the deployment to another worker: each write goes through
the lease, which checks that. Whatever ends the work, its processes and its sources are gone before the row says so.
"""

from __future__ import annotations

import logging
import signal
from types import FrameType
from typing import Any

from builder import finish
from builder.attempt import Attempt, shutdown_requested
from builder.dependencies import Dependencies, connected
from builder.lease import Lease, LeaseLost, claim
from builder.sources.source import Source, source_of
from slipway import logs, settings
from slipway.core.deployment.states import State
from slipway.db import DatabaseAway
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.ports.building import Interrupted

log = logging.getLogger(__name__)


def build(deployment_id: int, attempt: int) -> dict[str, Any]:
    """The job, which the queue calls by its dotted name. Returns `{"state": …}`: `starting` when the image is recorded,
    or how the deployment ended without one; `{"state": None}` when there was nothing to do, or another worker does it.

    Raises:
        SlipwayError: the database does not answer, or the key file is missing. The heartbeat ends with the job, and the
            agent gives the deployment to another worker.
    """
    with logs.bind(deployment=deployment_id, attempt=attempt), connected(settings.load()) as dependencies:
        lease = claim(dependencies.db, deployment_id, attempt)
        if lease is None:
            log.info("nothing to do: the job ran before, or the deployment has ended or has a newer attempt")
            return {"state": None}
        log.info("claimed", extra={"tenant": lease.work.tenant, "app": lease.work.app, "commit": lease.work.commit_sha})
        state = work_on(dependencies, lease)
        return {"state": str(state) if state else None}


def work_on(dependencies: Dependencies, lease: Lease) -> State | None:
    """Make the image of a claimed deployment, with the heartbeat beating. Returns what `build` does."""
    try:
        attempt = Attempt(dependencies, lease)
        source = source_of(attempt)
    except Exception as error:  # noqa: BLE001 - whatever it is, the deployment ends with it
        return finish.fail_unopened(dependencies, lease, error)
    with attempt.heartbeat.beating(source.is_stale):
        return _image_or_end(attempt, source)


def _image_or_end(attempt: Attempt, source: Source) -> State | None:
    """Make the image, or write down why there is none. None: the deployment is another worker's now."""
    try:
        make_image(attempt, source)
    except LeaseLost:
        log.warning("stopped: the lease is lost; nothing was written")
    except DatabaseAway as error:
        log.warning("the database was unreachable", extra={"why": error.message})
        finish.hand_back(attempt, "the database was unreachable for a moment")
    except Interrupted:
        return finish.stop(attempt)
    except DeploymentFailed as error:
        return finish.fail(attempt, error)
    except SlipwayError as error:
        log.warning("could not go on", extra={"why": error.message})
        return finish.fail(attempt, DeploymentFailed("unavailable", error.message, remedy=error.remedy))
    except Exception:
        log.exception("a fault of ours")
        return finish.fail(attempt, finish.internal_fault(attempt.work.deployment_id))
    else:
        return State.STARTING
    return None


def make_image(attempt: Attempt, source: Source) -> None:
    """From claimed to recorded: the same steps for every source."""
    try:
        with source.workspace():
            version = source.find_version()
            attempt.record_version(version)
            source.stop_if_needless(version)
            source.fetch(version)
            source.plan()
            image = source.build()
        attempt.record_image(image)
        attempt.dependencies.queue.wake_agent(attempt.work.app_id)
    finally:
        source.clean_up()


def hand_back_on_sigterm() -> None:
    """Have SIGTERM hand the deployment back to the queue instead of losing it. For the work-horse's main thread."""

    def on_sigterm(_signal: int, _frame: FrameType | None) -> None:
        shutdown_requested.set()

    signal.signal(signal.SIGTERM, on_sigterm)
