"""How certificates stand, for people and programs."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from slipway.core.certificates.names import why_none
from slipway.core.certificates.next_step import Standing, is_alarming, next_step
from slipway.core.certificates.states import State
from slipway.domain.certificates.rows import ACME, OWN
from slipway.models import App, Certificate, OwnCertificate, Tenant, now
from slipway.settings import Settings

NONE = "none"


def of_hosts(session: Session, settings: Settings, hosts: Collection[str]) -> dict[str, documents.HostCertificate]:
    """By host; empty where this installation serves no HTTPS."""
    if not settings.https_listen:
        return {}
    in_use = select(Certificate).where(Certificate.names_key.in_(hosts), Certificate.state != State.REMOVED)
    rows = {row.names_key: row for row in session.scalars(in_use)}
    issuers = _issuers(session, [row.id for row in rows.values()])
    return {
        host: _issued(rows[host], issuers.get(rows[host].id, "")) if host in rows else _none(host, settings)
        for host in hosts
    }


def _issuers(session: Session, certificate_ids: Collection[int]) -> dict[int, str]:
    """Of own ones, who signed them."""
    query = select(OwnCertificate.certificate_id, OwnCertificate.issuer)
    return dict(session.execute(query.where(OwnCertificate.certificate_id.in_(certificate_ids))).all())


def expiries(session: Session) -> list[documents.CertificateExpiry]:
    query = select(Certificate).where(Certificate.state != State.REMOVED).order_by(Certificate.names_key)
    return [expiry(row) for row in session.scalars(query)]


def of_all(session: Session) -> list[documents.PlatformCertificate]:
    """Of all tenants, and of the platform itself: those that run out first come first."""
    query = (
        select(Certificate, Tenant.name, App.name)
        .outerjoin(Tenant, Tenant.id == Certificate.tenant_id)
        .outerjoin(App, App.id == Certificate.app_id)
        .where(Certificate.state != State.REMOVED)
        .order_by(Certificate.not_after.is_(None), Certificate.not_after, Certificate.names_key)
    )
    return [
        documents.PlatformCertificate(
            **dict(expiry(row)), tenant=tenant, app=app, reason=row.reason, next_step=next_step(_standing(row))
        )
        for row, tenant, app in session.execute(query)
    ]


def expiry(row: Certificate) -> documents.CertificateExpiry:
    return documents.CertificateExpiry(
        names=row.names,
        source=row.source,
        state=row.state,
        not_after=row.not_after,
        expires_in_s=(row.not_after - now()).total_seconds() if row.not_after else None,
        alarm=is_alarming(_standing(row), now()),
    )


def _issued(row: Certificate, issuer: str) -> documents.HostCertificate:
    return documents.HostCertificate(
        state=row.state,
        reason=row.reason,
        detail=row.detail,
        next_step=next_step(_standing(row)),
        source=row.source,
        authority=row.authority,
        issuer=issuer,
        alarm=is_alarming(_standing(row), now()),
        serial=row.serial,
        not_after=row.not_after,
        renew_at=row.renew_at,
        next_attempt_at=row.next_attempt_at,
    )


def _none(host: str, settings: Settings) -> documents.HostCertificate:
    """Either no authority certifies such a name, or the agent has not seen the host yet."""
    why = why_none(host, own_authority=bool(settings.acme_ca_bundle))
    if not settings.issues_certificates:
        why = "no authority is asked: SLIPWAY_ACME_DIRECTORY is off"
    return documents.HostCertificate(
        state=NONE if why else str(State.WAITING),
        reason="",
        detail=why,
        next_step="nothing: it is reached over HTTP" if why else next_step(Standing(State.WAITING)),
        source=ACME,
        authority="",
        issuer="",
        alarm=False,
        serial="",
        not_after=None,
        renew_at=None,
        next_attempt_at=None,
    )


def _standing(row: Certificate) -> Standing:
    return Standing(
        State(row.state),
        row.reason,
        row.remedy,
        row.not_before,
        row.not_after,
        row.renew_at,
        row.next_attempt_at,
        is_own=row.source == OWN,
        own_is_served=bool(row.serial and not row.authority),
    )
