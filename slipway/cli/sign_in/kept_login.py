"""`login.json`: whom this machine is signed in as. It is written aside and renamed, and only under its lock."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slipway import settings
from slipway.cli.exit_codes import WaitedTooLong
from slipway.cli.sign_in.identity_provider import IdentityProvider
from slipway.cli.sign_in.tokens import PersonsTokens
from slipway.errors import SettingsError
from slipway.host.invoking_user import LOGIN_FILE

LOCK_TIMEOUT_S = 30.0
"""Longer than a provider that hangs can keep another command waiting."""
_ASK_S = 0.02


@dataclass(frozen=True, slots=True)
class PersonsLogin:
    provider: IdentityProvider
    tokens: PersonsTokens


@dataclass(frozen=True, slots=True)
class KeptLogin:
    """A Slipway token, or a person."""

    url: str
    token: str = field(default="", repr=False)
    person: PersonsLogin | None = None
    tenant: str = ""
    """In which of their tenants the person acts; empty: they are in one."""

    def is_at(self, url: str) -> bool:
        return bool(self.url) and self.url.rstrip("/") == url.rstrip("/")


NONE = KeptLogin("")


def path() -> Path:
    return Path(settings.client()["config_dir"]) / LOGIN_FILE


def read() -> KeptLogin:
    """Raises `SettingsError` when the file is there and can't be read."""
    try:
        found = json.loads(path().read_text())
        return _person(found) if "person" in found else KeptLogin(str(found["url"]), str(found["token"]))
    except FileNotFoundError:
        return NONE
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError("the kept login can't be read", remedy="slipway login again") from error


def write(login: KeptLogin) -> Path:
    """With the lock held. A command that is killed leaves the old file or the new one."""
    target = path()
    aside = target.with_name(".login.json")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(_document(login), file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)
    return target


@contextmanager
def locked() -> Iterator[None]:
    """One command at a time. The lock is the kernel's: it goes with the process that holds it.

    Raises:
        WaitedTooLong: another command does not let go of it.
        SettingsError: the folder can't be written to.
    """
    descriptor = _lock_file()
    try:
        until = time.monotonic() + LOCK_TIMEOUT_S
        while not _is_locked(descriptor):
            if time.monotonic() > until:
                raise WaitedTooLong("Another slipway command has been changing the login for long.", remedy="end it")
            time.sleep(_ASK_S)
        yield
    finally:
        os.close(descriptor)


def _lock_file() -> int:
    file = path().with_name("login.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise SettingsError(
            f"the login can't be kept in {file.parent}: {error.strerror}", remedy="SLIPWAY_CONFIG_DIR names another"
        ) from error


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _document(login: KeptLogin) -> dict[str, Any]:
    if login.person is None:
        return {"url": login.url, "token": login.token}
    person = {"provider": asdict(login.person.provider), "tokens": asdict(login.person.tokens)}
    return {"url": login.url, "tenant": login.tenant, "person": person}


def _person(document: dict[str, Any]) -> KeptLogin:
    provider, tokens = document["person"]["provider"], document["person"]["tokens"]
    return KeptLogin(
        str(document["url"]),
        person=PersonsLogin(
            IdentityProvider(**{name: str(value) for name, value in provider.items()}),
            PersonsTokens(
                str(tokens["access_token"]),
                float(tokens["renew_at"]),
                float(tokens["access_ends_at"]),
                str(tokens["refresh_token"]),
                float(tokens["login_ends_at"]),
            ),
        ),
        tenant=str(document["tenant"]),
    )
