"""A certificate that no host wants any more: first it is served no longer, then it is revoked, then it is deleted."""

from __future__ import annotations

import logging

from builder.certificates.dependencies import Dependencies
from builder.certificates.lease import Lease, Work
from builder.certificates.publishing import publish
from slipway.core.certificates.pem import facts_of
from slipway.models import now
from slipway.ports.authority import Pair

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 20
"""So often an authority may refuse; then the certificate goes unrevoked, and its key is deleted."""


def remove(dependencies: Dependencies, lease: Lease) -> None:
    """Raises `NotDone`: the authority did not revoke it; another attempt follows."""
    work = lease.work
    publish(dependencies.db, dependencies.files, dependencies.settings)
    _revoke(dependencies, work)
    dependencies.authority.forget(work.id)
    with lease.write() as (session, row):
        session.delete(row)
    dependencies.files.collect()
    log.info("removed", extra={"names": work.names_key})


def _revoke(dependencies: Dependencies, work: Work) -> None:
    """What an authority gave us: an own certificate is for its owner to revoke."""
    if not dependencies.settings.issues_certificates:
        return
    pair = _issued_to_us(dependencies, work)
    if pair is None or facts_of(pair.fullchain, pair.key).not_after <= now():
        return
    if work.attempts >= MOST_ATTEMPTS:
        log.error("deleted without being revoked", extra={"names": work.names_key, "serial": work.serial})
        return
    dependencies.authority.revoke(pair, work.authority or dependencies.settings.acme_directory)


def _issued_to_us(dependencies: Dependencies, work: Work) -> Pair | None:
    if work.serial and work.authority:
        return dependencies.files.pair(work.id, work.folder)
    return dependencies.authority.issued(work.id)
