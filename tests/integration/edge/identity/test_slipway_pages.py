"""The platform's own pages on every app's host: the router's, at two fixed paths."""

from __future__ import annotations

import pytest
from edge_publisher import HOST, target
from edge_router import TENANT
from edge_wire import exchange

NOWHERE = [
    "/.slipway",
    "/.slipway/",
    "/.slipway/internal/authorize",
    "/.slipway/signed-in/",
    "/.slipway/signed-in/x",
    "/.slipway/../internal/authorize/../../.slipway/x",
    "/.slipway/sign-out%2f..",
    "//.slipway//x",
    "/x/..%2f.slipway/x",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/.slipway/signed-in", "/.slipway/sign-out"])
def test_they_reach_the_router_and_not_the_app(rig, app, router, person, path, method):
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-User": "root", "X-Forwarded-Proto": "https"}
    answer = person().ask(f"{path}?code=a%2fb", method, headers=forged, body=b"x=1" if method == "POST" else None)

    assert (answer.status, answer.headers["set-cookie"]) == (200, "slipway-session=fresh; Path=/; HttpOnly")
    [(sent, asked, headers, body)] = router.pages
    assert (sent, asked, body) == (method, f"{path}?code=a%2fb", b"x=1" if method == "POST" else b"")
    assert (headers["x-forwarded-host"], headers["x-forwarded-proto"]) == (HOST, "https")
    assert "slipway-session=" in headers["cookie"]
    assert "x-forwarded-user" not in headers
    assert (app.record.requests, router.questions) == ([], [])


@pytest.mark.parametrize("spelling", ["/.slipway/%73ign-out", "/x/../.slipway/sign-out", "/./.slipway//sign-out"])
def test_another_spelling_of_their_path_arrives_as_theirs(rig, app, router, spelling):
    head = f"GET {spelling} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    assert exchange(rig.edge, head.encode()).startswith(b"HTTP/1.1 200")
    assert [page[1] for page in router.pages] == ["/.slipway/sign-out"]
    assert app.record.requests == []


@pytest.mark.parametrize("path", NOWHERE)
def test_nothing_else_below_them_reaches_anybody(rig, app, router, person, path):
    head = [f"GET {path} HTTP/1.1", f"Host: {HOST}", f"Cookie: slipway-session={person().value}", "Connection: close"]
    answer = exchange(rig.edge, "\r\n".join([*head, "", ""]).encode())
    assert answer.split(b" ", 2)[1] in (b"404", b"400"), answer
    assert (app.record.requests, router.pages) == ([], [])


def test_a_host_without_an_app_has_none(rig, router):
    answer = rig.edge.ask("nobody.localhost", "/.slipway/signed-in?code=1")
    assert (answer.status, answer.json["code"], router.pages) == (404, "unknown-host", [])


def test_a_body_that_is_too_large_is_refused(rig, app, router):
    assert rig.edge.ask(HOST, "/.slipway/sign-out", "POST", body=b"x" * (65 << 10)).status == 413
    assert router.pages == []


def test_without_sign_on_there_are_none(shared_rig, backend, app_id):
    app = backend()
    shared_rig.route(HOST, target(app.port), app=app_id)
    answer = shared_rig.edge.ask(HOST, "/.slipway/sign-out")
    assert (answer.status, answer.json["code"], app.record.requests) == (404, "not-found", [])


def test_a_public_app_has_them_too(rig, router, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id)
    assert rig.edge.ask(HOST, "/.slipway/sign-out").status == 200
    rig.route(HOST, app=app_id, access=TENANT, stopped="scaled-to-zero")
    assert rig.edge.ask(HOST, "/.slipway/sign-out").status == 200


def test_a_page_of_another_site_gets_the_404_of_an_unknown_host_too(rig):
    headers = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": "cross-site"}
    assert rig.edge.ask("nobody.localhost", headers=headers).status == 404
