"""Certificates that somebody gives for a host of an app. Their keys are sealed, and nobody is ever shown one."""

from __future__ import annotations

import json

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.certificates.checking import require_host_of
from router.usecases.certificates.jobs import enqueue_due, wake
from router.usecases.finding import app_named, unique_or
from router.usecases.showing import certificates as showing
from slipway.adapters.trusted_roots import trusted_roots
from slipway.core.certificates.names import why_none
from slipway.core.certificates.own.checking import OwnPair, check
from slipway.core.naming import validation
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.certificates import own
from slipway.domain.certificates.rows import OWN
from slipway.errors import Conflict, NotFound
from slipway.models import now


def give_certificate(
    services: Services, principal: Principal, app_name: str, text: str, *, certificate: str, key: str
) -> documents.GivenCertificate:
    """Serve a host of the app with this certificate, in place of the authority's or of the one before.

    Raises:
        NotFound: the host does not lead to the app.
        InvalidInput: it can't be served.
        Conflict: this installation serves no HTTPS.
    """
    host = validation.host_or_wildcard(text)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        require_host_of(session, app_named(session, app_name), host)
    _require_https(services)
    pair = check(host, certificate, key, now(), trusted_roots(services.settings.acme_ca_bundle))
    wake(services)  # what was another tenant's at this host is not there any more
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        require_host_of(session, app, host)
        with unique_or(session, Conflict(f"{host} has just come to {app.name}", remedy="try again in a moment")):
            row = own.row_for(session, app, host)
        own.give(session, row, _sealed(services, pair, own.sealed_for(app.tenant_id, app.id, host)), pair.issuer)
        detail = {"app": app.name, "serial": pair.facts.serial, "not_after": pair.facts.not_after.isoformat()}
        audit.record(session, app.tenant_id, principal.actor, Action.CERTIFICATE_ADD, host, **detail)
    enqueue_due(services)
    return _shown(services, principal, host, pair)


def take_certificate_back(services: Services, principal: Principal, app_name: str, text: str) -> None:
    """The authority's comes back, where one certifies the host.

    Raises:
        NotFound: the host has no certificate of its own.
    """
    host = validation.host_or_wildcard(text)
    settings = services.settings
    follows = settings.issues_certificates and not why_none(host, own_authority=bool(settings.acme_ca_bundle))
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        require_host_of(session, app, host)
        row = own.in_use(session, host)
        if row is None or row.source != OWN or row.app_id != app.id:
            raise NotFound(f"{host} has no certificate of its own.", remedy=f"slipway certificates -a {app.name}")
        own.take_back(session, row, authority_follows=follows)
        audit.record(session, app.tenant_id, principal.actor, Action.CERTIFICATE_REMOVE, host, app=app.name)
    enqueue_due(services)


def _require_https(services: Services) -> None:
    if not services.settings.https_listen:
        raise Conflict(
            "this installation serves no HTTPS", remedy="the host's owner sets SLIPWAY_HTTPS_LISTEN, then make up"
        )


def _sealed(services: Services, pair: OwnPair, place: own.Sealing) -> str:
    content = json.dumps({"fullchain": pair.fullchain.decode(), "key": pair.key.decode()})
    return services.certificates.seal(content, *place)


def _shown(services: Services, principal: Principal, host: str, pair: OwnPair) -> documents.GivenCertificate:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        shown = showing.of_hosts(session, services.settings, [host])[host]
    facts = pair.facts
    return documents.GivenCertificate(
        host=host,
        names=list(facts.names),
        serial=facts.serial,
        issuer=pair.issuer,
        not_before=facts.not_before,
        not_after=facts.not_after,
        warnings=list(pair.warnings),
        certificate=shown,
    )
