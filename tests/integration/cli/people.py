"""The command and a platform whose people sign in at the provider of tests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from router.identity.sign_on import required
from slipway.cli.sign_in import device_grant
from tests.fixtures.api import Api, make_services
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.fixtures.identity.sign_on import with_sign_on
from tests.fixtures.ports import free_port
from tests.fixtures.services.router_threads import serving
from tests.integration.cli.rig import Done, User


@dataclass
class Clock:
    """What the command waits by while somebody signs in: no time passes."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)
    meanwhile: Callable[[], Any] = lambda: None
    """What happens during each of the waits."""

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        self.meanwhile()


@dataclass
class SignOnPlatform:
    api: Api
    provider: OidcProvider
    url: str
    clock: Clock
    home: Path

    def user(self, name: str = "ada") -> User:
        """Somebody who is not signed in."""
        home = self.home / name
        home.mkdir(exist_ok=True)
        return User(self, "", home, {"SLIPWAY_URL": ""})  # type: ignore[arg-type]  what of a platform a user needs

    def sign_in(self, *options: str, code: int = 0, login: str = "ada", user: User | None = None) -> tuple[User, Done]:
        """`slipway login`, whose code is used while it waits."""
        self.clock.meanwhile = lambda: self.provider.devices.approve(login)
        found = user or self.user()
        return found, found("login", self.url, "--web", *options, code=code)

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False)

    def fake_clock(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(device_grant, "time", self.clock)


@contextmanager
def sign_on_platform(
    provider: OidcProvider, folder: Path, database: str, redis: str, home: Path
) -> Iterator[SignOnPlatform]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    made = make_services(folder, database, redis)
    services = with_sign_on(replace(made, settings=replace(made.settings, public_url=url)), provider.url)
    api = Api(services, None)  # type: ignore[arg-type]  called by the command alone
    for tenant in ("acme", "umbrella"):
        api.tenant_id(tenant)
    with serving(services, port):
        yield SignOnPlatform(api, provider, url, Clock(), home)
    required(services.sign_on).provider.close()
    services.db.dispose()
    services.redis.close()


def kept(user: User) -> dict[str, Any]:
    """What is in login.json."""
    found: dict[str, Any] = json.loads((user.home / "config" / "login.json").read_text())
    return found


def refresh_token(user: User) -> str:
    return str(kept(user)["person"]["tokens"]["refresh_token"])


def age(user: User, *, ended: bool = False) -> None:
    """Time passes, until the access token is due, or is no longer good."""
    document = kept(user)
    document["person"]["tokens"]["renew_at"] = time.time() - 1
    if ended:
        document["person"]["tokens"]["access_ends_at"] = time.time() - 1
    (user.home / "config" / "login.json").write_text(json.dumps(document))


def is_kept(user: User) -> bool:
    return (user.home / "config" / "login.json").exists()
