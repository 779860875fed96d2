"""Who may call: tokens, roles, and tenants that are hostile to each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from slipway.core.access.roles import Role
from slipway.core.access.tokens import hashed
from slipway.models import App, Invitation, Release, Run, Token, Volume, now
from tests.fixtures.api import REPOSITORY, Api, Caller
from tests.fixtures.releases import frozen, make_live

OPEN = {
    *("/healthz", "/readyz", "/api/openapi.json", "/api/sign-in", "/.well-known/slipway/jwks.json"),
    "/api/publish/token",
}
BODIES = {
    ("POST", "/api/apps"): {"name": "new", "repository": REPOSITORY},
    ("PATCH", "/api/apps/<app>"): {"branch": "prod"},
    ("PUT", "/api/apps/<app>/scale"): {"replicas": 1},
    ("PATCH", "/api/apps/<app>/variables"): {"set": {"A": "1"}},
    ("POST", "/api/apps/<app>/promote"): {"to": "other"},
    ("POST", "/api/apps/<app>/runs"): {"command": ["true"]},
    ("POST", "/api/apps/<app>/domains"): {"host": "new.example.org"},
    ("PUT", "/api/apps/<app>/domains/<host>/certificate"): {"certificate": "a certificate", "key": "its key"},
    ("POST", "/api/apps/<app>/previews/<int:pull_request>/approve"): {"commit": "a" * 40},
    ("POST", "/api/services"): {"kind": "redis", "name": "store"},
    ("PATCH", "/api/services/<service>"): {"schedule": ""},
    ("POST", "/api/services/<service>/attachments"): {"app": "hello"},
    ("POST", "/api/hooks"): {"repository": "https://github.example/acme/new"},
    ("POST", "/api/tokens"): {"name": "new"},
    ("POST", "/api/apps/<app>/publishers"): {"kind": "github", "constraints": {"repository": "acme/hello"}},
    ("PUT", "/api/apps/<app>/limits/<name>"): {"requests": 5, "per_s": 60},
    ("PUT", "/api/limits/<name>"): {"requests": 5, "per_s": 60},
    ("PUT", "/api/apps/<app>/access"): {"allow": "nobody"},
    ("POST", "/api/apps/<app>/access/test"): {"path": "/", "anonymous": True},
    ("POST", "/api/users"): {"login": "ada", "role": "viewer"},
    ("PATCH", "/api/users/<login>"): {"role": "viewer"},
    ("POST", "/api/users/import"): {"lines": []},
    ("POST", "/api/invitations"): {"email": "ada@example.org", "role": "viewer"},
    ("POST", "/api/plans"): {"name": "new"},
    ("PATCH", "/api/plans/<plan>"): {"quotas": {"apps": 1}},
    ("PUT", "/api/plans/<plan>/limits/<name>"): {"requests": 5, "per_s": 60},
    ("PATCH", "/api/tenants/<tenant>/quota"): {"quotas": {"apps": "unlimited"}},
    ("PUT", "/api/tenants/<tenant>/plan"): {"plan": "default"},
}
_OF_AN_APP = ("limits", "variables", "access")
NAMED_BY_THE_CALLER = {("PUT", "/api/limits/<name>")}
"""They make what they name in the caller's own tenant."""
PEOPLE = "/api/users/<login>"
"""Without sign-on there are none: test_users.py has tenants with people."""
VIEWERS = {"GET"}
ADMINISTRATORS = {
    *(("POST", "/api/identity/sync"), ("POST", "/api/users/import")),
    *(("GET", "/api/plans"), ("POST", "/api/plans"), ("PATCH", "/api/plans/<plan>"), ("DELETE", "/api/plans/<plan>")),
    *((method, "/api/plans/<plan>/limits/<name>") for method in ("PUT", "DELETE")),
    *((method, "/api/tenants/<tenant>/quota") for method in ("GET", "PATCH")),
    *(("PUT", "/api/tenants/<tenant>/plan"), ("GET", "/api/certificates")),
}
"""For people with the role platform-admin: no token has it."""
VIEWERS = {("POST", "/api/account/console-link")}
"""What changes nothing of the tenant's: whoever has a token may look at the console with it."""
OWNERS = {
    *(("DELETE", "/api/apps/<app>"), ("POST", "/api/hooks"), ("POST", "/api/hooks/<hook>/rotate")),
    *(("DELETE", "/api/hooks/<hook>"), ("GET", "/api/tokens"), ("POST", "/api/tokens")),
    *(("DELETE", "/api/tokens/<int:token>"), ("DELETE", "/api/volumes/<volume>")),
    *(("PUT", "/api/limits/<name>"), ("DELETE", "/api/limits/<name>")),
    ("GET", "/api/audit"),
    *(("GET", "/api/users"), ("POST", "/api/users"), ("GET", PEOPLE), ("PATCH", PEOPLE), ("DELETE", PEOPLE)),
    *(("DELETE", f"{PEOPLE}/sessions"), ("GET", "/api/invitations"), ("POST", "/api/invitations")),
    ("DELETE", "/api/invitations/<int:invitation>"),
    *(("DELETE", "/api/services/<service>"), ("POST", "/api/services/<service>/backups/<int:backup>/restore")),
    ("DELETE", "/api/github/installations/<int:installation>"),
    *(("POST", "/api/apps/<app>/publishers"), ("DELETE", "/api/apps/<app>/publishers/<int:publisher>")),
}


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Of the API. What is below /auth/ is for those who are not signed in yet: tests/integration/login. Pages have
    tests/integration/console/test_access.py."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/auth/") or rule.endpoint.startswith("console."):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, rule.rule


@pytest.fixture
def things(api: Api, owner: Caller) -> dict[str, str]:
    """One of everything that a path may name, of tenant acme."""
    hook = owner.create_app(hook=True)["hook"]["id"]
    owner.call("PUT", "/api/limits/minute", BODIES["PUT", "/api/limits/<name>"])
    new = BODIES["POST", "/api/apps/<app>/publishers"]
    publisher = owner.post("/api/apps/hello/publishers", new, status=201)["id"]
    deployment = make_live(api.services.db, "hello", ready=1)
    with api.services.db.read(platform="a test looks") as session:
        token = session.scalars(select(Token.id).filter_by(name=owner.name)).one()
    with api.services.db.write(platform="a test's volume") as session:
        app = session.scalars(select(App)).one()
        place = {"tenant_id": app.tenant_id, "app_id": app.id, "app_name": app.name}
        values = {"email": "ada@example.org", "role": "viewer", "hashed": "0" * 64, "inviter": "a test"}
        invitation = Invitation(tenant_id=app.tenant_id, expires_at=now() + timedelta(days=1), **values)
        session.add(invitation)
        session.scalars(select(Release)).one().configuration = frozen({})
        run = Run(tenant_id=app.tenant_id, app_id=app.id, command=["true"], timeout_s=60, actor="a test")
        session.add(run)
        session.add(Volume(id="hello-production-data-1", name="data", mount_path="/data", **place))
    owner.post("/api/services", {"kind": "redis", "name": "cache"}, status=201)
    return {
        "<app>": "hello",
        "<int:deployment>": str(deployment),
        "<hook>": hook,
        "<host>": "hello.localhost",
        "<container>": "r-1-1-0",
        "<int:token>": str(token),
        "<replica>": "r-1-1-0",
        "<int:run>": str(run.id),
        "<job>": "report",
        "<volume>": "hello-production-data-1",
        "<name>": "minute",
        "<login>": "ada",
        "<int:publisher>": str(publisher),
        "<int:invitation>": str(invitation.id),
        "<int:pull_request>": "7",
        "<int:installation>": "55",
        "<service>": "cache",
        "<int:backup>": "1",
        "<int:task>": "1",
        "<plan>": "default",
        "<tenant>": "acme",
    }


def _path(rule: str, things: dict[str, str]) -> str:
    for name, value in things.items():
        rule = rule.replace(name, value)
    assert "<" not in rule
    return rule


def test_another_tenants_things_are_not_there_on_every_route(
    api: Api, owner: Caller, stranger: Caller, things: dict[str, str]
) -> None:
    tried = 0
    of_app = (f"/api/apps/hello/{each}" for each in _OF_AN_APP)
    shown = ("/api/apps", "/api/hooks", "/api/limits", "/api/quota", *of_app)
    before = {path: owner.get(path) for path in shown}
    for method, rule in routes(api.client.application):
        if "<" in rule and not rule.startswith(PEOPLE) and (method, rule) not in NAMED_BY_THE_CALLER:
            status, code = (403, "not-allowed") if (method, rule) in ADMINISTRATORS else (404, "not-found")
            problem = stranger.problem(status, method, _path(rule, things), BODIES.get((method, rule)))
            assert problem["code"] == code, (method, rule)
            assert "acme" not in str(problem)
            tried += 1
    assert tried > 20
    assert {path: owner.get(path) for path in before} == before


def test_lists_hold_the_own_tenants_things_only(stranger: Caller, things: dict[str, str]) -> None:
    assert stranger.get("/api/apps") == {"apps": []}
    assert stranger.get("/api/hooks") == {"hooks": []}
    assert stranger.get("/api/invitations") == {"invitations": []}
    assert [each["name"] for each in stranger.get("/api/tokens")["tokens"]] == ["globex-owner"]


def test_every_route_asks_for_a_token(api: Api, things: dict[str, str]) -> None:
    nobody = Caller(api.client)
    for method, rule in routes(api.client.application):
        if rule not in OPEN:
            problem = nobody.problem(401, method, _path(rule, things), BODIES.get((method, rule)))
            assert (problem["code"], problem["status"]) == ("not-authenticated", 401)


def test_each_role_may_do_its_part_and_no_more(
    api: Api, viewer: Caller, developer: Caller, things: dict[str, str]
) -> None:
    for method, rule in routes(api.client.application):
        if rule in OPEN:
            continue
        path, body = _path(rule, things), BODIES.get((method, rule))
        if (method, rule) in ADMINISTRATORS:
            for caller in (viewer, developer):
                assert "platform-admin" in caller.problem(403, method, path, body)["detail"]
            continue
        if (method, rule) in VIEWERS:
            assert viewer.call(method, path, body).status_code == 201
            continue
        if method != "GET" or (method, rule) in OWNERS:
            problem = viewer.problem(403, method, path, body)
            assert "viewer may not" in problem["detail"]
            assert "--role" in problem["remedy"]
        if (method, rule) in OWNERS:
            assert "takes the role owner" in developer.problem(403, method, path, body)["detail"]
        elif method != "GET":
            assert developer.call(method, path, body).status_code in (200, 201, 202, 204, 404, 409), (method, rule)


def test_who_am_i(developer: Caller) -> None:
    name = "acme-developer"
    who = {"kind": "token", "name": name, "tenant": "acme", "role": "developer", "token": name}
    assert developer.get("/api/account") == who


def test_unknown_tokens_are_refused_with_what_to_do(api: Api) -> None:
    for token in ("slw_" + "x" * 43, "nonsense", "\udcff", "x" * 5000):
        answer = Caller(api.client, token.encode("utf-8", "replace").decode()).call("GET", "/api/account")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="slipway", error="invalid_token"'
        assert answer.json["remedy"] == "sign in: slipway login"
    assert api.client.get("/api/account").headers["WWW-Authenticate"] == 'Bearer realm="slipway"'
    assert api.client.get("/api/account", headers={"Authorization": "Basic eDp5"}).status_code == 401
    assert api.client.get("/api/account", headers={"Authorization": "Bearer"}).status_code == 401


def test_a_token_ends_when_it_is_revoked_or_over(api: Api, owner: Caller) -> None:
    made = owner.post("/api/tokens", {"name": "ci", "role": "viewer", "expires_in_s": 3600}, status=201)
    assert (made["role"], made["hint"], made["used_at"]) == ("viewer", made["token"][:10], None)
    ci = Caller(api.client, made["token"])
    assert ci.get("/api/account")["token"] == "ci"
    owner.delete(f"/api/tokens/{made['id']}")
    assert "was revoked" in ci.problem(401, "GET", "/api/account")["detail"]
    again = owner.post("/api/tokens", {"name": "ci"}, status=201)
    assert again["role"] == "developer", "the name of a revoked token is free again"
    ci = Caller(api.client, again["token"])
    with api.services.db.write(platform="a test ages it") as session:
        session.get_one(Token, again["id"]).expires_at = now() - timedelta(seconds=1)
    assert "has expired" in ci.problem(401, "GET", "/api/account")["detail"]


def test_only_the_hash_is_kept_and_the_text_is_shown_once(api: Api, owner: Caller) -> None:
    made = owner.post("/api/tokens", {"name": "ci"}, status=201)
    assert len(made["token"]) == len("slw_") + 43
    listed = owner.call("GET", "/api/tokens")
    assert made["token"] not in listed.text
    with api.services.db.read(platform="a test looks") as session:
        row = session.get_one(Token, made["id"])
        assert row.hashed == hashed(made["token"])
        assert made["token"] not in str(vars(row))


def test_a_tokens_use_is_noted_once_a_minute(api: Api, viewer: Caller) -> None:
    def used() -> object:
        with api.services.db.read(platform="a test looks") as session:
            return session.scalars(select(Token.used_at).filter_by(name=viewer.name)).one()

    viewer.get("/api/account")
    first = used()
    viewer.get("/api/account")
    assert used() == first
    with api.services.db.write(platform="a test ages it") as session:
        session.scalars(select(Token).filter_by(name=viewer.name)).one().used_at = now() - timedelta(minutes=2)
    viewer.get("/api/account")
    assert used() >= first  # type: ignore[operator]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 81},
        {"name": "a\nb"},
        {"name": "x", "role": "admin"},
        {"name": "x", "expires_in_s": 0},
        {"name": "x", "expires_in_s": 1e12},
    ],
)
def test_tokens_that_cannot_be(owner: Caller, body: object) -> None:
    owner.problem(422, "POST", "/api/tokens", body)


def test_a_name_in_use_is_refused(owner: Caller) -> None:
    owner.post("/api/tokens", {"name": "ci"}, status=201)
    owner.problem(409, "POST", "/api/tokens", {"name": "ci"})


def test_a_member_of_no_other_role_can_be_made_by_a_developer(api: Api, developer: Caller) -> None:
    developer.problem(403, "POST", "/api/tokens", {"name": "mine", "role": Role.VIEWER})
