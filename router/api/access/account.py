"""Who am I?"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request

from router import authentication, documents
from router.access import principal, services
from router.api.operation import operation
from router.usecases.access import console_links
from slipway.core.access.roles import Role

blueprint = APIBlueprint("account", __name__, tag="Account")


@operation(blueprint, "GET", "/api/account", role=Role.VIEWER, output=documents.Account)
def get_account() -> documents.Account:
    """Who asks, in which tenant and with which role"""
    who = principal()
    return documents.Account(kind=str(who.kind), name=who.name, tenant=who.tenant, role=str(who.role), token=who.name)


@operation(blueprint, "POST", "/api/account/console-link", role=Role.VIEWER, output=documents.ConsoleLink, status=201)
def create_console_link() -> documents.ConsoleLink:
    """Make a link that opens the console in a browser

    Of a token, where sign-on is off. It is good once, for five minutes.
    """
    return console_links.create_console_link(services(), principal(), authentication.bearer_of(request))
