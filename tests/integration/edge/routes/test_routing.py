"""Which host goes where, and what the edge itself answers."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from contextlib import closing

import pytest
from edge_publisher import target
from edge_rig import read

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def rig(shared_rig):
    return shared_rig


def test_a_host_reaches_its_app_with_path_and_query_untouched(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))

    assert rig.edge.ask("shop.localhost", "/a%2Fb//c/../d?x=%20y").json["backend"] == "one"
    assert app.record.requests[0].path == "/a%2Fb//c/../d?x=%20y"


@pytest.mark.parametrize("host", ["SHOP.localhost", "shop.localhost:8080", "shop.localhost.", "Shop.Localhost.:80"])
def test_a_hosts_case_port_and_trailing_dot_do_not_matter(rig, backend, host):
    rig.route("shop.localhost", target(backend().port))

    assert rig.edge.ask(host).status == 200


def test_an_unknown_host_is_404_and_the_clients_fault(rig):
    answer = rig.edge.ask("nobody.localhost")

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert (problem["code"], problem["fault"], problem["status"]) == ("unknown-host", "client", 404)
    assert "nobody.localhost" in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_browsers_get_a_page_with_the_request_id(rig):
    answer = rig.edge.ask("nobody.localhost", headers=HTML)

    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "No app here" in page
    assert answer.headers["x-request-id"] in page
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert "%{" not in page


def test_a_page_escapes_what_the_client_sent(rig):
    answer = rig.edge.ask("<script>alert(1)<script>", headers=HTML)

    assert b"<script>" not in answer.body


def test_a_problem_is_json_when_asked_for(rig):
    answer = rig.edge.ask("nobody.localhost", headers={"Accept": "text/html, application/problem+json"})

    assert answer.json["code"] == "unknown-host"


def test_a_head_request_has_no_body(rig):
    with closing(rig.edge.connect()) as connection:
        for _ in range(2):  # the connection stays usable
            connection.request("HEAD", "/", headers={"Host": "nobody.localhost"})
            answer = read(connection)
            assert (answer.status, answer.body) == (404, b"")


def test_an_app_without_targets_is_503_with_retry_after(rig):
    rig.route("shop.localhost", waiting={"timeout_s": 0.1})

    answer = rig.edge.ask("shop.localhost")

    assert (answer.status, answer.json["code"], answer.json["fault"]) == (503, "no-ready-replica", "app")
    assert int(answer.headers["retry-after"]) > 0


def test_a_refused_connection_is_502_and_the_apps_fault(rig):
    rig.route("shop.localhost", target(free_port()), waiting={"timeout_s": 0.1})

    answer = rig.edge.ask("shop.localhost")

    assert (answer.status, answer.json["code"], answer.json["fault"]) == (502, "replica-failed", "app")


def test_a_slow_app_is_504(rig, backend):
    rig.route("shop.localhost", target(backend().port), timeouts={"connect_s": 1, "read_s": 0.3})

    answer = rig.edge.ask("shop.localhost", "/slow")

    assert (answer.status, answer.json["code"], answer.json["fault"]) == (504, "replica-slow", "app")
    assert "sent nothing for 0.3 s" in answer.json["detail"]


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("method", ["GET", "POST", "PURGE"])
def test_an_app_that_takes_no_connection_was_not_asked(rig, black_hole, method, targets):
    holes = (target(black_hole.port, f"hole-{number}") for number in range(targets))
    rig.route("shop.localhost", *holes, timeouts={"connect_s": 0.2, "read_s": 60}, waiting={"requests": 0})

    answer = rig.edge.ask("shop.localhost", method=method, body=b"x")

    assert (answer.status, answer.json["code"], answer.json["fault"]) == (504, "replica-unreachable", "app")
    assert "within 0.2 s, so the request was not sent" in answer.json["detail"]


def test_a_slow_app_is_asked_once_even_if_others_could_be(rig, backend):
    apps = [backend("one"), backend("two")]
    rig.route("shop.localhost", *(target(app.port) for app in apps), timeouts={"connect_s": 1, "read_s": 0.3})

    assert rig.edge.ask("shop.localhost", "/slow").json["code"] == "replica-slow"
    assert sum(len(app.record.requests) for app in apps) == 1


@pytest.mark.parametrize("status", [404, 500, 502, 503, 504])
def test_what_an_app_answers_passes_unchanged(rig, backend, status):
    rig.route("shop.localhost", target(backend().port))

    answer = rig.edge.ask("shop.localhost", f"/status/{status}", headers=HTML)

    assert (answer.status, answer.json["backend"]) == (status, "one")


def test_targets_take_exact_turns_over_all_workers(rig, backend, app_id):
    """Of an app of its own: a worker that still has the entry of a test before takes one turn of that one's app."""
    apps = [backend(name) for name in ("one", "two", "three")]
    rig.route("shop.localhost", *(target(app.port) for app in apps), app=app_id)

    answers = Counter(rig.edge.ask("shop.localhost").json["backend"] for _ in range(30))

    assert answers == {"one": 10, "two": 10, "three": 10}


def test_a_removed_host_is_unknown(rig, backend):
    rig.route("shop.localhost", target(backend().port))
    rig.unroute("shop.localhost")

    assert rig.edge.ask("shop.localhost").json["code"] == "unknown-host"


def test_an_entry_that_is_no_json_is_the_platforms_fault(rig, monkeypatch):
    monkeypatch.setattr(rig.publisher, "_json", lambda _: "{")
    rig.route("shop.localhost")

    answer = rig.edge.ask("shop.localhost")

    assert (answer.status, answer.json["code"], answer.json["fault"]) == (503, "broken-route", "platform")


UNKNOWN_POLICIES = ["friends", ""]
NO_POLICIES = [
    *((value, "access is no object") for value in (7, None, True, False)),
    *((value, "access.policies is no list") for value in ({}, [])),
    (["public"], "access has a field that is not known: 1"),
    ({"mode": "public"}, "access has a field that is not known: mode"),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("access", "reason"),
    [
        *((policy, f"the route of app 1 has an unknown policy: {policy},") for policy in UNKNOWN_POLICIES),
        *((value, f"the route of shop.localhost can't be read: {why}:") for value, why in NO_POLICIES),
    ],
    ids=repr,
)
def test_an_entry_that_says_of_access_what_the_edge_does_not_know_admits_nobody(rig, backend, access, reason, method):
    app = backend()
    rig.route("shop.localhost", target(app.port), access=access)
    logged_before = len(rig.edge.errors.read_text())

    answer = rig.edge.ask("shop.localhost", method=method, body=b"x" if method == "POST" else None)

    assert (answer.status, answer.json["code"], answer.json["fault"]) == (503, "broken-route", "platform")
    assert app.record.requests == []
    assert reason in rig.edge.errors.read_text()[logged_before:]


def test_an_entry_that_says_nothing_of_access_is_public(rig, backend):
    rig.route("shop.localhost", target(backend().port))

    assert rig.edge.ask("shop.localhost").status == 200


@pytest.mark.parametrize(
    "malformed",
    [{"timeouts": "none"}, {"breaker": {"failures": "20"}}, {"max_concurrency": "1"}, {"targets": [{"id": "r-1"}]}],
    ids=repr,
)
def test_an_entry_with_a_field_of_a_wrong_type_admits_nobody(rig, backend, malformed):
    app = backend()
    rig.route("shop.localhost", target(app.port))
    assert rig.edge.ask("shop.localhost").status == 200

    rig.route("shop.localhost", **{"targets": [target(app.port)], **malformed})

    assert rig.edge.ask("shop.localhost").json["code"] == "broken-route"
    assert len(app.record.requests) == 1


def test_a_malformed_request_is_the_clients_fault(rig):
    with closing(rig.edge.raw(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")) as connection:
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"fault":"client"' in answer


def test_a_body_over_the_apps_limit_is_413_before_it_is_sent(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port), max_body_bytes=1000)
    head = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n"

    with closing(rig.edge.raw(head)) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    assert rig.edge.ask("shop.localhost", method="POST", body=b"x" * 1000).json["length"] == 1000
    assert len(app.record.requests) == 1


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413), (3 << 20, 413)])
def test_a_chunked_body_is_held_to_the_same_limit(rig, backend, size, status):
    rig.route("shop.localhost", target(backend().port), max_body_bytes=1000)
    chunks = (b"x" * min(65536, size - start) for start in range(0, size, 65536))

    answer = rig.edge.ask("shop.localhost", method="POST", body=chunks, encode_chunked=True)

    assert answer.status == status
    if status == 413:
        assert (answer.json["code"], answer.json["fault"]) == ("body-too-large", "client")


def test_a_large_chunked_body_arrives_whole(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))
    chunks = [bytes([n]) * 65536 for n in range(80)]

    answer = rig.edge.ask("shop.localhost", method="POST", body=iter(chunks), encode_chunked=True)

    assert answer.json["length"] == 80 * 65536
    assert app.record.requests[0].body == b"".join(chunks)


def test_a_client_that_expects_100_continue_gets_it(rig, backend):
    rig.route("shop.localhost", target(backend().port))
    head = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"

    with closing(rig.edge.raw(head)) as connection:
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert json.loads(response.read())["length"] == 4


def test_each_request_is_one_json_line_in_the_access_log(rig, backend):
    rig.route("shop.localhost", target(backend().port), app="7")
    ids = [rig.edge.ask(host, '/a"b?secret=1').headers["x-request-id"] for host in ("shop.localhost", "no.localhost")]
    log = rig.edge.settings.log_dir / "edge-access.log"

    eventually(lambda: all(id_ in log.read_text() for id_ in ids))
    lines = {line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())}
    served, refused = (lines[id_] for id_ in ids)

    assert (served["status"], served["app"], served["path"], served["fault"]) == (200, "7", '/a"b', "")
    assert (refused["status"], refused["app"], refused["fault"]) == (404, "", "client")
    assert abs(served["at"] - time.time()) < 60


@pytest.mark.parametrize("begins", ["/auth/", "/auth//", "/%61uth/", "/x/../auth/"])
def test_the_access_log_has_no_link_by_which_an_invitation_is_accepted(rig, begins):
    id_ = rig.edge.ask("slipway.localhost", f"{begins}invitations/slwi_secret/accept").headers["x-request-id"]
    log = rig.edge.settings.log_dir / "edge-access.log"

    eventually(lambda: id_ in log.read_text())
    (line,) = [line for line in map(json.loads, log.read_text().splitlines()) if line["request_id"] == id_]

    assert line["path"] == "/auth/invitations/"
    assert "slwi_secret" not in log.read_text()
