"""Enqueues certificates that are due, so that losing Redis or a worker loses none: those that hosts want, those to be
renewed, those that nobody wants any more, and those whose job was killed."""

from __future__ import annotations

import logging

from slipway.adapters.certificate_files import CertificateFiles
from slipway.db import Database
from slipway.domain.certificates import rows as certificates
from slipway.ports.queue import CertificateQueue
from slipway.settings import Settings

log = logging.getLogger(__name__)

EVERY_S = 5.0
_WHY = "agent: certificates that are due"


def enqueue_due(db: Database, queue: CertificateQueue, settings: Settings) -> int:
    """Compare rows and hosts, and say how many need a job."""
    if not settings.https_listen:
        return 0
    if _differ(db, settings):
        with db.write(platform=_WHY) as session:
            certificates.synchronize(session, settings)
    with db.read(platform=_WHY) as session:
        due = certificates.due(session, settings)
    return sum(queue.enqueue_certificate(certificate_id, lease) for certificate_id, lease in due)


def _differ(db: Database, settings: Settings) -> bool:
    """Looked at first: a transaction that writes makes others wait."""
    with db.read(platform=_WHY) as session:
        return certificates.differ(session, settings)


def collect_files(settings: Settings) -> None:
    """Delete the files of certificates that are served no longer."""
    if settings.certificate_dir.exists():
        CertificateFiles(settings.certificate_dir).collect()
