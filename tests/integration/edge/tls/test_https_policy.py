"""HTTP → HTTPS, HSTS, and connections that were made for another host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from edge_backend import Server
from edge_certificates import TlsRig, client
from edge_publisher import target
from edge_rig import Answer
from edge_tls import Http2Client

from tests.fixtures.waiting import eventually

SHOP, BLOG, CONSOLE = "shop.example.org", "blog.example.org", "slipway.localhost"
HSTS = "strict-transport-security"


@pytest.fixture(scope="module")
def app() -> Iterator[Server]:
    server = Server("one", 0)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def published(tls: TlsRig, app: Server) -> None:
    for host in (SHOP, BLOG, "a.wild.example.org", "b.wild.example.org"):
        tls.rig.route(host, target(app.port))
    tls.folder.write("1", [SHOP])
    tls.folder.write("2", [BLOG])
    tls.folder.write("3", ["*.wild.example.org"])
    tls.folder.write("4", [CONSOLE])
    tls.publish()


def say(tls: TlsRig, host: str, https: str, hsts_s: int | None = None, **more: Any) -> None:
    """In force once every worker, which share their memory, sees the certificate that was published with it."""
    tls.folder.hosts[host] = {"https": https, **({} if hsts_s is None else {"hsts_s": hsts_s}), **more}
    tls.folder.write("mark", ["mark.example.org"])
    tls.publish()


def plain(tls: TlsRig, host: str, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    return tls.rig.edge.ask(host, path, method, headers)


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308), ("DELETE", 308), ("OPTIONS", 308), ("PURGE", 308)],
)
def test_a_host_that_wants_it_is_redirected_with_its_path(tls: TlsRig, app: Server, method: str, status: int) -> None:
    say(tls, SHOP, "redirect")
    before = len(app.record.requests)

    answer = plain(tls, SHOP, "/a%20b//c?d=e&f=//g", method)

    assert answer.status == status
    assert answer.headers["location"] == f"https://{SHOP}:{tls.port}/a%20b//c?d=e&f=//g"
    assert answer.headers["cache-control"] == "max-age=300"
    assert HSTS not in answer.headers
    assert len(app.record.requests) == before
    assert tls.ask(SHOP, method=method).status == 200


@pytest.mark.parametrize("https", ["both", "off"])
def test_one_that_opts_out_is_not(tls: TlsRig, https: str) -> None:
    say(tls, SHOP, https, 3600)
    assert plain(tls, SHOP).status == 200
    assert HSTS not in plain(tls, SHOP).headers


def test_nothing_is_redirected_before_a_certificate_is_there_or_after_it_broke(tls: TlsRig) -> None:
    del tls.folder.rows["1"]
    say(tls, SHOP, "redirect")
    assert plain(tls, SHOP).status == 200

    tls.folder.write("1", [SHOP])
    tls.publish()
    assert plain(tls, SHOP).status == 301

    tls.folder.rows["1"]["names"] = [SHOP, "www.shop.example.org"]
    tls.folder.rows["1"]["sha256"] = "0" * 64
    tls.folder.rows["5"] = tls.folder.rows.pop("1")  # another one, whose files are missing
    tls.folder.publish()
    eventually(lambda: plain(tls, SHOP).status == 200)


def test_nobody_is_redirected_who_is_not_asked_for(tls: TlsRig) -> None:
    say(tls, SHOP, "redirect")
    assert plain(tls, BLOG).status == 200
    assert plain(tls, "nobody.example.org").status == 404


def test_the_console_is_redirected_but_no_delivery(tls: TlsRig) -> None:
    say(tls, CONSOLE, "redirect", 600)
    assert plain(tls, CONSOLE, "/api/x").headers["location"] == f"https://{CONSOLE}:{tls.port}/api/x"
    assert plain(tls, CONSOLE, "/webhooks/x", "POST").status == 502  # nothing runs behind this edge
    assert tls.ask(CONSOLE, "/api/x").headers[HSTS] == "max-age=600"
    tls.rig.edge.errors.write_text("")  # it says that nothing runs there


def test_hsts_is_said_on_every_response_over_tls_and_takes_the_place_of_the_apps(tls: TlsRig) -> None:
    say(tls, SHOP, "both", 31536000)
    assert tls.ask(SHOP).headers[HSTS] == "max-age=31536000"
    assert tls.ask(SHOP, "/hsts").headers[HSTS] == "max-age=31536000"
    tls.rig.unroute(SHOP)
    assert tls.ask(SHOP).status == 404
    assert tls.ask(SHOP).headers[HSTS] == "max-age=31536000"
    assert HSTS not in tls.ask(BLOG).headers


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"hsts_s": 0}, "max-age=0"),
        ({"hsts_s": 300, "hsts_subdomains": True}, "max-age=300; includeSubDomains"),
        ({"hsts_s": 300, "hsts_subdomains": True, "hsts_preload": True}, "max-age=300; includeSubDomains; preload"),
        ({"hsts_s": 300, "hsts_subdomains": "x\r\nA: b", "hsts_preload": 1}, "max-age=300"),
    ],
)
def test_hsts_says_what_was_chosen(tls: TlsRig, more: dict[str, Any], value: str) -> None:
    say(tls, SHOP, "redirect", **more)
    assert tls.ask(SHOP).headers[HSTS] == value
    assert HSTS not in plain(tls, SHOP).headers


def test_an_app_says_its_own_where_nothing_was_chosen(tls: TlsRig) -> None:
    say(tls, SHOP, "redirect")
    assert tls.ask(SHOP, "/hsts").headers[HSTS] == "max-age=1"


@pytest.mark.parametrize("hsts_s", [-1, 1e12, "300", "1; includeSubDomains"])
def test_an_hsts_that_can_not_be_understood_changes_nothing_else(tls: TlsRig, hsts_s: Any) -> None:
    say(tls, SHOP, "redirect", hsts_s)
    assert plain(tls, SHOP).status == 200, "the host says nothing then"
    assert HSTS not in tls.ask(SHOP).headers
    tls.rig.edge.errors.write_text("")


def test_a_challenge_is_never_redirected(tls: TlsRig) -> None:
    say(tls, SHOP, "redirect", 31536000)
    answer = plain(tls, SHOP, "/.well-known/acme-challenge/" + "a" * 43)
    assert answer.status == 404
    assert "location" not in answer.headers
    assert HSTS not in answer.headers


def test_a_wildcards_policy_is_for_its_hosts_and_an_exact_one_wins(tls: TlsRig) -> None:
    tls.folder.hosts["*.wild.example.org"] = {"https": "redirect"}
    say(tls, "b.wild.example.org", "both")
    assert plain(tls, "a.wild.example.org").status == 301
    assert plain(tls, "b.wild.example.org").status == 200


def test_a_request_for_a_host_with_another_certificate_is_misdirected(tls: TlsRig, app: Server) -> None:
    before = len(app.record.requests)
    answer = tls.ask(BLOG, named=SHOP)
    assert (answer.status, answer.json["code"]) == (421, "misdirected")
    assert tls.ask(SHOP, named="unknown.example.org").status == 421
    assert tls.ask(CONSOLE, named=SHOP).status == 421
    assert tls.ask(SHOP, named=CONSOLE).status == 421
    assert len(app.record.requests) == before


def test_hosts_of_one_certificate_may_share_a_connection(tls: TlsRig) -> None:
    assert tls.ask("b.wild.example.org", named="a.wild.example.org").status == 200


def test_a_client_that_names_no_host_may_ask_for_any(tls: TlsRig) -> None:
    assert tls.ask(SHOP, named=None).status == 200


def test_over_http2_each_request_is_judged_by_itself(tls: TlsRig) -> None:

    context = client()
    context.set_alpn_protocols(["h2"])
    with Http2Client(tls.connect("a.wild.example.org", context)) as http2:
        assert http2.ask(host="a.wild.example.org").status == 200
        assert http2.ask(host=SHOP).status == 421
        assert http2.ask(host="b.wild.example.org").status == 200
