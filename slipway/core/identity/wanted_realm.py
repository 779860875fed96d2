"""The realm as it has to be: the export in `keycloak/realm/`, with this installation's values in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slipway.core.access.roles import Role

OURS = "slipway"
"""What our client scope is called. Those of other names are Keycloak's or people's own."""
TENANTS = "tenants"
"""The group above the tenants' groups."""
_COLLECTIONS = {
    *("roles", "groups", "clients", "users", "clientScopes", "scopeMappings", "clientScopeMappings"),
    *("defaultDefaultClientScopes", "defaultOptionalClientScopes"),
}


@dataclass(frozen=True, slots=True)
class TenantGroup:
    """A tenant, as far as its group is concerned."""

    name: str
    mark: str
    """Another one for each tenant that ever was, also for two of the same name."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Roles that a client may use (`of_account`: that its service account has). `client` is the client whose roles
    they are; empty: they are the realm's."""

    to: str
    client: str
    roles: tuple[str, ...]
    of_account: bool = False


@dataclass(frozen=True)
class WantedRealm:
    """`document` is the realm's export; the parts of it that Slipway holds to are named here."""

    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.document["realm"])

    @cached_property
    def settings(self) -> dict[str, Any]:
        return {name: value for name, value in self.document.items() if name not in _COLLECTIONS}

    @cached_property
    def roles(self) -> list[dict[str, Any]]:
        return list(self.document["roles"]["realm"])

    @cached_property
    def scopes(self) -> list[dict[str, Any]]:
        return [scope for scope in self.document["clientScopes"] if scope["name"] == OURS]

    @cached_property
    def clients(self) -> list[dict[str, Any]]:
        return list(self.document["clients"])

    @cached_property
    def grants(self) -> list[Grant]:
        """What clients may use, and what their service accounts have."""
        of_realm = [Grant(each["client"], "", tuple(each["roles"])) for each in self.document["scopeMappings"]]
        of_clients = [
            Grant(each["client"], client, tuple(each["roles"]))
            for client, mappings in self.document["clientScopeMappings"].items()
            for each in mappings
        ]
        of_accounts = [
            Grant(user["serviceAccountClientId"], client, tuple(roles), of_account=True)
            for user in self.document["users"]
            for client, roles in user["clientRoles"].items()
        ]
        return [*of_realm, *of_clients, *of_accounts]


def filled(document: Any, values: Mapping[str, str]) -> Any:
    """The document with `${NAME}` replaced in all its texts, as Keycloak's own import does it."""
    if isinstance(document, Mapping):
        return {name: filled(value, values) for name, value in document.items()}
    if isinstance(document, list):
        return [filled(each, values) for each in document]
    if isinstance(document, str):
        for name, value in values.items():
            document = document.replace(f"${{{name}}}", value)
    return document


def role_names() -> Iterable[str]:
    """The groups in a tenant's group."""
    return (str(role) for role in Role)
