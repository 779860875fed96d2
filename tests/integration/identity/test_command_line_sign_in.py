"""`slipway login` at a real Keycloak: a code, a person with a browser, tokens that rotate, and an end of all that."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.identity import sign_on
from slipway.cli.exit_codes import Exit
from slipway.host.install import folders
from tests.fixtures.api import Api, make_services
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser
from tests.fixtures.ports import free_port
from tests.fixtures.rows import add_tenant
from tests.fixtures.services.router_threads import serving
from tests.integration.cli.people import age, refresh_token
from tests.integration.cli.rig import Platform, User

PASSWORD = "correct horse battery staple"
PERSON = {
    "username": "grace",
    "email": "grace@example.org",
    "emailVerified": True,
    "enabled": True,
    "firstName": "Grace",
    "lastName": "Hopper",
    "groups": ["/tenants/acme/developer", "/tenants/umbrella/viewer"],
    "credentials": [{"type": "password", "value": PASSWORD}],
}


@pytest.fixture
def grace(keycloak: KeycloakServer, sqlite_url: str, shared_redis: Any, tmp_path: Path) -> Iterator[User]:
    """Not signed in yet; the router is in this process."""
    port = free_port()
    person = keycloak.administrate("POST", "/slipway/users", PERSON)
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        made = make_services(Path(folder), sqlite_url, shared_redis.url)
        for name in ("acme", "umbrella"):
            add_tenant(made.db, name)
        settings = replace(made.settings, keycloak=keycloak.url)
        secret = "keycloak-router.secret"
        (settings.key_dir / secret).write_bytes((keycloak.settings.key_dir / secret).read_bytes())
        folders.prepare(settings)
        services = replace(made, settings=settings, sign_on=sign_on.connect(settings, made.redis, made.db))
        platform = Platform(Api(services, None), None, f"http://127.0.0.1:{port}")  # type: ignore[arg-type]  not called
        with serving(services, port):
            yield User(platform, "", tmp_path, {"SLIPWAY_URL": ""})
        sign_on.required(services.sign_on).provider.close()
        made.db.dispose()
        made.redis.close()
    keycloak.administrate("DELETE", f"/slipway/users/{person}")


def sign_in(user: User, browser: Browser, *options: str, says: str = "Yes") -> subprocess.Popen[str]:
    """`slipway login`, and what the person does with the link that it shows."""
    command = user.start("login", user.platform.url, "--web", *options, stdin=subprocess.DEVNULL)
    assert command.stderr is not None
    link = ""
    while not link:
        line = command.stderr.readline()
        assert line, "the command ended without a link"
        link = "".join(re.findall(r"complete link: (\S+)", line))
    page = browser.follow(browser.client.get(link))
    asked = browser.submit(page, username="grace", password=PASSWORD)
    browser.submit(asked, **({"accept": says} if says == "Yes" else {"cancel": says}))
    command.communicate(timeout=120)
    return command


def test_somebody_signs_in_by_a_code_and_out_again(keycloak: KeycloakServer, grace: User) -> None:
    with Browser(f"{keycloak.url}/realms/slipway") as browser:
        assert sign_in(grace, browser, "--tenant", "acme").returncode == Exit.DONE
    who = grace("whoami", "--json").json
    assert (who["kind"], who["name"], who["tenant"], who["role"]) == ("person", "grace", "acme", "developer")
    assert "umbrella, viewer" in grace("login", "--tenant", "umbrella").out

    first = refresh_token(grace)
    age(grace)
    commands = [grace.start("whoami") for _ in range(3)]
    ended = [each.communicate(timeout=120) for each in commands]
    assert [each.returncode for each in commands] == [Exit.DONE] * 3, ended
    last = refresh_token(grace)
    assert last != first, "it was rotated"

    kept = (grace.home / "config" / "login.json").read_text()
    assert grace("logout", "--json").json == {"forgotten": True, "ended": True}
    (grace.home / "config" / "login.json").write_text(kept)  # somebody has copied it
    age(grace, ended=True)
    assert "Your login has ended" in grace("whoami", code=Exit.NOT_SIGNED_IN).err


def test_a_refresh_token_that_was_used_ends_the_login(keycloak: KeycloakServer, grace: User) -> None:
    with Browser(f"{keycloak.url}/realms/slipway") as browser:
        sign_in(grace, browser, "--tenant", "acme")
    kept = (grace.home / "config" / "login.json").read_text()
    age(grace)
    grace("whoami")
    (grace.home / "config" / "login.json").write_text(kept)  # a command was killed before it had kept the new one
    age(grace, ended=True)
    assert "slipway login" in grace("whoami", code=Exit.NOT_SIGNED_IN).err


def test_whoever_refuses_in_the_browser_signs_nobody_in(keycloak: KeycloakServer, grace: User) -> None:
    with Browser(f"{keycloak.url}/realms/slipway") as browser:
        assert sign_in(grace, browser, says="No").returncode == Exit.NOT_SIGNED_IN
    assert not (grace.home / "config" / "login.json").exists()
