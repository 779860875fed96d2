"""Certificates that somebody gives for a host: one takes the place of the authority's, and goes with it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.certificates import renewal
from slipway.core.certificates.names import challenge_for
from slipway.core.certificates.states import State
from slipway.domain.certificates.rows import ACME, OWN, begin_anew, remove
from slipway.models import TO_CHANGE, App, Certificate, OwnCertificate, now

Sealing = tuple[object, ...]


def sealed_for(tenant_id: int | None, app_id: int | None, host: str) -> Sealing:
    """Where a sealed certificate belongs: it opens for no other tenant, app or host."""
    return tenant_id, app_id, "certificate", host


def in_use(session: Session, host: str) -> Certificate | None:
    """The host's certificate, to be changed."""
    query = select(Certificate).filter_by(names_key=host).where(Certificate.state != State.REMOVED)
    return session.scalar(query.with_for_update(**TO_CHANGE))


def has_own(session: Session, host: str) -> bool:
    query = select(Certificate.id).filter_by(names_key=host, source=OWN).where(Certificate.state != State.REMOVED)
    return session.scalar(query) is not None


def row_for(session: Session, app: App, host: str) -> Certificate:
    """The host's certificate, made where no authority was to give one.

    Raises:
        IntegrityError: another tenant's is still there.
    """
    row = in_use(session, host)
    if row is None:
        row = Certificate(tenant_id=app.tenant_id, app_id=app.id, names=[host], names_key=host)
        row.challenge = challenge_for([host])
        session.add(row)
        session.flush()
    return row


def give(session: Session, row: Certificate, sealed: str, issuer: str) -> None:
    """From now on this one is to be served. What is served now stays until it is in place."""
    own = session.scalar(select(OwnCertificate).filter_by(certificate_id=row.id))
    if own is None:
        own = OwnCertificate(tenant_id=row.tenant_id, certificate_id=row.id)
        session.add(own)
    own.sealed, own.issuer, own.created_at = sealed, issuer, now()
    row.source = OWN
    begin_anew(row, now())


def take_back(session: Session, row: Certificate, *, authority_follows: bool) -> None:
    """The authority's comes back, and until it is in place the own one is served. Where no authority certifies the
    host, there is none from now on."""
    if not authority_follows:
        remove(session, row)
        return
    session.delete(session.scalars(select(OwnCertificate).filter_by(certificate_id=row.id)).one())
    row.source = ACME
    begin_anew(row, _renew_at(row))


def _renew_at(row: Certificate) -> datetime:
    """At once, unless what is in place is still the authority's."""
    if row.authority and row.not_before and row.not_after:
        return renewal.renew_at(row.not_before, row.not_after, 0.0)
    return now()
