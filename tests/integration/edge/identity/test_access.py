"""Who may use an app, as the policies of its paths say it."""

from __future__ import annotations

from contextlib import closing

import pytest
from edge_clients import echo, open_socket
from edge_publisher import HOST, target
from edge_router import PUBLIC_URL, TENANT

NAVIGATIONS = [
    {"Accept": "text/html,*/*;q=0.8"},
    {"Accept": "*/*", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site", "User-Agent": "kube-probe/1.29"},
]
OTHERS = [
    ("GET", {}),
    ("GET", {"Accept": "application/json"}),
    ("GET", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}),
    ("GET", {"Accept": "text/html", "Sec-Fetch-Mode": "no-cors"}),
    ("POST", {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}),
    ("OPTIONS", {"Accept": "text/html"}),
    ("GET", {"Accept": "text/html", "Upgrade": "websocket", "Connection": "Upgrade"}),
    ("GET", {"User-Agent": "ELB-HealthChecker/2.0"}),
    ("GET", {"Authorization": "Basic YTpi"}),
]
"""What no person sees, and probes and bots, which are nobody special."""
PART_PUBLIC = {"policies": [["tenant"], ["public"]], "default": 0, "paths": [{"path": "/public/", "policy": 1}]}


@pytest.mark.parametrize("access", ["public", None, {"policies": [["public"]], "default": 0, "paths": []}])
def test_a_public_app_is_everybodys_and_the_router_is_not_asked(rig, router, backend, person, app_id, access):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, **({"access": access} if access else {}))

    assert rig.edge.ask(HOST).status == 200
    assert person().ask(method="POST", body=b"x").status == 200
    bearer = rig.edge.ask(HOST, headers={"Authorization": "Bearer the-apps-own"})

    assert bearer.status == 200
    assert app.record.requests[-1].headers["authorization"] == "Bearer the-apps-own"
    assert "cookie" not in app.record.requests[0].headers
    assert app.record.requests[1].headers["cookie"] == "theme=dark"
    assert not any(name.startswith(("x-forwarded-user", "x-slipway")) for name in app.record.requests[1].headers)
    assert (router.questions, router.sign_ins) == ([], [])


@pytest.mark.parametrize("headers", NAVIGATIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_person_who_is_not_signed_in_is_sent_to_sign_in(rig, router, app, method, headers):
    answer = rig.edge.ask(HOST, "/a/b?c=%2f", method, headers={"Host": f"{HOST}:8080", **headers})

    assert (answer.status, answer.headers["location"]) == (302, f"{PUBLIC_URL}/auth/apps/7")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["set-cookie"] == "slipway-login=of-the-browser; Path=/; HttpOnly; SameSite=Lax"
    [asked] = router.sign_ins
    assert (asked["host"], asked["scheme"], asked["target"]) == (f"{HOST}:8080", "http", "/a/b?c=%2f")
    assert (asked["address"], asked["browser"]) == ("127.0.0.1", None)
    assert app.record.requests == []


@pytest.mark.parametrize(("method", "headers"), OTHERS)
def test_whoever_else_is_not_signed_in_is_refused(rig, router, app, method, headers):
    answer = rig.edge.ask(HOST, "/", method, headers=headers, body=b"x" if method == "POST" else None)

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="slipway"'
    assert answer.headers["cache-control"] == "no-store"
    if "text/html" not in headers.get("Accept", ""):
        assert (answer.json["code"], answer.headers["content-type"]) == ("sign-in-needed", "application/problem+json")
    assert (app.record.requests, router.questions, router.sign_ins) == ([], [], [])


def test_a_second_tab_tells_the_router_by_its_cookie_which_browser_it_is(rig, router, app):
    rig.edge.ask(HOST, headers={"Accept": "text/html", "Cookie": "slipway-login=earlier"})
    rig.edge.ask(HOST, headers={"Accept": "text/html", "Cookie": "slipway-login=a; slipway-login=b"})
    assert [asked["browser"] for asked in router.sign_ins] == ["earlier", None]


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("HEAD", None), ("OPTIONS", None), ("POST", b"x")])
def test_a_member_of_the_tenant_passes(app, person, method, body):
    assert person().ask(method=method, body=body).status == 200
    assert app.record.requests[0].method == method


def test_a_websocket_of_a_member_passes_and_one_of_nobody_does_not(rig, app, person):
    ada = person()
    with closing(open_socket(rig, headers=ada.headers)) as connection:
        assert echo(connection, b"hello") == b"hello"
    assert rig.edge.ask(HOST, "/socket", headers={"Upgrade": "websocket", "Connection": "Upgrade"}).status == 401


def test_who_may_not_gets_a_page_with_their_name(rig, app, person):
    bob = person("bob", meets=("signed-in",))

    problem, page = bob.ask(), bob.ask(headers={"Accept": "text/html"})

    assert (problem.status, problem.json["code"]) == (403, "not-allowed")
    assert "signed in as bob" in problem.json["detail"]
    assert (page.status, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == problem.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers
    assert app.record.requests == []


def test_a_name_is_no_part_of_the_page(rig, app, person):
    page = person("<script>", meets=()).ask(headers={"Accept": "text/html"})
    assert b"<script>" not in page.body
    assert b"&lt;script&gt;" in page.body


@pytest.mark.parametrize(
    "cookie", ["slipway-session=x", "__Host-slipway-session={}", "slipway-session={0}; slipway-session={0}"]
)
def test_a_cookie_that_is_not_the_sessions_is_none(rig, app, person, cookie):
    headers = {"Cookie": cookie.format(person().value)}
    assert rig.edge.ask(HOST, headers=headers).status == 401
    assert rig.edge.ask(HOST, headers={**headers, "Accept": "text/html"}).status == 302


def test_with_https_the_cookie_is_the_one_that_only_this_host_can_set(rig, app, person):
    value, secure = person().value, {"X-Forwarded-Proto": "https"}
    assert rig.edge.ask(HOST, headers={**secure, "Cookie": f"__Host-slipway-session={value}"}).status == 200
    assert rig.edge.ask(HOST, headers={**secure, "Cookie": f"slipway-session={value}"}).status == 401


def test_a_token_passes_and_one_that_is_unknown_is_not_replaced_by_the_cookie(rig, router, app, person):
    ada = person()
    unknown = f"{ada.token}0"

    assert rig.edge.ask(HOST, headers={"Authorization": f"Bearer {ada.token}"}).status == 200
    refused = ada.ask(headers={"Authorization": f"Bearer {unknown}", "Accept": "text/html"})

    assert refused.status == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="slipway", error="invalid_token"'
    assert [asked["bearer"] for asked in router.questions] == [ada.token, unknown]


@pytest.mark.parametrize("authorization", ["Bearer the-apps-own", "Bearer a b", "Bearer e30.eyJhdWQiOiJzaG9wIn0.c2ln"])
def test_a_bearer_token_of_the_apps_own_goes_on_to_it_beside_the_cookie(rig, router, app, person, authorization):
    ada = person()

    assert ada.ask(headers={"Authorization": authorization}).status == 200
    assert rig.edge.ask(HOST, headers={"Authorization": authorization}).status == 401

    (request,) = app.record.requests
    assert request.headers["authorization"] == authorization
    assert request.headers["x-forwarded-user"] == "ada"
    assert router.questions[0]["bearer"] is None


@pytest.mark.parametrize("path", ["/public/x", "/x"])
@pytest.mark.parametrize("between", [" ", "\t"])
def test_a_token_of_slipways_own_reaches_no_app(rig, backend, person, app_id, path, between):
    app = backend()
    rules = [{"path": "/public/", "policy": 1}]
    rig.route(
        HOST, target(app.port), app=app_id, access={"policies": [["tenant"], ["public"]], "default": 0, "paths": rules}
    )
    ada = person()

    assert ada.ask(path, headers={"Authorization": f"Bearer{between}{ada.token}"}).status == 200

    assert "authorization" not in app.record.requests[-1].headers


def test_a_token_of_slipways_own_reaches_no_public_app(rig, backend, person, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id)
    for authorization, arrives in (
        (f"Bearer {person().token}", None),
        ("Bearer own", "Bearer own"),
        ("Basic YTpi", "Basic YTpi"),
    ):
        assert rig.edge.ask(HOST, headers={"Authorization": authorization}).status == 200
        assert app.record.requests[-1].headers.get("authorization") == arrives


def test_a_jwt_for_slipway_is_not_replaced_by_the_cookie(rig, router, app, person):
    for payload in ("eyJhdWQiOiJzbGlwd2F5LWFwaSJ9", "eyJhdWQiOlsiYWNjb3VudCIsInNsaXB3YXktYXBpIl19"):
        assert person().ask(headers={"Authorization": f"Bearer e30.{payload}.c2ln"}).status == 401
    assert app.record.requests == []


def test_where_only_programs_may_go_nobody_is_sent_to_sign_in(rig, router, backend, person, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, access={"policies": [["token"]], "default": 0})
    ci = person("ci", kind="token", meets=("token",))

    assert rig.edge.ask(HOST, headers={"Accept": "text/html"}).status == 401
    assert rig.edge.ask(HOST, headers={"Authorization": f"Bearer {ci.token}"}).status == 200
    assert person().ask().status == 403
    assert router.sign_ins == []


def test_where_nobody_may_go_nobody_is_asked_who_they_are(rig, router, backend, person, app_id):
    rig.route(HOST, target(backend().port), app=app_id, access={"policies": [["nobody"]], "default": 0})

    assert [rig.edge.ask(HOST).status, person().ask(headers={"Accept": "text/html"}).status] == [403, 403]
    assert router.questions == []


@pytest.mark.parametrize(
    "access",
    ["friends", "unreadable", {"policies": [["friends"]], "default": 0}, {**TENANT, "default": 1}, {**TENANT, "by": 1}],
)
def test_what_can_not_be_understood_admits_nobody(rig, router, backend, person, app_id, access):
    rig.route(HOST, target(backend().port), app=app_id, access=access)
    answer = person(meets=("tenant", "friends")).ask()
    assert (answer.status, answer.json["code"], router.questions) == (503, "broken-route", [])


def test_the_page_of_the_public_part_does_not_open_the_rest(rig, router, backend, person, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, access=PART_PUBLIC)

    assert rig.edge.ask(HOST, "/public/x").status == 200
    assert rig.edge.ask(HOST, "/").status == 401
    assert person().ask("/").status == 200
    assert router.questions[0]["policies"] == [["tenant"], ["public"]]


def test_without_sign_on_only_public_paths_are_served(shared_rig, backend, app_id):
    app = backend()
    shared_rig.route(HOST, target(app.port), app=app_id, access=PART_PUBLIC)

    assert shared_rig.edge.ask(HOST, "/public/x").status == 200
    answer = shared_rig.edge.ask(HOST, "/", headers={"Cookie": f"slipway-session={'a' * 43}"})
    assert (answer.status, answer.json["code"]) == (503, "sign-on-off")
    page = shared_rig.edge.ask(HOST, "/", "POST", headers={"Accept": "text/html"}, body=b"x")
    assert (page.status, b"SLIPWAY_KEYCLOAK" in page.body) == (503, True)
    assert [seen.path for seen in app.record.requests] == ["/public/x"]
