"""The demo's own user at Keycloak, who signs in in a browser: a member of the demo's tenant. The password is made here,
and kept beside the demo's token, so that each run says the same."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from slipway.adapters.keycloak import accounts
from slipway.adapters.keycloak.admin import Admin
from slipway.core.access.roles import Role
from slipway.core.identity.wanted_realm import TENANTS
from slipway.demo.walk import LOGIN, TENANT
from slipway.settings import Settings

_PASSWORD_BYTES = 12
_PROFILE = {"email": "demo@example.org", "emailVerified": True, "firstName": "Demo", "lastName": "User"}
"""Keycloak asks at the first sign-in for what is missing of these. RFC 2606 reserves the address."""


def ensure_person(settings: Settings, folder: Path) -> tuple[str, str]:
    """The login and password of the demo's user, who is made when there is none.

    Raises:
        DependencyUnavailable: Keycloak does not answer.
        IdentityRefused: Keycloak does not let Slipway in.
    """
    file = folder / "password"
    kept = file.read_text().strip() if file.exists() else ""
    password = kept or secrets.token_urlsafe(_PASSWORD_BYTES)
    group = f"/{TENANTS}/{TENANT}/{Role.OWNER}"
    with Admin(settings.keycloak_url, accounts.hosts_account(settings)) as admin:
        users = f"/{settings.keycloak_realm}/users"
        found = admin.get(users, username=LOGIN, exact="true")
        credential = {"type": "password", "value": password, "temporary": False}
        if not found:
            admin.post(users, _user(credential, group))
        elif not kept:
            admin.put(f"{users}/{found[0]['id']}/reset-password", credential)
    if not kept:  # only now: a password that Keycloak did not get is good for nothing
        _keep(file, password)
    return LOGIN, password


def _user(credential: dict[str, Any], group: str) -> dict[str, Any]:
    return {"username": LOGIN, "enabled": True, "credentials": [credential], "groups": [group], **_PROFILE}


def _keep(file: Path, password: str) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(password)
