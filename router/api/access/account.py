"""Who am I?"""

from __future__ import annotations

from apiflask import APIBlueprint

from router import documents
from router.access import principal
from router.api.operation import operation
from slipway.core.access.roles import Role

blueprint = APIBlueprint("account", __name__, tag="Account")


@operation(blueprint, "GET", "/api/account", role=Role.VIEWER, output=documents.Account)
def get_account() -> documents.Account:
    """Who asks, in which tenant and with which role"""
    who = principal()
    return documents.Account(kind=str(who.kind), name=who.name, tenant=who.tenant, role=str(who.role), token=who.name)
