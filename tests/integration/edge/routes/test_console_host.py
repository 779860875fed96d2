"""The console's host: webhooks to the webhook, everything else to the router, the insides to nobody."""

from __future__ import annotations

import pytest
from edge_backend import UnixServer
from edge_rig import running

CONSOLE = "slipway.localhost"


@pytest.fixture(scope="module")
def rig():
    with running({"SLIPWAY_DELIVERY_MAX_BYTES": "1m"}) as rig:
        yield rig


@pytest.fixture
def services(rig):
    settings = rig.edge.settings
    servers = [UnixServer("webhook", settings.webhook_socket), UnixServer("router", settings.router_socket)]
    yield {server.name: server for server in servers}
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("path", "service"),
    [("/webhooks/github/1", "webhook"), ("/", "router"), ("/api/apps", "router"), ("/webhooks", "router")],
)
def test_paths_reach_their_service(rig, services, path, service):
    assert rig.edge.ask(CONSOLE, path).json["backend"] == service


@pytest.mark.parametrize(
    "path",
    [
        "/internal",
        "/internal/x",
        "/metrics",
        "/metrics/x",
        "//internal/x",
        "/a/../internal/x",
        "/%69nternal/x",
        "/a/..%2finternal/x",
        "/webhooks/../metrics",
    ],
)
def test_the_insides_are_404_always(rig, services, path):
    answer = rig.edge.ask(CONSOLE, path)

    assert (answer.status, answer.json["code"]) == (404, "not-found")
    assert not any(server.record.requests for server in services.values())


def test_a_delivery_that_is_too_large_is_the_webhooks_to_refuse(rig, services):
    size = (1 << 20) + 1

    assert rig.edge.ask(CONSOLE, "/webhooks/github/1", "POST", body=b"x" * size).json["length"] == size
    far_over = rig.edge.ask(CONSOLE, "/webhooks/github/1", "POST", body=b"x" * (3 << 20))
    assert (far_over.status, far_over.json["code"]) == (413, "payload-too-large")
    assert "SLIPWAY_DELIVERY_MAX_BYTES" in far_over.json["remedy"]


def test_identity_headers_from_outside_do_not_reach_the_router_but_the_session_does(rig, services):
    headers = {"X-Forwarded-User": "forged", "Cookie": "__Host-slipway_session=s"}
    rig.edge.ask(CONSOLE, "/api/apps", headers=headers)

    received = services["router"].record.requests[0].headers
    assert "x-forwarded-user" not in received
    assert received["cookie"] == "__Host-slipway_session=s"


def test_the_console_may_set_its_cookies(rig, services):
    assert "__Host-slipway_session=forged" in rig.edge.ask(CONSOLE, "/cookies").headers["set-cookie"]


def test_a_service_that_is_down_is_the_platforms_fault(rig):
    answer = rig.edge.ask(CONSOLE, "/api/apps")

    assert (answer.status, answer.json["fault"]) == (502, "platform")


def test_no_route_takes_the_consoles_host(rig, services, backend):
    rig.route(CONSOLE, {"id": "r", "address": "127.0.0.1", "port": backend("app").port})

    assert rig.edge.ask(CONSOLE).json["backend"] == "router"
