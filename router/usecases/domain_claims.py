"""May the tenant have this domain? Where somebody else is at it, or was lately, a TXT record has to show that it is
theirs. Nobody learns who that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from router.principal import Principal
from router.services import Services
from slipway.core.dns import claims
from slipway.core.dns.answers import Answer
from slipway.core.naming.public_suffixes import registered_domain
from slipway.db import beyond_tenant
from slipway.domain import domain_claims
from slipway.errors import Conflict, DomainNotProven
from slipway.models import now
from slipway.settings import Settings

_WHY = "domains: is somebody else there?"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the domain's TXT records said; empty where nobody had to ask."""

    answers: tuple[Answer, ...] = ()

    def shows(self, mark: str) -> bool:
        return claims.is_proven(self.answers, mark)


def look_up(services: Services, principal: Principal, host: str) -> Evidence:
    """Ask for the records, outside any transaction, where the domain is contested.

    Raises:
        TooManyCalls, Overloaded: as many are looked up already as may be.
    """
    if is_below_platform(services.settings, host):
        return Evidence()
    with services.db.read(platform=_WHY) as session:
        platform = _platform_hosts(services.settings)
        if not domain_claims.is_contested(session, principal.tenant_id, host, platform):
            return Evidence()
    names = claims.proof_names(host, registered_domain(host))
    with services.proofs.place(principal):
        return Evidence(tuple(services.resolver.texts(name) for name in names))


def settle(session: Session, settings: Settings, tenant_id: int, host: str, evidence: Evidence) -> datetime | None:
    """Make way for the host, under the route table's lock: returns when it was proven; None where nobody had to. Who
    held it without a proof loses it to one who proves.

    Raises:
        DomainNotProven: somebody else is there, and no record says that the domain is this tenant's.
        Conflict: the domain has records of both.
    """
    if is_below_platform(settings, host):
        return None
    with beyond_tenant(session, _WHY):
        if not domain_claims.is_contested(session, tenant_id, host, _platform_hosts(settings)):
            return None
        mark = domain_claims.tenant_mark(session, tenant_id)
        if not evidence.shows(mark):
            raise _not_proven(host, mark, evidence)
        _make_way(session, tenant_id, host, evidence)
    return now()


def _make_way(session: Session, tenant_id: int, host: str, evidence: Evidence) -> None:
    held = domain_claims.holder(session, host)
    if held is None or held.tenant_id == tenant_id:
        return
    if evidence.shows(held.mark):
        raise Conflict(
            f"{host} leads to somebody else's app, who has a {claims.PROOF} record at the domain too",
            remedy=f"at the DNS provider, remove the other value: {claims.proof(held.mark)}",
        )
    domain_claims.take_from(session, held, host)


def is_below_platform(settings: Settings, host: str) -> bool:
    """Rules of their own hold for these (router/usecases/domains.py): nobody can set records there."""
    return host.endswith(f".{settings.app_domain.lower()}")


def _platform_hosts(settings: Settings) -> tuple[str, str]:
    return settings.console_host.lower(), settings.app_domain.lower()


def _not_proven(host: str, mark: str, evidence: Evidence) -> DomainNotProven:
    record = claims.record(host, mark)
    domain = registered_domain(host)
    failed = [each for each in evidence.answers if not each.outcome.is_known]
    looked = f" ({failed[0].name} could not be looked up: {failed[0].outcome})" if failed else ""
    return DomainNotProven(
        f"somebody else uses {domain} or a name below it here, or did lately: show that {host} is yours{looked}",
        remedy=f"at the DNS provider, set: {record}\nand add the host again, when the record is there",
        record={"type": record.type, "name": record.name, "value": record.value},
    )
