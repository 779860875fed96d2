"""What keeps an authority from certifying a host."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.certificates.jobs import enqueue_due
from router.usecases.finding import app_named
from router.usecases.showing import certificates as showing
from slipway.core.certificates.names import challenge_for, why_none
from slipway.core.dns.answers import Finding, Record
from slipway.core.naming import validation
from slipway.domain.certificates import own
from slipway.domain.certificates import rows as certificates
from slipway.domain.domain_claims import tenant_mark
from slipway.errors import NotFound
from slipway.models import TO_CHANGE, App, Certificate, Domain


def check_domain(services: Services, principal: Principal, app_name: str, text: str) -> documents.HostCheck:
    """See what keeps an authority from certifying the host; where there is nothing, the next attempt is now. A host
    with an own certificate needs none.

    Raises:
        NotFound: the host does not lead to the app.
        TooManyCalls, Overloaded: as many are checked already as may be.
    """
    host = validation.domain_or_wildcard(text)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        _require_domain(session, app_name, host)
        mark = tenant_mark(session, principal.tenant_id)
        has_own = own.has_own(session, host)
    finding = None if has_own else _finding(services, principal, host, mark)
    if finding is None and services.settings.https_listen:
        _try_again(services, principal, host)
        enqueue_due(services)
    return _shown(services, principal, host, finding)


def _finding(services: Services, principal: Principal, host: str, mark: str) -> Finding | None:
    none = why_none(host, own_authority=bool(services.settings.acme_ca_bundle))
    if none:
        return Finding("not-public", none, "nothing: such a host needs no certificate")
    with services.proofs.place(principal):
        return services.preflight.find([host], challenge_for([host]), mark)


def _require_domain(session: Session, app_name: str, host: str) -> None:
    require_host_of(session, app_named(session, app_name), host)


def require_host_of(session: Session, app: App, host: str) -> None:
    """Raises `NotFound`."""
    if session.scalar(select(Domain.id).filter_by(app_id=app.id, host=host)) is None:
        raise NotFound(f"{host} does not lead to {app.name}.", remedy=f"slipway domains -a {app.name}")


def _try_again(services: Services, principal: Principal, host: str) -> None:
    with services.db.write(tenant_id=principal.tenant_id) as session:
        row = session.scalar(select(Certificate).filter_by(names_key=host).with_for_update(**TO_CHANGE))
        if row is not None:
            certificates.try_again(row)


def _shown(services: Services, principal: Principal, host: str, finding: Finding | None) -> documents.HostCheck:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        shown = showing.of_hosts(session, services.settings, [host])
    found = finding or Finding("", "", "")
    return documents.HostCheck(
        host=host,
        ok=finding is None,
        reason=found.code,
        detail=found.detail,
        remedy=found.remedy,
        set_records=[_record(each) for each in found.set_records],
        remove_records=[_record(each) for each in found.remove_records],
        certificate=shown.get(host),
    )


def _record(record: Record) -> documents.DnsRecord:
    return documents.DnsRecord(type=record.type, name=record.name, value=record.value)
