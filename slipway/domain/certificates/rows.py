"""Certificates' rows: those that hosts want, and the one place that writes a certificate's state."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from slipway.core.certificates.failures import Failure
from slipway.core.certificates.pem import Facts
from slipway.core.certificates.states import IN_JOB, Progress, State, is_due, move
from slipway.core.certificates.wanted import Host, Wanted, wanted_of
from slipway.core.naming import validation
from slipway.errors import InvalidInput
from slipway.models import TO_CHANGE, App, Certificate, CertificateIssuance, Domain, OwnCertificate, now
from slipway.settings import Settings

ACME, OWN = "acme", "own"
"""Who gives a certificate: an authority that is asked by itself, or the host's owner."""
Place = tuple[int | None, int | None]
"""A tenant and an app; both None: the platform."""


def has_own_authority(settings: Settings) -> bool:
    """Whether the authority is one that certifies names which are not public."""
    return bool(settings.acme_ca_bundle)


def wanted(hosts: Iterable[Host], settings: Settings) -> dict[str, Wanted]:
    """The certificates that these hosts and the platform's own want of an authority, by their names' key."""
    own = [Host(name) for name in platform_hosts(settings)]
    return wanted_of([*own, *hosts], own_authority=has_own_authority(settings))


def _hosts(session: Session) -> list[Host]:
    query = select(Domain.host, Domain.tenant_id, Domain.app_id).join(App, App.id == Domain.app_id)
    return [Host(*row) for row in session.execute(query.where(App.deleted_at.is_(None)).order_by(Domain.id))]


def platform_hosts(settings: Settings) -> list[str]:
    """Where the console, the API and the webhooks are: a host, or an address of a server without one."""
    found = [settings.console_host, urlsplit(settings.public_url).hostname or ""]
    return sorted({_canonical(name) for name in found if name})


def _canonical(name: str) -> str:
    try:
        return validation.host_name(name)
    except InvalidInput:  # an address
        return name.strip("[]").lower()


def differ(session: Session, settings: Settings) -> bool:
    """Whether `synchronize` would change anything."""
    columns = (Certificate.source, Certificate.names_key, Certificate.tenant_id, Certificate.app_id)
    rows = session.execute(select(*columns).where(Certificate.state != State.REMOVED)).all()
    present: dict[str, Place] = {key: (tenant_id, app_id) for _, key, tenant_id, app_id in rows}
    own = {key for source, key, *_ in rows if source == OWN}
    hosts = _hosts(session)
    places = {host.name: (host.tenant_id, host.app_id) for host in hosts}
    if any(present[key] != places.get(key) for key in own):
        return True
    if not settings.issues_certificates:
        return False
    desired = {key: (each.tenant_id, each.app_id) for key, each in wanted(hosts, settings).items() if key not in own}
    present = {key: place for key, place in present.items() if key not in own}
    return present != desired or bool(_of_other_authorities(session, settings))


def synchronize(session: Session, settings: Settings) -> None:
    """Have a row for each certificate that is wanted, and take back those that no host wants any more. Whoever gets a
    host that was another's never gets the key that the other one gave for it."""
    rows = list(session.scalars(select(Certificate).with_for_update(**TO_CHANGE)))
    hosts = _hosts(session)
    active = {row.names_key: row for row in rows if row.state != State.REMOVED}
    places: dict[str, Place] = {host.name: (host.tenant_id, host.app_id) for host in hosts}
    for key, row in list(active.items()):
        if _has_own_key(row) and (row.tenant_id, row.app_id) != places.get(key):
            remove(session, active.pop(key))
    if not settings.issues_certificates:
        return
    desired = wanted(hosts, settings)
    for key, row in active.items():
        if row.source == ACME and key not in desired:
            remove(session, row)
        elif row.source == ACME:
            row.tenant_id, row.app_id = desired[key].tenant_id, desired[key].app_id
    for row in _of_other_authorities(session, settings):
        row.renew_at = now()
    leaving = {row.names_key: row for row in rows if _may_come_back(row)}
    _add(session, [each for key, each in desired.items() if key not in active], leaving)


def _of_other_authorities(session: Session, settings: Settings) -> list[Certificate]:
    """What is served from an authority that is asked no longer, and is not about to be renewed: by the one that the
    settings name since then. Whoever tries Let's Encrypt's staging first does not keep its certificates for weeks."""
    query = select(Certificate).filter_by(source=ACME, state=State.ISSUED)
    others = query.where(Certificate.authority.not_in(settings.acme_authorities), Certificate.renew_at > now())
    return list(session.scalars(others))


def _has_own_key(row: Certificate) -> bool:
    """Whether the certificate is its owner's, or what is served until the authority's is there was."""
    return row.source == OWN or bool(row.serial and not row.authority)


def _may_come_back(row: Certificate) -> bool:
    return row.state == State.REMOVED and row.heartbeat_at is None and not _has_own_key(row)


def remove(session: Session, row: Certificate) -> None:
    """It is served no longer."""
    row.state = move(State(row.state), State.REMOVED)
    restart(row)
    session.execute(delete(OwnCertificate).where(OwnCertificate.certificate_id == row.id))


def begin_anew(row: Certificate, renew_at: datetime) -> None:
    """It is to come from elsewhere: as if no job had ever tried. What is served stays until then."""
    if row.state != State.ISSUED:
        row.state = move(State(row.state), State.WAITING)
    restart(row)
    row.reason = row.detail = row.remedy = ""
    row.renew_at, row.ask_window_at = renew_at, None


def restart(row: Certificate) -> None:
    """A job that works on it loses it; the next one may begin at once."""
    row.lease += 1
    row.heartbeat_at = row.next_attempt_at = None
    row.attempts = 0


def _add(session: Session, missing: Collection[Wanted], leaving: dict[str, Certificate]) -> None:
    """One that is not yet revoked comes back: whoever removes a host and adds it again uses up nothing."""
    session.flush()
    for each in missing:
        row = leaving.get(each.key)
        if row is None:
            session.add(
                Certificate(
                    tenant_id=each.tenant_id,
                    app_id=each.app_id,
                    names=list(each.names),
                    names_key=each.key,
                    challenge=each.challenge,
                )
            )
            continue
        row.tenant_id, row.app_id = each.tenant_id, each.app_id
        is_valid = row.serial and row.not_after and row.not_after > now()
        row.state = move(State(row.state), State.ISSUED if is_valid else State.WAITING)
        row.next_attempt_at = None


def due(session: Session, settings: Settings) -> list[tuple[int, int]]:
    """Which certificates need a job now, with the lease that it claims. Without an authority only own ones do."""
    moment, lapse = now(), timedelta(seconds=settings.lapse_s)
    may_be = or_(
        Certificate.state.not_in([str(State.ISSUED), str(State.FAILED)]),
        Certificate.renew_at <= moment,
        Certificate.ask_window_at <= moment,
        Certificate.heartbeat_at.is_not(None),
    )
    first = (Certificate.next_attempt_at.is_not(None), Certificate.next_attempt_at, Certificate.id)
    query = select(Certificate) if settings.issues_certificates else select(Certificate).filter_by(source=OWN)
    rows = session.scalars(query.where(may_be).order_by(*first))
    return [(row.id, row.lease) for row in rows if is_due(progress_of(row), moment, lapse)]


def progress_of(row: Certificate) -> Progress:
    return Progress(State(row.state), row.next_attempt_at, row.renew_at, row.ask_window_at, row.heartbeat_at)


def claim(session: Session, certificate_id: int, lease: int, lapse: timedelta) -> Certificate | None:
    """Give the certificate to the job that asks: from then on its lease is the next number. None: there is nothing to
    do, or another job does it. What a killed job left is closed."""
    row = session.get(Certificate, certificate_id, with_for_update=TO_CHANGE)
    if row is None or row.lease != lease or not is_due(progress_of(row), now(), lapse):
        return None
    row.lease += 1
    row.heartbeat_at = now()
    if State(row.state) in IN_JOB:
        row.state = move(State(row.state), State.WAITING)
    _close_interrupted(session, certificate_id)
    return row


def _close_interrupted(session: Session, certificate_id: int) -> None:
    query = select(CertificateIssuance).filter_by(certificate_id=certificate_id, outcome="")
    for issuance in session.scalars(query):
        issuance.outcome = "interrupted"
        issuance.ended_at = now()


def advance(row: Certificate, state: State) -> None:
    """A renewal stays issued: the old certificate is served meanwhile."""
    if row.state != State.ISSUED:
        row.state = move(State(row.state), state)


def record_issued(
    row: Certificate, facts: Facts, *, folder: str, authority: str, renew_at: datetime | None, ask_at: datetime
) -> None:
    """Its files are in place, and it is served from now on. `authority` is empty for an own one."""
    row.state = move(State(row.state), State.ISSUED)
    row.serial, row.not_before, row.not_after = facts.serial, facts.not_before, facts.not_after
    row.folder = folder
    row.authority = authority
    row.renew_at, row.ask_window_at, row.issued_at = renew_at, ask_at, now()
    row.reason = row.detail = row.remedy = ""
    row.attempts = 0
    row.next_attempt_at = None


def record_failure(row: Certificate, failure: Failure, next_attempt_at: datetime) -> None:
    """Why there is none, or none newer, and when the next attempt is."""
    if row.state not in (State.REMOVED, State.ISSUED):
        row.state = move(State(row.state), State.FAILED if failure.needs_hand else State.WAITING)
    row.reason, row.detail, row.remedy = failure.reason, failure.detail, failure.remedy
    row.attempts += 1
    row.next_attempt_at = next_attempt_at


def try_again(row: Certificate) -> None:
    """Somebody has done what the remedy says: the next attempt is now. What the authority allows is still counted."""
    if row.state == State.FAILED:
        row.state = move(State(row.state), State.WAITING)
    row.next_attempt_at = None
