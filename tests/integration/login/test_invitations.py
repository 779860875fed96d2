"""Somebody gets the link of an invitation: what it shows, how it is accepted, and every way in which it must not be."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from slipway.adapters.redis import keys
from slipway.core.access.roles import Role
from slipway.core.access.tokens import hashed
from slipway.core.identity.people import KnownPerson
from slipway.domain.identity import group_of
from slipway.errors import DependencyUnavailable
from slipway.models import AuditRecord, Invitation, Tenant, Token, now
from slipway.ports.identity import IdentityProvider
from tests.fakes import FakePeople
from tests.fixtures.api import Api, Caller
from tests.integration.login.rig import Browser, Console, client_of, title

NOT_GOOD = "This invitation is not good"
BOB = "bob@example.org"


@dataclass
class Rig:
    """The console, whose identity provider has the people of a fake: the same by their `sub`."""

    console: Console
    people: FakePeople

    def owner(self, tenant: str = "acme", role: Role = Role.OWNER) -> Caller:
        return Caller(self.console.api.client, self.console.api.caller(tenant, role).token)

    def invite(self, owner: Caller, email: str = BOB, role: str = "developer") -> str:
        """The path of the link."""
        made = owner.post("/api/invitations", {"email": email, "role": role}, status=201)
        assert made["url"].startswith(f"{self.console.url}/auth/invitations/slwi_")
        return str(made["url"].removeprefix(self.console.url))

    def somebody(self, login: str, *groups: str, **claims: Any) -> Browser:
        """A person who is signed in."""
        sub = self.console.provider.add_person(login, groups=list(groups), **claims)
        self.people.people[sub] = KnownPerson(sub, login, login.title(), f"{login}@example.org", enabled=True)
        for path in groups:
            self.people.groups.setdefault(path, set()).add(sub)
        self.console.provider.signs_in = login
        browser = self.console.browser()
        browser.sign_in()
        return browser

    def roles(self, tenant: str = "acme") -> dict[str, str]:
        return {each.person.login: str(each.role) for each in self.people.members(self.tenant(tenant))}

    def tenant(self, name: str) -> Any:
        number = self.console.api.tenant_id(name)
        with self.console.services.db.read(tenant_id=number) as session:
            group = group_of(session.get_one(Tenant, number))
        self.people.give_tenant(group)
        return group

    def change(self, **values: Any) -> None:
        """What happens to the newest invitation while its link is under way."""
        with self.console.services.db.write(platform="a test's time passes") as session:
            newest = select(Invitation.id).order_by(Invitation.id.desc()).limit(1).scalar_subquery()
            session.execute(update(Invitation).where(Invitation.id == newest).values(**values))

    def recorded(self, *actions: str) -> list[tuple[str, str, str, Any]]:
        with self.console.services.db.read(platform="a test looks") as session:
            query = select(AuditRecord).where(AuditRecord.action.in_(actions)).order_by(AuditRecord.id)
            return [(row.actor, row.action, row.subject, row.detail) for row in session.scalars(query)]

    def changes(self) -> list[str]:
        found: Any = self.console.services.redis.xrange(keys.IDENTITY_CHANGES)
        return [fields[b"subject"].decode() for _, fields in found]


@pytest.fixture
def rig(console: Console) -> Rig:
    people = FakePeople()
    identity = cast("IdentityProvider", SimpleNamespace(people=people))
    services = replace(console.services, identity=identity)
    rig = Rig(Console(Api(services, client_of(services)), console.provider), people)
    for tenant in ("acme", "umbrella"):
        rig.tenant(tenant)
    return rig


@pytest.fixture
def owner(rig: Rig) -> Caller:
    return rig.owner()


@pytest.fixture
def link(rig: Rig, owner: Caller) -> str:
    return rig.invite(owner)


def sub_on(page: TestResponse) -> str:
    """Whom the page would accept as."""
    found = re.search(r'name="as" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def accept(browser: Browser, link: str, **fields: str) -> TestResponse:
    return browser.post(f"{link}/accept", **{"as": sub_on(browser.get(link)), **fields})


def refused(answer: TestResponse, status: int = 404, heading: str = NOT_GOOD) -> TestResponse:
    assert (answer.status_code, title(answer)) == (status, heading), answer.text
    return answer


# to become a member


def test_who_is_signed_in_accepts_once_and_is_a_member_at_once(rig: Rig, link: str) -> None:
    bob = rig.somebody("bob")
    assert bob.get("/api/account").status_code == 403
    done = accept(bob, link)
    assert (done.status_code, done.headers["Location"]) == (303, link)
    assert rig.roles() == {"bob": "developer"}
    assert "person:sub-of-bob" in rig.changes(), "sessions and edges learn of it"
    rig.console.provider.add_person("bob", groups=["/tenants/acme/developer"])  # as Keycloak has it now
    assert bob.get("/api/account").json == {
        "kind": "person", "name": "bob", "tenant": "acme", "role": "developer", "token": "bob",
    }  # fmt: skip
    assert title(bob.get(link)) == "You are in acme"
    accepted = {"invitation": 1, "role": "developer", "email": BOB, "inviter": "token:acme-owner"}
    assert rig.recorded("invitation.create", "invitation.accept", "person.role") == [
        ("token:acme-owner", "invitation.create", BOB, {"invitation": 1, "role": "developer"}),
        ("person:bob", "person.role", "bob", {"role": "developer", "before": ""}),
        ("person:bob", "invitation.accept", "bob", accepted),
    ]


def test_who_is_not_signed_in_comes_back_to_the_invitation(rig: Rig, link: str) -> None:
    rig.console.provider.add_person("bob")
    rig.console.provider.signs_in = "bob"
    browser = rig.console.browser()
    page = browser.get(link)
    assert title(page) == "You are invited to acme"
    assert f'href="{link}/sign-in"' in page.text
    assert browser.get(browser.at_provider(browser.to_provider(f"{link}/sign-in"))).headers["Location"] == link
    assert "Accept as bob" in browser.get(link).text


def test_the_page_says_when_the_account_is_not_the_one_that_was_meant(rig: Rig, owner: Caller, link: str) -> None:
    warning = "not the verified address"
    assert warning not in rig.somebody("bob").get(link).text
    for login, claims in (("eve", {}), ("bo", {"email": BOB, "email_verified": False})):
        browser = rig.somebody(login, **claims)
        assert warning in browser.get(link).text
    accept(browser, link)
    assert rig.roles() == {"bo": "developer"}, "they said so themselves"


def test_somebody_without_an_account_gets_one_and_accepts_with_it(rig: Rig, link: str) -> None:
    made = rig.console.browser().post(f"{link}/account")
    assert (made.status_code, title(made)) == (200, "Your account is made")
    (sub,) = rig.people.first_passwords
    login = rig.people.people[sub].login
    assert re.fullmatch(r"bob-[a-z0-9]{5}", login)
    assert login in made.text
    assert rig.people.first_passwords[sub] in made.text
    assert made.headers["Cache-Control"] == "no-store"
    assert rig.roles() == {}, "they have not accepted yet"
    rig.console.provider.add_person(login, sub=sub, email=None, email_verified=None)
    rig.console.provider.signs_in = login
    browser = rig.console.browser()
    browser.sign_in()
    accept(browser, link)
    assert rig.roles() == {login: "developer"}
    assert rig.recorded("person.create") == [("nobody", "person.create", login, {"invitation": 1})]


def test_an_invitation_makes_one_account(rig: Rig, link: str) -> None:
    browser = rig.console.browser()
    browser.post(f"{link}/account")
    again = browser.post(f"{link}/account")
    assert (again.status_code, "An account was made with this invitation already" in again.text) == (409, True)
    assert len(rig.people.first_passwords) == 1
    assert f'action="{link}/account"' not in browser.get(link).text


def test_the_login_of_a_new_account_is_never_an_address(rig: Rig, owner: Caller) -> None:
    for email in ("x@x.org", ".@x.org", "service-account-x@x.org", "Tag+x@x.org", "a" * 64 + "@x.org"):
        rig.console.browser().post(f"{rig.invite(owner, email)}/account")
    made = list(rig.people.people.values())
    assert len(made) == 5
    for each in made:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}-[a-z0-9]{5}", each.login)
        assert not each.login.startswith("service-account-")
        assert each.email == ""


def test_an_account_that_keycloak_did_not_make_can_be_tried_again(rig: Rig, link: str) -> None:
    create, browser = rig.people.create_account, rig.console.browser()

    def cut_off(_login: str, _password: str) -> bool:
        raise DependencyUnavailable("Keycloak does not answer.")

    rig.people.create_account = cut_off  # type: ignore[method-assign]
    assert browser.post(f"{link}/account").status_code == 503
    rig.people.create_account = create  # type: ignore[method-assign]
    assert browser.post(f"{link}/account").status_code == 200


# nobody learns who has an account


def test_what_the_link_shows_does_not_depend_on_who_has_an_account(rig: Rig, owner: Caller) -> None:
    """The owner who made it has the link, too."""
    rig.people.give("bob", BOB)
    rig.people.give("robert-known", "")
    pages = []
    for email in (BOB, "nob@example.org"):
        link = rig.invite(owner, email)
        anybody = rig.console.browser()
        texts = (anybody.get(link).text, anybody.post(f"{link}/account").text, anybody.get(link).text)
        pages.append([_neutral(text, link, email) for text in texts])
    assert pages[0] == pages[1]


def _neutral(text: str, link: str, email: str) -> str:
    name = email.partition("@")[0]
    text = text.replace(link, "LINK").replace(email, "EMAIL")
    return re.sub(rf"{name}-\w{{5}}|first password  \S+|Good until [^.]+", "X", text)


def test_an_invitation_never_touches_an_account_that_exists(rig: Rig, owner: Caller, monkeypatch: Any) -> None:
    bob = rig.people.give("bob-taken", BOB, "/tenants/umbrella/owner")
    logins = iter(["bob-taken", "bob-free"])
    monkeypatch.setattr("slipway.domain.accepting_invitations._new_login", lambda _email: next(logins))
    made = rig.console.browser().post(f"{rig.invite(owner)}/account")
    assert "bob-free" in made.text
    assert bob.sub not in rig.people.first_passwords
    assert rig.people.people[bob.sub] == bob
    assert rig.roles() == {}


# looking changes nothing


def test_programs_that_follow_links_accept_nothing(rig: Rig, link: str) -> None:
    signed_in, scanner = rig.somebody("bob"), rig.console.browser()
    for browser in (scanner, signed_in):
        for method in ("GET", "HEAD"):
            for path in (link, f"{link}?as=sub-of-bob", f"{link}/sign-in"):
                assert browser.ask(method, path).status_code in (200, 303)
            for path in (f"{link}/accept", f"{link}/account"):
                assert browser.ask(method, path).status_code == 405
    assert rig.roles() == {}
    assert rig.people.first_passwords == {}
    accept(signed_in, link)
    assert rig.roles() == {"bob": "developer"}


def test_pages_run_nothing_and_can_be_framed_by_nobody(rig: Rig, link: str) -> None:
    for page in (rig.console.browser().get(link), rig.somebody("bob").get(link), rig.somebody("x").get(f"{link}x")):
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "same-origin")
        assert "<script" not in page.text


def test_what_people_are_called_is_text_on_the_page(rig: Rig, link: str) -> None:
    page = rig.somebody("<b>bob", email='"<i>"@example.org').get(link)
    assert "Accept as &lt;b&gt;bob" in page.text
    assert "<b>" not in page.text
    assert "<i>" not in page.text


# what must not be accepted


def test_another_sites_form_accepts_nothing(rig: Rig, link: str) -> None:
    bob = rig.somebody("bob")
    for path in (f"{link}/accept", f"{link}/account"):
        answer = bob.post(path, own_page=False, **{"as": "sub-of-bob"})
        refused(answer, 403, "This was refused")
        assert bob.ask("POST", path, data={"as": "sub-of-bob"}).status_code == 403, "a browser that says nothing"
    assert rig.roles() == {}
    assert rig.people.first_passwords == {}
    assert {(row[0], row[2]) for row in rig.recorded("session.refuse")} == {("nobody", "/auth/invitations")}


def test_nobody_accepts_without_being_signed_in(rig: Rig, link: str) -> None:
    refused(rig.console.browser().post(f"{link}/accept", **{"as": ""}), 403, "You are not signed in")
    assert rig.roles() == {}


def test_who_signed_in_as_somebody_else_meanwhile_accepts_nothing(rig: Rig, link: str) -> None:
    bob, eve = rig.somebody("bob"), rig.somebody("eve")
    as_bob = sub_on(bob.get(link))
    answer = eve.post(f"{link}/accept", **{"as": as_bob})
    assert (answer.status_code, "You are signed in as eve" in answer.text) == (409, True)
    assert eve.post(f"{link}/accept").status_code == 409
    assert rig.roles() == {}


FORGED = (
    *("x", "slwi_", "slwi_" + "A" * 43, "slw_" + "A" * 43, "A" * 5000),
    *("%00", "%ED%B3%BF", "..%2F..", "'%20or%201=1"),
)


def test_a_forged_link_is_good_for_nothing(rig: Rig, link: str) -> None:
    bob = rig.somebody("bob")
    for path in (f"/auth/invitations/{each}" for each in FORGED):
        for answer in (
            bob.get(path),
            bob.get(f"{path}/sign-in"),
            bob.post(f"{path}/accept", **{"as": "sub-of-bob"}),
            bob.post(f"{path}/account"),
        ):
            assert answer.status_code == 404
            assert "acme" not in answer.text
            assert "slipway-login" not in str(answer.headers.getlist("Set-Cookie"))
    assert rig.roles() == {}


def test_the_hash_that_is_kept_opens_nothing(rig: Rig, link: str) -> None:
    secret = link.rpartition("/")[2]
    with rig.console.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(Invitation)).one()
        assert row.hashed == hashed(secret)
        assert secret not in str(vars(row))
    refused(rig.console.browser().get(f"/auth/invitations/{row.hashed}"))


def test_the_secret_is_in_no_record(rig: Rig, link: str) -> None:
    bob, secret = rig.somebody("bob"), link.rpartition("/")[2]
    bob.post(f"{link}/accept", own_page=False)
    accept(bob, link)
    rig.somebody("eve").get(link)
    with rig.console.services.db.read(platform="a test looks") as session:
        rows = [(row.subject, row.detail) for row in session.scalars(select(AuditRecord))]
    assert secret not in str(rows)


def test_what_the_browser_says_of_the_invitation_counts_for_nothing(rig: Rig, link: str) -> None:
    bob = rig.somebody("bob")
    said = {"role": "owner", "tenant": "umbrella", "email": "x@example.org", "expires_at": "2100-01-01"}
    query = "&".join(f"{name}={value}" for name, value in said.items())
    bob.post(f"{link}/accept?{query}", **{"as": "sub-of-bob", **said})
    assert (rig.roles(), rig.roles("umbrella")) == ({"bob": "developer"}, {})


def test_the_page_of_another_tenants_invitation_makes_a_member_of_that_tenant_alone(rig: Rig) -> None:
    links = [rig.invite(rig.owner(name), role="viewer") for name in ("acme", "umbrella")]
    accept(rig.somebody("bob"), links[1])
    assert (rig.roles(), rig.roles("umbrella")) == ({}, {"bob": "viewer"})


def test_a_used_link_is_good_for_nobody_else(rig: Rig, link: str) -> None:
    accept(rig.somebody("bob"), link)
    eve = rig.somebody("eve")
    refused(eve.get(link))
    refused(eve.post(f"{link}/accept", **{"as": "sub-of-eve"}))
    refused(eve.post(f"{link}/account"))
    refused(rig.console.browser().get(link))
    assert rig.roles() == {"bob": "developer"}


def test_who_was_removed_does_not_come_back_by_the_old_link(rig: Rig, owner: Caller, link: str) -> None:
    bob = rig.somebody("bob")
    page = sub_on(bob.get(link))
    accept(bob, link)
    owner.delete("/api/users/bob")
    assert bob.post(f"{link}/accept", **{"as": page}).status_code == 303, "nothing is wrong, and nothing is done"
    assert rig.roles() == {}


def test_to_accept_twice_changes_nothing(rig: Rig, owner: Caller, link: str) -> None:
    bob = rig.somebody("bob")
    page = sub_on(bob.get(link))
    for _ in range(2):
        assert bob.post(f"{link}/accept", **{"as": page}).status_code == 303
    owner.patch("/api/users/bob", {"role": "viewer"})
    bob.post(f"{link}/accept", **{"as": page})
    assert rig.roles() == {"bob": "viewer"}
    assert len(rig.recorded("invitation.accept")) == 1


def test_of_many_who_accept_at_once_one_becomes_a_member(rig: Rig, link: str) -> None:
    browsers = [rig.somebody(f"person-{number}") for number in range(6)]
    app = rig.console.api.client.application

    def press(browser: Browser) -> int:
        site = {"Origin": rig.console.url, "Cookie": f"slipway-session={browser.session}"}
        with app.test_client(use_cookies=False) as client:
            return client.post(f"{link}/accept", data={"as": fields[browser.session]}, headers=site).status_code

    fields = {browser.session: sub_on(browser.get(link)) for browser in browsers}
    with ThreadPoolExecutor(6) as threads:
        codes = sorted(threads.map(press, browsers))
    assert codes == [303, 404, 404, 404, 404, 404]
    assert len(rig.roles()) == 1


def test_without_the_lock_the_database_still_lets_one_in(rig: Rig, link: str) -> None:
    """Redis may have lost the lock."""
    first, second = rig.somebody("bob"), rig.somebody("eve")
    set_role = rig.people.set_role

    def meanwhile(*arguments: Any) -> None:
        rig.people.set_role = set_role  # type: ignore[method-assign]
        rig.console.services.redis.delete(keys.changing_people(rig.console.api.tenant_id("acme")))
        refused(accept(second, link))
        set_role(*arguments)

    rig.people.set_role = meanwhile  # type: ignore[method-assign]
    assert accept(first, link).status_code == 303
    assert rig.roles() == {"bob": "developer"}


def test_an_invitation_that_has_expired(rig: Rig, link: str) -> None:
    bob = rig.somebody("bob")
    page = sub_on(bob.get(link))
    rig.change(expires_at=now() - timedelta(seconds=1))
    refused(bob.get(link))
    refused(bob.post(f"{link}/accept", **{"as": page}))
    refused(bob.post(f"{link}/account"))
    assert rig.roles() == {}


def test_one_that_is_revoked_while_its_page_is_open(rig: Rig, owner: Caller, link: str) -> None:
    bob = rig.somebody("bob")
    page = sub_on(bob.get(link))
    owner.delete("/api/invitations/1")
    refused(bob.post(f"{link}/accept", **{"as": page}))
    refused(bob.get(link))
    refused(bob.post(f"{link}/account"))
    assert rig.roles() == {}
    assert rig.people.first_passwords == {}


def test_a_newer_one_for_the_same_address_replaces_it(rig: Rig, owner: Caller, link: str) -> None:
    newer = rig.invite(owner, BOB.upper(), "viewer")
    bob = rig.somebody("bob")
    refused(bob.get(link))
    accept(bob, newer)
    assert rig.roles() == {"bob": "viewer"}
    revoked = ("token:acme-owner", "invitation.revoke", BOB, {"invitation": 1, "by": 2})
    assert rig.recorded("invitation.revoke") == [revoked]


@pytest.fixture
def ada(rig: Rig) -> Browser:
    """A person who is an owner."""
    return rig.somebody("ada", "/tenants/acme/owner")


def by_ada(rig: Rig, ada: Browser) -> str:
    made = rig.console.api.client.post(
        "/api/invitations",
        json={"email": BOB, "role": "developer"},
        headers={"Cookie": f"slipway-session={ada.session}", "Origin": rig.console.url},
    )
    assert made.status_code == 201, made.text
    return str(made.json["url"]).removeprefix(rig.console.url)


@pytest.mark.parametrize("becomes", ["developer", "viewer", "", "disabled"])
def test_one_whose_inviter_is_an_owner_no_more(rig: Rig, ada: Browser, becomes: str) -> None:
    link = by_ada(rig, ada)
    bob = rig.somebody("bob")
    assert "<strong>ada</strong> invites" in bob.get(link).text
    person = rig.people.people["sub-of-ada"]
    if becomes == "disabled":
        rig.people.people[person.sub] = replace(person, enabled=False)
    else:
        rig.people.set_role(rig.tenant("acme"), person, Role(becomes) if becomes else None)
    refused(accept(bob, link))
    refused(bob.post(f"{link}/account"))
    assert "bob" not in rig.roles()
    assert rig.people.first_passwords == {}


def test_one_whose_inviter_is_an_owner_of_another_tenant_alone(rig: Rig, ada: Browser) -> None:
    link = by_ada(rig, ada)
    person = rig.people.people["sub-of-ada"]
    rig.people.set_role(rig.tenant("acme"), person, None)
    rig.people.set_role(rig.tenant("umbrella"), person, Role.OWNER)
    refused(accept(rig.somebody("bob"), link))


@pytest.mark.parametrize("what", ["revoked_at", "expires_at", "role"])
def test_one_whose_inviting_token_is_good_no_more(rig: Rig, link: str, what: str) -> None:
    bob = rig.somebody("bob")
    value = {"role": "developer"}.get(what, now() - timedelta(seconds=1))
    with rig.console.services.db.write(platform="a test's token") as session:
        session.execute(update(Token).values(**{what: value}))
    refused(accept(bob, link))


def test_a_token_of_the_same_number_as_the_inviting_one_had_invited_nobody(rig: Rig, owner: Caller, link: str) -> None:
    with rig.console.services.db.write(platform="a test's token") as session:
        old = session.scalars(select(Token)).one()
        values = {"tenant_id": old.tenant_id, "name": "other", "role": "owner", "hashed": "0" * 64, "hint": "slw_"}
        number = old.id
        session.delete(old)
        session.flush()
        session.add(Token(id=number, **values))
    refused(accept(rig.somebody("bob"), link))


@pytest.mark.parametrize("role", ["viewer", "owner"])
def test_an_invitation_changes_no_members_role(rig: Rig, link: str, role: str) -> None:
    bob = rig.somebody("bob", f"/tenants/acme/{role}")
    answer = accept(bob, link)
    assert (answer.status_code, f"As bob you have the role {role} in acme already" in answer.text) == (409, True)
    assert rig.roles() == {"bob": role}
    accept(rig.somebody("eve"), link)
    assert rig.roles() == {"bob": role, "eve": "developer"}, "it was not used up"


# what is cut off


def test_while_keycloak_does_not_answer_nothing_is_used_up(rig: Rig, link: str) -> None:
    bob = rig.somebody("bob")
    page = sub_on(bob.get(link))
    rig.people.away = True
    refused(bob.post(f"{link}/accept", **{"as": page}), 503, "Nobody can sign in at the moment")
    rig.people.away = False
    accept(bob, link)
    assert rig.roles() == {"bob": "developer"}


def cut_off(rig: Rig, browser: Browser, link: str) -> str:
    """Keycloak stops answering when the role has been given; whom the page was for."""
    page, set_role = sub_on(browser.get(link)), rig.people.set_role

    def halfway(*arguments: Any) -> None:
        rig.people.set_role = set_role  # type: ignore[method-assign]
        set_role(*arguments)
        raise DependencyUnavailable("Keycloak does not answer.")

    rig.people.set_role = halfway  # type: ignore[method-assign]
    assert browser.post(f"{link}/accept", **{"as": page}).status_code == 503
    return page


def test_who_was_cut_off_finishes_and_nobody_else_does(rig: Rig, link: str) -> None:
    bob, eve = rig.somebody("bob"), rig.somebody("eve")
    page = cut_off(rig, bob, link)
    refused(eve.post(f"{link}/accept", **{"as": "sub-of-eve"}))
    assert bob.post(f"{link}/accept", **{"as": page}).status_code == 303
    assert rig.roles() == {"bob": "developer"}
    assert len(rig.recorded("invitation.accept")) == 1


@pytest.mark.parametrize("role", [None, "viewer"])
def test_what_an_owner_decides_of_somebody_who_was_cut_off_counts(
    rig: Rig, owner: Caller, link: str, role: str | None
) -> None:
    bob = rig.somebody("bob")
    page = cut_off(rig, bob, link)
    if role:
        owner.patch("/api/users/bob", {"role": role})
    else:
        owner.delete("/api/users/bob")
    refused(bob.post(f"{link}/accept", **{"as": page}))
    assert rig.roles() == ({"bob": role} if role else {})


def test_a_defect_is_a_page_and_uses_nothing_up(rig: Rig, link: str, caplog: pytest.LogCaptureFixture) -> None:
    bob, members = rig.somebody("bob"), rig.people.members
    page = sub_on(bob.get(link))
    rig.people.members = cast("Any", lambda _tenant: 1 / 0)  # type: ignore[method-assign]
    refused(bob.post(f"{link}/accept", **{"as": page}), 500, "This did not work")
    assert "ZeroDivisionError" in caplog.text
    rig.people.members = members  # type: ignore[method-assign]
    accept(bob, link)
    assert rig.roles() == {"bob": "developer"}
