"""What the edge serves: the index, made of the rows."""

from __future__ import annotations

import logging

from sqlalchemy import select

from builder.certificates.dependencies import Dependencies
from slipway.core.certificates.index import HttpsOfHost, Served
from slipway.core.certificates.states import State
from slipway.domain import certificates
from slipway.models import Certificate, Domain

log = logging.getLogger(__name__)
_WHY = "certificates: what is served"


def publish(dependencies: Dependencies) -> None:
    """Have the edge serve what the rows say.

    Raises:
        OSError: the index can't be written; the old one stays.
    """
    with dependencies.db.read(platform=_WHY) as session:
        rows = session.scalars(select(Certificate).where(Certificate.serial != "", Certificate.state != State.REMOVED))
        served = [Served(row.id, tuple(row.names), row.serial, row.not_after) for row in rows if row.not_after]
        hosts = [*session.scalars(select(Domain.host)), *certificates.platform_hosts(dependencies.settings)]
    if dependencies.files.publish(served, {host: HttpsOfHost() for host in hosts}):
        log.info("published", extra={"certificates": len(served)})
