"""What happens to a certificate in a job. It is claimed; then it is issued, renewed, put in place, or removed.

Every job can run twice, and can be killed at each step: the next one finds by the files and the row how far it came.
The index that the edge reads is written last, so that the old certificate is served until then.
"""

from __future__ import annotations

import errno
import logging
from typing import Any

from builder.certificates import issuing, own, removal
from builder.certificates.dependencies import Dependencies, connected
from builder.certificates.failed import Failed
from builder.certificates.lease import Lease, LeaseLost, claim
from builder.certificates.publishing import publish
from slipway import logs, settings
from slipway.core.certificates.backoff import next_attempt_at
from slipway.core.certificates.failures import Failure, Reported, explain
from slipway.core.certificates.states import State
from slipway.domain.certificates import rows as certificates
from slipway.models import now
from slipway.ports.authority import NotDone
from slipway.ports.building import Interrupted

log = logging.getLogger(__name__)


def work(certificate_id: int, lease: int) -> dict[str, Any]:
    """The job, which the queue calls by its dotted name. Returns the state in which it leaves the certificate; `None`
    when there was nothing to do, or another job does it."""
    with logs.bind(certificate=certificate_id), connected(settings.load()) as dependencies:
        return {"state": run(dependencies, certificate_id, lease)}


def run(dependencies: Dependencies, certificate_id: int, number: int) -> str | None:
    chosen = dependencies.settings
    lease = claim(dependencies.db, certificate_id, number, heartbeat_s=chosen.heartbeat_s, lapse_s=chosen.lapse_s)
    if lease is None:
        log.info("nothing to do: another job does it, or it is done")
        return None
    log.info("claimed", extra={"names": lease.work.names_key, "state": str(lease.work.state)})
    try:
        with lease.beating():
            _work_on(dependencies, lease)
        return _release(lease)
    except (LeaseLost, Interrupted):
        log.warning("stopped: the lease is lost; nothing was written")
        return None


def _work_on(dependencies: Dependencies, lease: Lease) -> None:
    try:
        if lease.work.state is State.REMOVED:
            removal.remove(dependencies, lease)
        elif lease.work.source == certificates.OWN:
            own.put_in_place(dependencies, lease)
        else:
            issuing.issue_or_renew(dependencies, lease)
    except Failed as failed:
        _record(dependencies, lease, failed.failure)
    except NotDone as error:
        _record(dependencies, lease, explain(error.reported))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        _record(dependencies, lease, explain(Reported(disk_full=full, detail=str(error))))


def _record(dependencies: Dependencies, lease: Lease, failure: Failure) -> None:
    work = lease.work
    log.warning("no certificate", extra={"names": work.names_key, "reason": failure.reason, "why": failure.detail})
    with lease.write() as (_, row):
        if failure.reason == issuing.BUDGET and failure.retry_after_s is not None:
            at = issuing.after(failure.retry_after_s)
        else:
            at = next_attempt_at(failure, row.attempts + 1, now(), dependencies.chance(), row.not_after)
        certificates.record_failure(row, failure, at)
    _publish_left_behind(dependencies)


def _publish_left_behind(dependencies: Dependencies) -> None:
    """What a killed job had installed is served, whatever became of this attempt."""
    try:
        publish(dependencies.db, dependencies.files, dependencies.settings)
    except OSError as error:
        log.warning("the index can't be written", extra={"why": str(error)})


def _release(lease: Lease) -> str | None:
    try:
        with lease.write() as (_, row):
            row.heartbeat_at = None
            return row.state
    except LeaseLost:
        return None
