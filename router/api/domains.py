"""Domains."""

from __future__ import annotations

from apiflask import APIBlueprint

from router import documents
from router.access import principal, services
from router.api.operation import Input, Text, operation
from router.usecases import certificates, domains
from slipway.core.access.roles import Role

blueprint = APIBlueprint("domains", __name__, tag="Domains")


class NewDomain(Input):
    host: Text
    redirect_to: Text | None = None


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
)
def check_domain(app: str, host: str) -> documents.HostCheck:
    """See what keeps a host from getting its certificate, and try again where nothing does"""
    return certificates.check_domain(services(), principal(), app, host)
