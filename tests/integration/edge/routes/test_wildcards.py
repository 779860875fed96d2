"""Wildcard hosts, and hosts that redirect, at a real edge."""

from __future__ import annotations

import pytest
from edge_publisher import target

from tests.fixtures.waiting import eventually


@pytest.fixture
def rig(emptied_rig):
    return emptied_rig


def test_a_wildcard_serves_the_names_one_label_below_that_are_no_hosts_of_their_own(rig, backend):
    wild, exact = backend("wild"), backend("exact")
    rig.route("*.shop.localhost", target(wild.port), app="1")
    rig.route("a.shop.localhost", target(exact.port), app="2")

    assert rig.edge.ask("b.shop.localhost").json["backend"] == "wild"
    assert rig.edge.ask("B.SHOP.localhost:8080").json["backend"] == "wild"
    assert rig.edge.ask("a.shop.localhost").json["backend"] == "exact"
    for host in ("shop.localhost", "c.b.shop.localhost", "*.shop.localhost"):
        assert rig.edge.ask(host).status in (400, 404)


def test_an_exact_host_takes_over_at_once_and_gives_back_at_once(rig, backend):
    wild, exact = backend("wild"), backend("exact")
    rig.route("*.shop2.localhost", target(wild.port), app="1")
    for _ in range(3):
        assert rig.edge.ask("a.shop2.localhost").json["backend"] == "wild"
        rig.route("a.shop2.localhost", target(exact.port), app="2")
        assert rig.edge.ask("a.shop2.localhost").json["backend"] == "exact"
        rig.unroute("a.shop2.localhost")


def test_an_exact_host_without_a_target_is_not_answered_by_the_wildcard(rig, backend):
    """Another tenant's app that does not run must not become the wildcard's."""
    wild = backend("wild")
    rig.route("*.shop3.localhost", target(wild.port), app="1")
    rig.route("a.shop3.localhost", app="2", stopped="not-deployed")

    answer = rig.edge.ask("a.shop3.localhost")
    assert (answer.status, answer.json["code"]) == (503, "not-deployed")
    assert not wild.record.requests


def test_a_request_with_a_body_reaches_a_wildcards_app_with_the_host_that_was_asked(rig, backend):
    wild = backend("wild")
    rig.route("*.shop4.localhost", target(wild.port), app="1")

    assert rig.edge.ask("a.shop4.localhost", "/x", method="POST", body=b"hello").status == 200
    assert wild.record.requests[0].headers["host"] == "a.shop4.localhost"


def test_a_host_redirects_with_method_path_and_query(rig, backend):
    app = backend()
    rig.route("www.shop.localhost", target(app.port), redirect_to="shop.localhost")
    rig.route("shop.localhost", target(app.port))
    for method, body in (("GET", None), ("POST", b"x" * 10)):
        answer = rig.edge.ask("www.shop.localhost:8443", "/a%2Fb//c?x=%20y&z", method=method, body=body)
        assert answer.status == 308
        assert answer.headers["location"] == "http://shop.localhost:8443/a%2Fb//c?x=%20y&z"
        assert answer.headers["cache-control"] == "max-age=3600"
    assert not app.record.requests


@pytest.mark.parametrize(
    "line",
    [
        b"GET //evil.example/%2e%2e HTTP/1.1",
        b"GET http://www.shop.localhost//evil.example HTTP/1.1",
        b"GET http://www.shop.localhost?@evil.example HTTP/1.1",
        b"GET /%0d%0aX-Evil:%201 HTTP/1.1",
        b"GET /\\evil.example HTTP/1.1",
    ],
)
def test_no_target_of_a_request_leads_anywhere_else(rig, line):
    rig.route("www.shop.localhost", redirect_to="shop.localhost")
    rig.route("shop.localhost")
    with rig.edge.raw(line + b"\r\nHost: www.shop.localhost\r\nConnection: close\r\n\r\n") as connection:
        head = eventually(lambda: connection.recv(65536), what="an answer")
    lines = head.split(b"\r\n\r\n")[0].lower().split(b"\r\n")
    assert b" 308 " in lines[0]
    location = next(each for each in lines if each.startswith(b"location:"))
    assert location.startswith(b"location: http://shop.localhost/")
    assert not any(each.startswith(b"x-evil") for each in lines)


def test_a_redirect_that_is_no_host_is_not_followed(rig):
    for bad in ("evil.example/x", "a@b", "", 7):
        rig.route("www.shop.localhost", redirect_to=bad)
        assert rig.edge.ask("www.shop.localhost").json["code"] == "broken-route"
