"""A line of a file of people, checked: what comes in as texts goes on as a `NewPerson`.

Keycloak checks the same of people whom somebody enters by hand, and would refuse them one by one; here each line's
reason is known before anything is changed. No message repeats what may be a password's hash in the wrong column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from slipway.core.access.roles import Role
from slipway.core.identity import password_hashes
from slipway.core.identity.email_address import email_address
from slipway.core.identity.people import NewPerson
from slipway.errors import InvalidInput

COLUMNS = (
    *("login", "email", "first_name", "last_name", "email_verified"),
    *("tenant", "role", "password_hash", "hash"),
)
SERVICE_ACCOUNT = "service-account-"
_LOGIN_LENGTH = range(3, 256)
_TEXT_MOST = 255
_TRUE = {"true", "yes", "1"}
_FALSE = {"", "false", "no", "0"}
_PUNCTUATION = '<>&"$%!#?§;*~/\\|^=[]{}()'
_NOT_IN_LOGINS = re.compile(rf"[{re.escape(_PUNCTUATION)},:`'\s]")
_NOT_IN_NAMES = re.compile(rf"[{re.escape(_PUNCTUATION)}]")
_NAME = re.compile(r"[a-z0-9-]{1,40}")


def read_line(number: int, fields: Mapping[str, Any], tenants: Collection[str]) -> NewPerson:
    """The person whom a line describes. A missing field is an empty one.

    Raises:
        InvalidInput: why the line can't be imported.
    """
    if unknown := sorted(set(fields) - set(COLUMNS)):
        raise InvalidInput(f"there is no column {unknown[0][:40]!r}", remedy=f"the columns are {', '.join(COLUMNS)}")
    texts = {name: _text(name, value) for name, value in fields.items() if name != "email_verified"}
    email = _email(texts.get("email", ""))
    tenant = texts.get("tenant", "")
    if tenant and tenant not in tenants:
        raise InvalidInput(f"there is no tenant {tenant}" if _NAME.fullmatch(tenant) else "tenant names no tenant")
    hashed, kind = texts.get("password_hash", ""), texts.get("hash", "")
    if kind and not hashed:
        raise InvalidInput("hash says of which kind password_hash is, and that is empty")
    return NewPerson(
        line=number,
        login=_login(texts.get("login", ""), email),
        email=email,
        first_name=_name("first_name", texts.get("first_name", "")),
        last_name=_name("last_name", texts.get("last_name", "")),
        email_verified=_verified(fields.get("email_verified", ""), email),
        tenant=tenant,
        role=_role(texts.get("role", ""), tenant),
        password=password_hashes.read(hashed, kind) if hashed else None,
    )


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} has to be a text")
    text = value.strip()
    if not text.isprintable():
        raise InvalidInput(f"{name} holds a character that can't be printed")
    return text


def _login(text: str, email: str) -> str:
    """As Keycloak keeps it: in small letters. Without one the e-mail address is the login."""
    login = text.lower() or email
    if not login:
        raise InvalidInput("a line needs a login or an email")
    if len(login) not in _LOGIN_LENGTH:
        raise InvalidInput("a login has 3 to 255 characters")
    if found := None if login == email else _NOT_IN_LOGINS.search(login):
        raise InvalidInput(f"a login can't have {found.group()!r} in it")
    if login.startswith(SERVICE_ACCOUNT):
        raise InvalidInput(f"logins that begin with {SERVICE_ACCOUNT} are those of Keycloak's clients")
    if "@" in login and login != email:
        # Keycloak lets people sign in by their e-mail address: this login would be another person's address.
        raise InvalidInput("a login with an @ has to be the line's own email")
    return login


def _email(text: str) -> str:
    email = email_address(text)
    if text and not email:
        raise InvalidInput("email is no e-mail address")
    return email


def _verified(value: Any, email: str) -> bool:
    if isinstance(value, bool):
        verified = value
    elif isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        verified = value.strip().lower() in _TRUE
    elif value is None:
        verified = False
    else:
        raise InvalidInput("email_verified has to be true or false")
    if verified and not email:
        raise InvalidInput("email_verified is true, and email is empty")
    return verified


def _name(what: str, text: str) -> str:
    if len(text) > _TEXT_MOST:
        raise InvalidInput(f"{what} is longer than {_TEXT_MOST} characters")
    if found := _NOT_IN_NAMES.search(text):
        raise InvalidInput(f"{what} can't have {found.group()!r} in it")
    return text


def _role(text: str, tenant: str) -> Role | None:
    """In a tenant without a role one is a viewer: the least that a member may do."""
    if not tenant:
        if text:
            raise InvalidInput("a role is one in a tenant, and tenant is empty")
        return None
    if text and text not in set(Role):
        raise InvalidInput(f"role has to be one of {', '.join(Role)}")
    return Role(text or Role.VIEWER)
