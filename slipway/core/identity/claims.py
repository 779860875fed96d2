"""Who a person is, by the claims of a token whose signature and issuer have been verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.access.roles import Role, may
from slipway.core.identity.wanted_realm import TENANTS
from slipway.errors import NotAuthenticated

PLATFORM_ADMIN = "platform-admin"
SERVICE_ACCOUNT = "service-account-"
"""How the login of a client's own account begins at Keycloak."""
_SUB_MAX = 255
_TEXT_MAX = 255
_EMAIL_MAX = 320
_PATH_MAX = 1024


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the identity provider reports them."""

    sub: str
    """Never changes, and is never given to somebody else."""
    login: str
    name: str = ""
    email: str = ""
    email_verified: bool = False
    groups: tuple[str, ...] = ()
    """Full paths, such as `/tenants/acme/owner`."""
    realm_roles: tuple[str, ...] = ()
    sid: str = ""
    """The session at the identity provider."""
    acr: str = ""

    @property
    def verified_email(self) -> str:
        """Empty when the identity provider has not verified it: anybody may write anybody's address there."""
        return self.email if self.email_verified else ""

    @property
    def is_platform_admin(self) -> bool:
        return PLATFORM_ADMIN in self.realm_roles

    def claims(self) -> dict[str, Any]:
        """What `person_of` makes this person of."""
        return {
            "sub": self.sub,
            "preferred_username": self.login,
            "name": self.name,
            "email": self.email,
            "email_verified": self.email_verified,
            "groups": list(self.groups),
            "realm_access": {"roles": list(self.realm_roles)},
            "sid": self.sid,
            "acr": self.acr,
        }


def person_of(claims: Mapping[str, Any]) -> Person:
    """The person that the claims name. A claim of another shape than Slipway's realm gives it counts as missing, so
    that it grants nothing.

    Raises:
        NotAuthenticated: `sub` is not what OpenID Connect allows.
    """
    sub = _text(claims.get("sub"), _SUB_MAX)
    if not sub or not sub.isascii():
        raise NotAuthenticated("The token names nobody: its claim sub is missing or not valid.")
    email = _email(claims.get("email"))
    return Person(
        sub=sub,
        login=_text(claims.get("preferred_username"), _TEXT_MAX) or sub,
        name=_text(claims.get("name"), _TEXT_MAX),
        email=email,
        email_verified=bool(email) and claims.get("email_verified") is True,
        groups=tuple(path for path in _texts(claims.get("groups"), _PATH_MAX) if _is_path(path)),
        realm_roles=_texts(_roles(claims.get("realm_access")), _TEXT_MAX),
        sid=_text(claims.get("sid"), _TEXT_MAX),
        acr=_text(claims.get("acr"), _TEXT_MAX),
    )


def memberships(groups: Iterable[str]) -> dict[str, Role]:
    """The role in each tenant; of several in one tenant, the highest. Groups elsewhere, and those below a role's,
    grant nothing."""
    found: dict[str, Role] = {}
    for path in groups:
        match path.split("/"):
            case ["", top, tenant, role] if top == TENANTS and tenant and role in _ROLES:
                given = Role(role)
                if tenant not in found or may(given, found[tenant]):
                    found[tenant] = given
    return found


def is_service_account(claims: Mapping[str, Any]) -> bool:
    """Whether a client signed in as itself. Keycloak says so in the login, and by the client's address where the client
    has Keycloak's own scope for that; other providers by the client's id as the subject (RFC 9068)."""
    login = claims.get("preferred_username")
    clients = [claims[name] for name in ("azp", "client_id") if name in claims]
    return (
        (isinstance(login, str) and login.startswith(SERVICE_ACCOUNT))
        or claims.get("sub") in clients
        or "clientHost" in claims
        or "clientAddress" in claims
    )


_ROLES = frozenset(Role)


def _text(value: Any, longest: int) -> str:
    """Empty where it is no text, is too long, or could not be printed, sent as a header's value or stored."""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        return ""
    return value


def _texts(value: Any, longest: int) -> tuple[str, ...]:
    values = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(text for each in values if (text := _text(each, longest))))


def _email(value: Any) -> str:
    """One `@`, with something on both sides and no space: what has two is read in two ways by those who get it."""
    text = _text(value, _EMAIL_MAX)
    local, _, domain = text.partition("@")
    return text if local and domain and "@" not in domain and not any(map(str.isspace, text)) else ""


def _roles(realm_access: Any) -> Any:
    return realm_access.get("roles") if isinstance(realm_access, Mapping) else None


def _is_path(text: str) -> bool:
    """Groups are handed to apps joined by commas: one with a comma in its name could pass for another."""
    return text.startswith("/") and "," not in text
