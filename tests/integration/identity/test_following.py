"""What somebody does in Keycloak's console, or a person there themselves, ends or marks the sessions here."""

from __future__ import annotations

import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from redis import Redis
from sqlalchemy import select

from router.identity.follower import IdentityFollower
from router.identity.sign_on import SignOnServices
from slipway.adapters.keycloak import accounts
from slipway.adapters.keycloak.provider import Keycloak
from slipway.adapters.redis import keys
from slipway.adapters.redis.identity_changes import IdentityChanges
from slipway.adapters.redis.identity_position import IdentityPosition
from slipway.adapters.redis.sessions import Seals, Sessions
from slipway.adapters.redis.work_queue import connect
from slipway.core.identity.claims import Person
from slipway.db import Database
from slipway.errors import DependencyUnavailable
from slipway.host.install import folders
from slipway.models import AuditRecord
from slipway.ports.identity import ChangeFeed
from slipway.ports.sign_on import Tokens
from tests.fixtures.api import make_services
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser, claims, code_of, verifier_and_challenge
from tests.fixtures.services.router_server import running_router
from tests.fixtures.waiting import eventually

CALLBACK = "http://slipway.localhost:8080/auth/callback"
PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "a newer horse, another staple"
Change = Callable[["Following"], Any]


@dataclass
class Following:
    """A person who is signed in at Keycloak and here, and the follower."""

    keycloak: KeycloakServer
    redis: Redis
    sub: str
    browser: Browser
    sid: str = ""
    session: str = ""
    """The value of the session's cookie."""
    id_token: str = ""
    began: float = 0

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.redis, Seals(b"a test's secret"), idle_s=7200, lifetime_s=43200)

    @property
    def changes(self) -> IdentityChanges:
        return IdentityChanges(self.redis)

    def follower(self, feed: ChangeFeed | None = None) -> IdentityFollower:
        sign_on = cast("SignOnServices", SimpleNamespace(sessions=self.sessions, changes=self.changes))
        return IdentityFollower(
            feed or self.keycloak.as_router().follow(), IdentityPosition(self.redis), sign_on, lambda *_: None
        )

    def sign_in(self, browser: Browser) -> tuple[str, str]:
        """The session at Keycloak, and the one here."""
        verifier, challenge = verifier_and_challenge()
        answer = browser.authorize("slipway-router", CALLBACK, code_challenge=challenge, code_challenge_method="S256")
        if not answer.is_redirect:
            answer = browser.submit(answer, username="ada", password=PASSWORD)
        account = accounts.routers_account(self.keycloak.settings)
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": verifier}
        form |= {"code": code_of(answer), "client_id": account.client, "client_secret": account.secret}
        tokens = httpx.post(f"{browser.realm_url}/protocol/openid-connect/token", data=form, timeout=120).json()
        self.id_token = tokens["id_token"]
        sid = claims(tokens["id_token"])["sid"]
        value, _ = self.sessions.create(
            Person(self.sub, "ada", sid=sid), Tokens(tokens["id_token"], "", "", time.time() + 300), time.time()
        )
        return sid, value

    def is_signed_in(self) -> bool:
        return self.sessions.read(self.session) is not None

    def is_stale(self) -> bool:
        return self.changes.stale_since(self.sub) > self.began

    def subjects(self) -> list[str]:
        return [fields[b"subject"].decode() for _, fields in self.redis.xrange(keys.IDENTITY_CHANGES)]

    def administrate(self, method: str, path: str, document: Any = None) -> Any:
        return self.keycloak.in_realm(method, path, document)

    def of_person(self, method: str, path: str = "", document: Any = None) -> Any:
        return self.administrate(method, f"/users/{self.sub}{path}", document)

    def group(self, path: str) -> Any:
        return self.administrate("GET", f"/group-by-path/{path}")


@pytest.fixture
def here(inhabited: KeycloakServer, redis_url: str) -> Iterator[Following]:
    """Ada is a developer of acme; what happened before the test has been followed."""
    person = {
        "username": "ada",
        "email": "ada@x.org",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "enabled": True,
        "groups": ["/tenants/acme/developer"],
        "credentials": [{"type": "password", "value": PASSWORD}],
    }
    sub = inhabited.in_realm("POST", "/users", person)
    redis = connect(redis_url)
    realm = f"{inhabited.url}/realms/{inhabited.settings.keycloak_realm}"
    with Browser(realm) as browser:
        found = Following(inhabited, redis, sub, browser)
        found.sid, found.session = found.sign_in(browser)
        found.follower().look()
        # Whatever of the tests before is in the overlap has been done by now; the session begins after it.
        found.sid, found.session = found.sign_in(browser)
        redis.delete(keys.stale_person(sub), keys.STALE_PEOPLE, keys.IDENTITY_CHANGES)
        found.began = time.time()
        yield found
    redis.close()


@pytest.fixture
def followed(here: Following) -> Iterator[Following]:
    """With the follower at work, as the router has it."""
    ending = threading.Event()
    thread = threading.Thread(target=here.follower().run, args=(ending.is_set, ending.wait))
    thread.start()
    yield here
    ending.set()
    thread.join(60)
    assert not thread.is_alive()


def _platform_admin(here: Following) -> Any:
    return here.administrate("GET", "/roles/platform-admin")


def _disable(here: Following) -> None:
    here.of_person("PUT", document={**here.of_person("GET"), "enabled": False})


def _leave_all_sessions(here: Following) -> None:
    here.of_person("POST", "/logout")


def _reset_password(here: Following) -> None:
    here.of_person("PUT", "/reset-password", {"type": "password", "value": NEW_PASSWORD, "temporary": False})


def _remove_credential(here: Following) -> None:
    (credential,) = here.of_person("GET", "/credentials")
    here.of_person("DELETE", f"/credentials/{credential['id']}")


def _end_session(here: Following) -> None:
    here.administrate("DELETE", f"/sessions/{here.sid}")


def _sign_out_elsewhere(here: Following) -> None:
    """As another client of the same realm does it, whose sign-out names no client of ours."""
    query = {"id_token_hint": here.id_token, "client_id": "slipway-router"}
    page = here.browser.client.get(f"{here.browser.realm_url}/protocol/openid-connect/logout", params=query)
    here.browser.follow(page)


def _delete(here: Following) -> None:
    here.of_person("DELETE")


SIGNS_OUT: dict[str, Change] = {
    "disabled": _disable,
    "removed": _delete,
    "all sessions ended": _leave_all_sessions,
    "password reset": _reset_password,
    "credential removed": _remove_credential,
    "session ended": _end_session,
    "signed out by another client": _sign_out_elsewhere,
}


@pytest.mark.parametrize("change", SIGNS_OUT.values(), ids=SIGNS_OUT)
def test_it_ends_the_session(followed: Following, change: Change) -> None:
    assert followed.is_signed_in()
    change(followed)
    eventually(lambda: not followed.is_signed_in(), within_s=60, what="the session has ended")
    assert [each for each in followed.subjects() if each.startswith(("person:", "session:"))]


def _add_role(here: Following) -> None:
    here.of_person("POST", "/role-mappings/realm", [_platform_admin(here)])


def _remove_role(here: Following) -> None:
    _add_role(here)
    eventually(here.is_stale, within_s=60, what="the added role has been followed")
    here.began = time.time()
    here.of_person("DELETE", "/role-mappings/realm", [_platform_admin(here)])


def _join_group(here: Following) -> None:
    here.of_person("PUT", f"/groups/{here.group('tenants/acme/owner')['id']}")


def _leave_group(here: Following) -> None:
    here.of_person("DELETE", f"/groups/{here.group('tenants/acme/developer')['id']}")


def _change_address(here: Following) -> None:
    here.of_person("PUT", document={**here.of_person("GET"), "email": "other@x.org"})


MARKS: dict[str, Change] = {
    "role added": _add_role,
    "role removed": _remove_role,
    "group joined": _join_group,
    "group left": _leave_group,
    "address changed": _change_address,
}


@pytest.mark.parametrize("change", MARKS.values(), ids=MARKS)
def test_it_marks_the_person(followed: Following, change: Change) -> None:
    change(followed)
    eventually(followed.is_stale, within_s=60, what="the person is marked as stale")
    assert f"person:{followed.sub}" in followed.subjects()
    assert followed.is_signed_in()


def _rename_group(here: Following) -> None:
    group = here.group("tenants/umbrella")
    here.administrate("PUT", f"/groups/{group['id']}", {**group, "name": "umbrella-old"})
    here.administrate("PUT", f"/groups/{group['id']}", group)


def _remove_group(here: Following) -> None:
    made = here.administrate("POST", "/groups", {"name": "for-a-while"})
    here.administrate("DELETE", f"/groups/{made}")


def _give_group_a_role(here: Following) -> None:
    path = f"/groups/{here.group('tenants/umbrella')['id']}/role-mappings/realm"
    here.administrate("POST", path, [_platform_admin(here)])
    here.administrate("DELETE", path, [_platform_admin(here)])


def _remove_realm_role(here: Following) -> None:
    here.administrate("POST", "/roles", {"name": "for-a-while"})
    here.administrate("DELETE", "/roles/for-a-while")


def _revoke_all(here: Following) -> None:
    here.administrate("POST", "/push-revocation")


CONCERNS_EVERYBODY: dict[str, Change] = {
    "group renamed": _rename_group,
    "group removed": _remove_group,
    "role given to a group": _give_group_a_role,
    "role removed": _remove_realm_role,
    "everything revoked": _revoke_all,
}


@pytest.mark.parametrize("change", CONCERNS_EVERYBODY.values(), ids=CONCERNS_EVERYBODY)
def test_it_marks_everybody(followed: Following, change: Change) -> None:
    change(followed)
    eventually(followed.is_stale, within_s=60, what="everybody is marked as stale")
    assert "all" in followed.subjects()
    assert followed.is_signed_in()


def test_who_changes_their_own_password_stays_signed_in_there_alone(followed: Following) -> None:
    with Browser(followed.browser.realm_url) as other:
        elsewhere = followed.sign_in(other)[1]
        _, challenge = verifier_and_challenge()
        query = {"code_challenge": challenge, "code_challenge_method": "S256", "kc_action": "UPDATE_PASSWORD"}
        page = followed.browser.follow(followed.browser.authorize("slipway-router", CALLBACK, **query))
        if "password-new" not in page.text:  # Keycloak asks for the old one first where that was a while ago
            page = followed.browser.submit(page, password=PASSWORD)
        new = {"password-new": NEW_PASSWORD, "password-confirm": NEW_PASSWORD}
        done = followed.browser.submit(page, **new)
        assert re.match(re.escape(CALLBACK), done.headers.get("Location", "")), done.text
        eventually(lambda: followed.sessions.read(elsewhere) is None, within_s=60, what="the other session has ended")
        assert followed.is_signed_in()


def test_two_changes_at_once_are_both_followed(here: Following) -> None:
    others = [here.administrate("POST", "/users", {"username": f"p-{number}", "enabled": True}) for number in range(40)]
    here.follower().look()
    threads = [threading.Thread(target=here.administrate, args=("POST", f"/users/{sub}/logout")) for sub in others]
    for each in threads:
        each.start()
    follower = here.follower()
    while any(each.is_alive() for each in threads):
        follower.look()
    follower.look()
    assert sorted(each for each in here.subjects() if each != f"person:{here.sub}") == sorted(
        f"person:{sub}" for sub in others
    )


def test_nothing_is_followed_twice(here: Following) -> None:
    _leave_group(here)
    assert here.follower().look() == 1
    assert here.follower().look() == 0
    assert here.subjects() == [f"person:{here.sub}"]


def test_what_happened_while_the_router_was_stopped_is_caught_up(here: Following) -> None:
    _leave_group(here)
    _reset_password(here)
    assert not here.is_stale()
    here.follower().look()
    assert here.is_stale()
    assert not here.is_signed_in()


def test_while_keycloak_does_not_answer_it_waits_and_catches_up(here: Following) -> None:
    slow = Keycloak(here.keycloak.settings, accounts.routers_account(here.keycloak.settings), 1)
    follower = here.follower(slow.follow())
    _leave_group(here)
    here.keycloak.signal(signal.SIGSTOP)
    ending = threading.Event()
    try:
        with pytest.raises(DependencyUnavailable):
            follower.look()
        thread = threading.Thread(target=follower.run, args=(ending.is_set, ending.wait))
        thread.start()
    finally:
        here.keycloak.signal(signal.SIGCONT)
    eventually(here.is_stale, within_s=60, what="it has caught up")
    ending.set()
    thread.join(60)


def test_the_router_follows_by_itself(here: Following, sqlite_url: str, redis_url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        services = make_services(Path(folder), sqlite_url, redis_url)
        settings = replace(services.settings, keycloak=here.keycloak.url, keycloak_realm="people")
        (settings.key_dir / accounts.ROUTER_SECRET).write_bytes(
            (here.keycloak.settings.key_dir / accounts.ROUTER_SECRET).read_bytes()
        )
        folders.prepare(settings)
        names = {"KEYCLOAK": settings.keycloak, "KEYCLOAK_REALM": "people"}
        with running_router(settings, **names):
            _leave_group(here)
            eventually(here.is_stale, within_s=60, what="the router has marked the person")
            _leave_all_sessions(here)
            both = [("the identity provider", here.sub, 2)]  # the fixture signs in twice
            eventually(lambda: _recorded_ends(services.db) == both, within_s=60, what="the end is recorded")
            assert not here.is_signed_in()
        services.db.dispose()
        services.redis.close()


def _recorded_ends(database: Database) -> list[Any]:
    with database.read(platform="a test looks") as session:
        rows = session.scalars(select(AuditRecord).where(AuditRecord.action == "session.end"))
        return [(row.actor, row.subject, row.detail["many"]) for row in rows]
