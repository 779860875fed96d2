"""Domains."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases import domains
from router.usecases.certificates import checking, listing, own
from slipway.core.access.roles import Role
from slipway.core.certificates.own.pem_blocks import MOST_CHARACTERS

blueprint = APIBlueprint("domains", __name__, tag="Domains")


class NewDomain(Input):
    host: Text
    redirect_to: Text | None = None


class NewCertificate(Input):
    """PEM."""

    certificate: str = Field(max_length=MOST_CHARACTERS, description="The host's own first, then its chain in order.")
    key: str = Field(max_length=MOST_CHARACTERS, description="Not encrypted. Nobody is ever shown it.", repr=False)


@operation(blueprint, "GET", "/api/apps/<app>/domains", role=Role.VIEWER, output=documents.Domains)
def list_domains(app: str) -> documents.Domains:
    """The hosts that lead to an app"""
    return domains.list_domains(services(), principal(), app)


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/domains",
    role=Role.DEVELOPER,
    body=NewDomain,
    output=documents.Domain,
    status=201,
    failures=(429,),
)
def add_domain(app: str, body: NewDomain) -> documents.Domain:
    """Lead a host to an app, or have it redirect to another one of the app's hosts"""
    return domains.add_domain(services(), principal(), app, body.host, body.redirect_to)


@operation(blueprint, "DELETE", "/api/apps/<app>/domains/<host>", role=Role.DEVELOPER, status=204)
def remove_domain(app: str, host: str) -> tuple[str, int]:
    """Take a host away from an app"""
    domains.remove_domain(services(), principal(), app, host)
    return "", 204


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/domains/<host>/check",
    role=Role.DEVELOPER,
    output=documents.HostCheck,
    failures=(429,),
)
def check_domain(app: str, host: str) -> documents.HostCheck:
    """See what keeps a host from getting its certificate, and try again where nothing does"""
    return checking.check_domain(services(), principal(), app, host)


@operation(
    blueprint,
    "PUT",
    "/api/apps/<app>/domains/<host>/certificate",
    role=Role.DEVELOPER,
    body=NewCertificate,
    output=documents.GivenCertificate,
)
def give_certificate(app: str, host: str, body: NewCertificate) -> documents.GivenCertificate:
    """Serve a host with a certificate of your own

    It takes the place of the authority's, or of the one before, within seconds and without an interruption.
    """
    return own.give_certificate(services(), principal(), app, host, certificate=body.certificate, key=body.key)


@operation(blueprint, "DELETE", "/api/apps/<app>/domains/<host>/certificate", role=Role.DEVELOPER, status=204)
def take_certificate_back(app: str, host: str) -> tuple[str, int]:
    """Go back to the authority's certificate

    Until that is there, the own one is served.
    """
    own.take_certificate_back(services(), principal(), app, host)
    return "", 204


@operation(blueprint, "GET", "/api/certificates", role=Role.VIEWER, output=documents.Certificates)
def list_certificates() -> documents.Certificates:
    """Every certificate of the platform

    For people with the role platform-admin. A tenant's own are in /api/metrics.
    """
    return listing.list_certificates(services(), principal())
