"""What a client says in headers that proxies speak to apps by reaches nobody, however it is written and sent."""

from __future__ import annotations

from contextlib import closing

import pytest
from edge_backend import UnixServer
from edge_publisher import target
from edge_tls import running_with_https
from edge_wire import WireApp, wire_app

from tests.fixtures.waiting import eventually

FORGED, OWN = "forged", "the app's own"
VOUCHED = """
X-Forwarded-Uri X-Forwarded-Method X-Forwarded-Path X-Forwarded-Client-Cert X-Forwarded-User X-Forwarded-Email
X-Forwarded-Groups X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Preferred-Username X-Forwarded-Access-Token
X-Forwarded-By X-Forwarded-Server X-Forwarded-Scheme X-Forwarded-Ssl X-Forwarded-Protocol X-Forwarded X-Forward-For
X-Forwarded-Anything-New Forwarded Forwarded-For X-Slipway-Email X-Slipway-Identity X-Slipway-User X-Slipway-Tenant
X-Slipway-Anything-New Remote-User Remote-Groups Remote-Email Remote-Addr X-Remote-User X-Remote-Group
X-Remote-Extra-Scopes X-Remote-Addr X-Original-URL X-Original-URI X-Original-Method X-Original-Host
X-Original-Remote-Addr X-Rewrite-URL X-Host X-HTTP-Host-Override X-Scheme X-Url-Scheme X-Script-Name Front-End-Https
True-Client-IP Client-IP X-Client-IP X-ClientIP X-Cluster-Client-IP X-Real-Port CF-Connecting-IP CF-IPCountry
CF-Access-Authenticated-User-Email Fastly-Client-IP Fastly-SSL Fly-Client-IP X-Azure-ClientIP X-Appengine-User-Email
X-Envoy-External-Address X-Envoy-Original-Path X-Vercel-Forwarded-For X-Nf-Client-Connection-Ip X-ARR-ClientCert
CloudFront-Viewer-Address DO-Connecting-IP Incap-Client-IP X-Auth-Request-User X-Auth-Request-Email X-Auth-User
X-Auth-Username X-Auth-Roles X-Authenticated-User X-Authenticated-Userid X-Authentik-Username X-WebAuth-User X-User
X-Username X-User-Email X-User-Groups X-User-Role X-Userinfo X-ProxyUser-Ip X-Proxy-User Proxy Proxy-Remote-User X-Email
X-Groups X-Roles X-Pomerium-Claim-Email X-Pomerium-Jwt-Assertion X-Vouch-User X-Goog-IAP-JWT-Assertion
X-Goog-Authenticated-User-Email X-MS-CLIENT-PRINCIPAL X-MS-CLIENT-PRINCIPAL-NAME X-MS-TOKEN-AAD-ID-TOKEN
X-Amzn-Oidc-Data X-Amzn-Oidc-Identity X-Amzn-Mtls-Clientcert X-Consumer-Username X-Credential-Identifier
X-Jwt-Claim-Sub Tailscale-User-Login OIDC-Claim-Sub Shib-Identity-Provider eppn SM-User IV-User X-Ldap-User
X-Teleport-Login X-SSL-Client-Verify X-SSL-Client-S-DN SSL-Client-Cert SSL-Client-Verify Client-Cert
Client-Cert-Chain X-Client-Cert X-Client-Verify X-Client-DN X-TLS-Client-Cert X-Accel-Mapping X-Accel-Redirect
X-Sendfile-Type WL-Proxy-Client-IP WL-Proxy-SSL X-Originating-IP X-True-Client-IP X-Override-URL X-Authentication-User
X-AuthUser L5d-Client-Id L5d-Dst-Override Impersonate-User Impersonate-Group Impersonate-Extra-Scopes NS-Client-IP
Z-Forwarded-For Cluster-Client-IP EO-Connecting-IP Ali-Real-Client-IP Cdn-Src-Ip X-Istio-Attributes Request-Uri
X-Replaced-Path X-Ingress-Path CAS-User Mellon-Name-Id OAM-Remote-User Osso-User-Dn CT-Remote-User GAP-Auth
Kubeflow-Userid X-Rh-Identity X-MSISDN X-Up-Calling-Line-Id Affiliation Entitlement
""".split()  # noqa: SIM905 - a list of one a line would be long
APPS_OWN = """
X-Auth-Token X-Auth-Key X-User-Id X-User-Locale X-User-Token X-User-Agent X-Requested-With X-CSRF-Token X-Api-Key
X-HTTP-Method-Override X-Client-Info X-Client-Version X-Amz-Date X-Goog-Api-Key X-Ms-Version X-Correlation-Id
X-Up-Version X-Request-Start X-Context X-Source X-Authorization Cdn-Loop Castle
X-Emails X-Groupings X-Rolex X-F X-Forwar Traceparent If-None-Match Accept-Language Referer Origin Range
Authorization Sec-Fetch-Site Remote Cf Fl Via X-Github-Event
""".split()  # noqa: SIM905 - a list of one a line would be long
SPELLINGS = {
    "as it is": lambda name: name,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "with underscores": lambda name: name.replace("-", "_"),
    "with dots": lambda name: name.replace("-", "."),
    "with one underscore": lambda name: name.replace("-", "_", 1),
}


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    with running_with_https(tmp_path_factory.mktemp("tls"), {"SLIPWAY_EDGE_WORKERS": "1"}) as made:
        yield made
        assert made.rig.edge.complaints == []


@pytest.fixture
def app(secure, backend):
    app = backend()
    secure.rig.route("shop.localhost", target(app.port))
    return app


@pytest.fixture
def router(secure):
    server = UnixServer("router", secure.rig.edge.settings.router_socket)
    yield server
    server.stop()


def lines(names, value):
    return "".join(f"{name}: {value}\r\n" for name in names)


def every_spelling():
    """Three of them are one name, which comes thrice then: the others must not stay when the first goes."""
    return [spell(name) for name in VOUCHED for spell in SPELLINGS.values()]


WAYS = {
    "GET": "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n",
    "HTTP/1.0": "GET / HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n",
    "POST": "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 4\r\n{headers}\r\nbody",
    "chunked": "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
    "4\r\nbody\r\n0\r\n\r\n",
    "events": "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: text/event-stream\r\n{headers}\r\n",
    "another Host": "GET http://{host}/ HTTP/1.1\r\nHost: other.localhost\r\nConnection: close\r\n{headers}\r\n",
    "named in Connection": "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close, X-Forwarded-For, Remote-User\r\n"
    "{headers}\r\n",
    "WebSocket": "GET /socket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
}


def reached(secure, server, way, host, headers):
    request = WAYS[way].format(host=host, headers=headers).encode()
    with closing(secure.rig.edge.raw(request)) as connection:
        status = connection.makefile("rb").readline()
    assert status.split()[1] in (b"200", b"101"), status
    return eventually(lambda: server.arrived if isinstance(server, WireApp) else server.record.requests)[-1].headers


@pytest.mark.parametrize("way", WAYS)
def test_no_spelling_of_a_header_that_vouches_reaches_an_app(secure, app, way):
    headers = lines(every_spelling(), FORGED) + lines(APPS_OWN, OWN)
    received = reached(secure, app, way, "shop.localhost", headers)

    assert [name for name, value in received.items() if FORGED in value] == []
    assert [name for name in APPS_OWN if received.get(name.lower()) != OWN] == []
    assert received["x-forwarded-for"] == received["x-real-ip"] == "127.0.0.1"
    assert received["x-forwarded-host"] == received["host"] == "shop.localhost"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nor_over_http2(secure, app, method):
    forged = [(name.lower(), FORGED) for name in every_spelling()]
    own = [(name.lower(), OWN) for name in APPS_OWN]
    with secure.http2() as client:
        number = client.begin(method=method, headers=[*forged, *own], end=method == "GET")
        if method == "POST":
            client.send(number, b"body", end=True)
        assert client.read(number).status == 200

    received = app.record.requests[-1].headers
    assert [name for name, value in received.items() if FORGED in value] == []
    assert [name for name in APPS_OWN if received.get(name.lower()) != OWN] == []
    assert received["x-forwarded-proto"] == "https"


@pytest.mark.parametrize("way", ["GET", "POST"])
def test_nor_the_console_but_for_what_it_checks_itself(secure, router, way):
    headers = lines(every_spelling(), FORGED) + lines(APPS_OWN, OWN)
    received = reached(secure, router, way, "slipway.localhost", headers)

    assert [name for name, value in received.items() if FORGED in value] == ["x-slipway-tenant"]
    assert received["x-github-event"] == OWN


@pytest.mark.parametrize("way", ["GET", "POST"])
def test_what_a_client_confirms_reaches_the_console_and_no_app(secure, app, router, way):
    headers = lines(["X-Slipway-Confirm", "X-Slipway-Tenant"], "shop") + lines(["X-Slipway-Confirmed"], FORGED)

    asked = reached(secure, router, way, "slipway.localhost", headers)
    assert (asked["x-slipway-confirm"], asked["x-slipway-tenant"]) == ("shop", "shop")
    assert "x-slipway-confirmed" not in asked
    assert {"x-slipway-confirm", "x-slipway-tenant"}.isdisjoint(reached(secure, app, way, "shop.localhost", headers))


def test_a_request_of_hundreds_of_headers_is_read_to_its_end(secure):
    many = "X: y\r\n" * 900 + lines(["Remote-User"], FORGED) + lines(["X-Own"], OWN)
    with wire_app() as app:
        secure.rig.route("shop.localhost", target(app.port))
        received = reached(secure, app, "GET", "shop.localhost", many)

    assert received["x-own"] == OWN
    assert "remote-user" not in received
