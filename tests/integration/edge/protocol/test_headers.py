"""What an app gets to know about a request, and what it may say back."""

from __future__ import annotations

from contextlib import closing

import pytest
from edge_publisher import target
from edge_rig import running

FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Real-IP": "6.6.6.6",
    "X-Request-Id": "forged",
}
NEVER = [
    "Forwarded",
    "Proxy",
    *(
        f"X-Forwarded-{name}"
        for name in (
            "Access-Token Email Groups Port Prefix Preferred-Username Roles Scheme Server Ssl User".split()  # noqa: SIM905
        )
    ),
    *(f"X-Slipway-{name}" for name in ("App", "Identity", "Tenant", "User")),
    "X_Forwarded_User",
]


@pytest.fixture
def rig(shared_rig):
    return shared_rig


@pytest.fixture
def asked(rig, backend):
    """Ask the app, and return what reached it."""
    app = backend()
    rig.route("shop.localhost", target(app.port))

    def ask(headers, host="shop.localhost"):
        rig.edge.ask(host, headers=headers)
        return app.record.requests[-1].headers

    return ask


def test_an_app_learns_client_host_scheme_and_request_id(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))

    answer = rig.edge.ask("Shop.localhost:8080", headers=FORGED)

    received = app.record.requests[0].headers
    assert received["x-forwarded-for"] == received["x-real-ip"] == "127.0.0.1"
    assert received["host"] == received["x-forwarded-host"] == "shop.localhost:8080"
    assert received["x-forwarded-proto"] == "http"
    assert received["x-request-id"] == answer.headers["x-request-id"] != "forged"


@pytest.mark.parametrize("name", NEVER)
def test_a_clients_word_on_identity_never_reaches_an_app(asked, name):
    received = asked({name: "forged", "X-Own": "kept"})

    assert name.lower() not in received
    assert "forged" not in received.values()
    assert received["x-own"] == "kept"


def test_the_host_that_routed_is_the_host_that_is_passed_on(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))
    request = b"GET http://shop.localhost/x HTTP/1.1\r\nHost: other.localhost\r\nConnection: close\r\n\r\n"

    with closing(rig.edge.raw(request)) as connection:
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200")

    received = app.record.requests[0]
    assert (received.headers["host"], received.path) == ("shop.localhost", "/x")


def test_only_websockets_are_upgraded(asked):
    received = asked({"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA", "Connection": "Upgrade"})

    assert "upgrade" not in received
    assert received.get("connection", "") == ""


@pytest.mark.parametrize(
    ("sent", "reaches"),
    [
        ("a=1; b=2", "a=1; b=2"),
        ("a=1; __Host-slipway_session=s; b=2", "a=1; b=2"),
        ("__Host-slipway=s;b=2;__Host-slipway_csrf=t", "b=2"),
        ("__Host-slipway_session=s", None),
        ("a=__Host-slipway", "a=__Host-slipway"),
    ],
)
def test_slipways_own_cookies_never_reach_an_app(asked, sent, reaches):
    assert asked({"Cookie": sent}).get("cookie") == reaches


def test_an_app_can_not_set_slipways_cookies_nor_steer_the_edge(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))

    answer = rig.edge.ask("shop.localhost", "/cookies")

    assert answer.headers["set-cookie"] == "mine=1"
    assert answer.status == 200
    assert answer.headers["x-request-id"] != "the app's own"
    assert "x-accel-redirect" not in answer.headers
    assert [seen.path for seen in app.record.requests] == ["/cookies"]


class TestBehindATrustedProxy:
    @pytest.fixture
    def rig(self):
        with running({"SLIPWAY_TRUSTED_PROXIES": "127.0.0.0/8"}) as rig:
            yield rig

    def test_its_word_on_client_and_scheme_is_believed(self, asked):
        received = asked({"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"})

        assert received["x-forwarded-for"] == "203.0.113.9"
        assert received["x-forwarded-proto"] == "https"

    def test_its_word_on_identity_is_not(self, asked):
        assert "x-forwarded-user" not in asked({"X-Forwarded-User": "forged"})
