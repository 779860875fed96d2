"""From wanted to served: what was issued already is taken; else the authority is asked, when nothing speaks against it.

Each step leaves what the next job needs to go on: certbot's folder holds what was issued, the folder of certificates
what was installed, the row which of these counts, and the index what is served.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.certificates.dependencies import Dependencies
from builder.certificates.failed import Failed
from builder.certificates.lease import Lease, Work
from builder.certificates.publishing import publish
from slipway.core.certificates import renewal
from slipway.core.certificates.budgets import ISSUED, LONGEST, Asked, exhausted
from slipway.core.certificates.failures import Failure, Reported, explain
from slipway.core.certificates.names import registered_domain
from slipway.core.certificates.pem import Facts, facts_of
from slipway.core.certificates.preflight import failure_of
from slipway.core.certificates.states import State
from slipway.core.dns import delegation
from slipway.domain.certificates import rows as certificates
from slipway.domain.domain_claims import tenant_mark
from slipway.models import CertificateIssuance, now
from slipway.ports.authority import NotDone, Pair, Request

log = logging.getLogger(__name__)
BUDGET = "budget-spent"
FREE_BYTES = 8 << 20
"""certbot's log, the certificate, its copies, and what the database writes beside them."""
_DOWN = frozenset({"authority-down", "timed-out", "bad-nonce"})
_WINDOW_UNKNOWN = timedelta(hours=6)
_FIRST_ASK = timedelta(hours=1)
"""After an issue the authority is asked for its window of renewal so much later."""


def issue_or_renew(dependencies: Dependencies, lease: Lease) -> None:
    """All steps, in order.

    Raises:
        Failed: nothing new was issued; what was served before still is.
        NotDone: likewise.
        LeaseLost, Interrupted: another job does it, or nobody wants it any more.
        OSError: the files can't be written.
    """
    with lease.write() as (_, row):
        certificates.advance(row, State.CHECKING)
    issued = _left_behind(dependencies, lease.work)
    if issued is None and _is_needed(dependencies, lease):
        _check(dependencies, lease.work)
        with lease.write() as (_, row):
            certificates.advance(row, State.ISSUING)
        issued = _ask(dependencies, lease)
    if issued is not None:
        _install(dependencies, lease, issued)
    publish(dependencies.db, dependencies.files, dependencies.settings)  # also what a killed job had installed


@dataclass(frozen=True, slots=True)
class Issued:
    pair: Pair
    facts: Facts
    authority: str


def _left_behind(dependencies: Dependencies, work: Work) -> Issued | None:
    """What was issued when a job was killed, or what is not in place any more."""
    pair = dependencies.authority.issued(work.id)
    if pair is None:
        return None
    facts = facts_of(pair.fullchain, pair.key)
    is_newer = work.not_before is None or not work.authority or facts.not_before > work.not_before
    is_lost = facts.serial == work.serial and dependencies.files.pair(work.id, work.folder) is None
    if facts.names != tuple(sorted(work.names)) or facts.not_after <= now() or not (is_newer or is_lost):
        return None
    log.info("taken over from a job that was killed", extra={"names": work.names_key})
    return Issued(pair, facts, "")


def _is_needed(dependencies: Dependencies, lease: Lease) -> bool:
    """Whether the authority has to be asked for one now. It is asked first when it wants that; another one than the
    settings name does not say when."""
    work = lease.work
    if work.state is not State.ISSUED or work.authority not in dependencies.settings.acme_authorities:
        return True
    at = work.renew_at
    if work.ask_window_at is None or work.ask_window_at <= now():
        at = _ask_for_window(dependencies, lease)
    return at is not None and at <= now()


def _ask_for_window(dependencies: Dependencies, lease: Lease) -> datetime | None:
    work, at = lease.work, lease.work.renew_at
    again_at = now() + _WINDOW_UNKNOWN
    pair = dependencies.files.pair(work.id, work.folder)
    if pair is None or work.not_before is None or work.not_after is None:
        return now()
    try:
        window = dependencies.authority.window(pair, work.authority)
        again_at = renewal.ask_again_at(now(), window.ask_again_at - now())
        if window.renew_at is not None:
            at = renewal.within_window(window.renew_at, work.not_before, work.not_after)
    except NotDone as error:
        log.info("the authority does not say when to renew", extra={"why": str(error)[:300]})
    with lease.write() as (_, row):
        row.renew_at, row.ask_window_at = at, again_at
    return at


def _check(dependencies: Dependencies, work: Work) -> None:
    """A disk that is full would lose a certificate that the authority has counted."""
    settings = dependencies.settings
    for folder in (settings.certbot_dir, settings.certificate_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(shutil.disk_usage(each).free < FREE_BYTES for each in (settings.certbot_dir, settings.certificate_dir)):
        raise Failed(replace(explain(Reported(disk_full=True)), own_check=True))
    finding = dependencies.preflight.find(work.names, work.challenge, _mark(dependencies, work))
    if finding is not None:
        raise Failed(failure_of(finding))


def _mark(dependencies: Dependencies, work: Work) -> str:
    """What stands for the certificate's tenant in DNS."""
    if work.tenant_id is None:
        return delegation.PLATFORM
    with dependencies.db.read(platform="certificates: whose name is it?") as session:
        return tenant_mark(session, work.tenant_id)


def _labels(dependencies: Dependencies, work: Work) -> dict[str, str]:
    if work.challenge != "dns-01":
        return {}
    mark = _mark(dependencies, work)
    return {name: delegation.label(mark, name) for name in work.names}


def _ask(dependencies: Dependencies, lease: Lease) -> Issued:
    """The first authority, and the second where the first is down."""
    settings = dependencies.settings
    try:
        return _ask_one(dependencies, lease, settings.acme_directory)
    except NotDone as error:
        if not settings.acme_fallback or explain(error.reported).reason not in _DOWN:
            raise
        log.warning("the second authority is asked", extra={"why": str(error)[:300]})
        return _ask_one(dependencies, lease, settings.acme_fallback)


def _ask_one(dependencies: Dependencies, lease: Lease, directory: str) -> Issued:
    work = lease.work
    issuance = _begin(lease, directory)
    try:
        request = Request(work.id, work.names, work.challenge, directory, _labels(dependencies, work))
        pair = dependencies.authority.issue(request, lease.lost)
    except NotDone as error:
        failure = explain(error.reported)
        _end(lease, issuance, failure.reason, failure.failed_names)
        raise
    facts = facts_of(pair.fullchain, pair.key)
    if facts.names != tuple(sorted(work.names)):
        _end(lease, issuance, "other-names")
        raise Failed(Failure("other-names", f"The authority issued one for {', '.join(facts.names)}.", needs_hand=True))
    _end(lease, issuance, ISSUED)
    return Issued(pair, facts, directory)


def _begin(lease: Lease, directory: str) -> int:
    """Count it before the authority is asked: whatever happens then, it is counted there too.

    Raises:
        Failed: the authority's limits forbid it now.
    """
    with lease.write() as (session, row):
        asked = _asked(session, directory)
        new = Asked(now(), row.names_key, registered_domain(row.names[0]), _was_issued(asked, row.names_key))
        if spent := exhausted(asked, new):
            wait_s = (spent.until - now()).total_seconds()
            raise Failed(Failure(BUDGET, spent.detail, "nothing to do: it is asked as soon as that ends", wait_s))
        issuance = CertificateIssuance(
            certificate_id=row.id,
            authority=directory,
            names_key=new.names_key,
            registered_domain=new.registered_domain,
            is_renewal=new.is_renewal,
            started_at=new.started_at,
        )
        session.add(issuance)
        session.flush()
        return issuance.id


def _asked(session: Session, directory: str) -> list[Asked]:
    query = select(CertificateIssuance).filter_by(authority=directory)
    rows = session.scalars(query.where(CertificateIssuance.started_at > now() - LONGEST))
    return [
        Asked(
            row.started_at,
            row.names_key,
            row.registered_domain,
            row.is_renewal,
            row.outcome,
            tuple(row.failed_names),
        )
        for row in rows
    ]


def _was_issued(asked: list[Asked], names_key: str) -> bool:
    return any(each.names_key == names_key and each.outcome == ISSUED for each in asked)


def _end(lease: Lease, issuance_id: int, outcome: str, failed_names: tuple[str, ...] = ()) -> None:
    with lease.write() as (session, _):
        issuance = session.get_one(CertificateIssuance, issuance_id)
        issuance.outcome, issuance.ended_at, issuance.failed_names = outcome, now(), list(failed_names)


def _install(dependencies: Dependencies, lease: Lease, issued: Issued) -> None:
    facts = issued.facts
    dependencies.files.install(lease.work.id, facts.serial, issued.pair)
    renew_at = renewal.renew_at(facts.not_before, facts.not_after, dependencies.chance())
    authority = issued.authority or lease.work.authority or dependencies.settings.acme_directory
    with lease.write() as (_, row):
        certificates.record_issued(
            row, facts, folder=facts.serial, authority=authority, renew_at=renew_at, ask_at=now() + _FIRST_ASK
        )
    log.info("issued", extra={"names": lease.work.names_key, "serial": facts.serial, "authority": authority})


def after(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)
