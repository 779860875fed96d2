"""The router answers late, wrongly or not at all: nobody is let in for that, and nothing of it is remembered."""

from __future__ import annotations

import hashlib
import json
import socket
import struct

import pytest
from edge_people import ENVIRON, Person
from edge_publisher import HOST, target
from edge_rig import running
from edge_router import PUBLIC_URL, TENANT, Caller, stub_router

from tests.fixtures.waiting import eventually

NAVIGATION = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def impatient():
    """An edge that waits for its router for a moment only."""
    with running(ENVIRON, {"router_timeout_s": 0.3}) as rig:
        yield rig
        assert [line for line in rig.edge.complaints if "router-internal.sock" not in line] == []


def raw(data, then_waits=False):
    """Answers with these bytes; then closes, or keeps the connection open without a word."""

    def answer(handler):
        handler.wfile.write(data)
        handler.close_connection = True
        if then_waits:
            handler.server.may_answer.clear()
            handler.server.may_answer.wait(30)

    return answer


def sends(document, status=200):
    return lambda handler: handler.send(status, document)


def reset(handler):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def known(**more):
    return {**Caller("1").verdict([["tenant"]]), **more}


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
GOOD = json.dumps(known()).encode()
TROUBLE = {
    "500": sends({"title": "a defect"}, 500),
    "503": sends({"title": "Redis does not answer"}, 503),
    "404": sends({"title": "no such thing"}, 404),
    "201, with a verdict": sends(known(), 201),
    "no JSON": sends(b"<html>"),
    "a list": sends([known()]),
    "nothing known": sends({}),
    "known as a text": sends(known(known="true")),
    "too few allowed": sends(known(allows=[])),
    "too many allowed": sends(known(allows=[True, True])),
    "allowed as a number": sends(known(allows=[1])),
    "nobody's change ends it": sends(known(subjects=[])),
    "a header in a name": sends(known(user="ada\r\nX-Forwarded-Groups: /tenants/acme/owner")),
    "a kind that is not known": sends(known(kind="robot")),
    "too large": sends(b"{" + b" " * (64 << 10) + GOOD[1:]),
    "too large, as it says": raw(HEAD % (1 << 30) + GOOD),
    "no HTTP": raw(b"hello\r\n\r\n"),
    "no length": raw(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD),
    "chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)),
    "half of it": raw(HEAD % len(GOOD) + GOOD[: len(GOOD) // 2]),
    "a head without an end": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000),
    "nothing": raw(b""),
    "a reset": reset,
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_an_answer_that_is_no_verdict_admits_nobody_and_is_not_remembered(app, router, person, trouble):
    ada = person()
    router.instead = TROUBLE[trouble]
    refused = ada.ask(headers=NAVIGATION)
    posted = ada.ask(method="POST", body=b"x")
    router.instead = None

    assert (refused.status, posted.status, posted.json["code"]) == (503, 503, "sign-on-unavailable")
    assert refused.headers["cache-control"] == "no-store"
    assert int(refused.headers["retry-after"]) > 0
    assert app.record.requests == []
    assert ada.ask().status == 200


def test_the_error_log_says_why_nobody_is_let_in(rig, app, router, person):
    router.instead = sends({}, 500)
    person().ask()
    assert "the router can't say who calls: " in rig.edge.errors.read_text()


SIGN_IN_TROUBLE = {
    "503": sends({}, 503),
    "no JSON": sends(b"nope"),
    "no location": sends({"cookie": "a=b"}),
    "no cookie": sends({"location": f"{PUBLIC_URL}/auth/apps/1"}),
    "another site": sends({"location": "https://evil.example/auth/apps/1", "cookie": "a=b"}),
    "another site that begins alike": sends({"location": f"{PUBLIC_URL}.evil.example/auth/", "cookie": "a=b"}),
    "another scheme's": sends({"location": "//evil", "cookie": "a=b"}),
    "a header in the location": sends({"location": f"{PUBLIC_URL}/auth/apps/1\r\nX: y", "cookie": "a=b"}),
    "a header in the cookie": sends({"location": f"{PUBLIC_URL}/auth/apps/1", "cookie": "a=b\r\nX: y"}),
}


@pytest.mark.parametrize("trouble", SIGN_IN_TROUBLE)
def test_nobody_is_sent_where_the_router_does_not_clearly_say(rig, router, app, trouble):
    router.instead = SIGN_IN_TROUBLE[trouble]
    answer = rig.edge.ask(HOST, headers=NAVIGATION)
    assert (answer.status, "location" in answer.headers, "set-cookie" in answer.headers) == (503, False, False)


def test_too_many_sign_ins_are_refused_for_a_while(rig, router, app):
    router.instead = sends({"title": "too many"}, 429)
    answer = rig.edge.ask(HOST, headers=NAVIGATION)
    assert (answer.status, answer.headers["retry-after"]) == (429, "60")
    assert b"sign-ins" in answer.body


def signed_in(rig, router, app_id, app):
    rig.route(HOST, target(app.port), app=app_id, access=TENANT)
    value = hashlib.sha256(app_id.encode()).hexdigest()[:43]
    router.callers[value] = Caller("1", more={"lasts_s": 0.2})
    return Person(rig, router.callers[value], value)


def test_a_router_that_is_down_admits_nobody_and_a_public_app_serves_on(impatient, backend, app_id):
    app, path = backend(), impatient.edge.settings.router_internal_socket
    with stub_router(path) as router:
        ada = signed_in(impatient, router, app_id, app)
        assert ada.ask().status == 200
    eventually(lambda: ada.ask().status == 503)  # the verdict has ended
    assert ada.ask(headers=NAVIGATION).status == 503
    assert impatient.edge.ask(HOST, headers=NAVIGATION).status == 503
    impatient.route(HOST, target(app.port), app=app_id)
    assert ada.ask().status == 200

    with stub_router(path) as router:  # its connections are new ones
        assert signed_in(impatient, router, app_id, app).ask().status == 200


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", HEAD % 100 + b"{"])
def test_a_router_that_is_slow_admits_nobody_in_time(impatient, backend, app_id, sent):
    with stub_router(impatient.edge.settings.router_internal_socket) as router:
        ada = signed_in(impatient, router, app_id, backend())
        router.instead = raw(sent, then_waits=True)
        assert ada.ask().status == 503
        assert len(router.questions) == 1


def test_a_router_that_drips_admits_nobody_in_time(impatient, backend, app_id):
    """Each byte comes before the edge is tired of waiting for it, the last one much later."""

    def drip(handler):
        try:
            for byte in HEAD % len(GOOD) + GOOD:
                handler.wfile.write(bytes([byte]))
                handler.server.stopped.wait(0.1)
        except OSError:
            handler.close_connection = True

    with stub_router(impatient.edge.settings.router_internal_socket) as router:
        ada = signed_in(impatient, router, app_id, backend())
        router.instead = drip
        assert ada.ask().status == 503


def test_a_kept_connection_that_the_router_closes_just_then_is_replaced(rig, app, router, person):
    """It takes the question on it, and closes without an answer."""

    def answers_once(handler):
        if getattr(handler, "has_answered", False):
            handler.close_connection = True
        else:
            handler.has_answered = True
            handler.send(200, known())

    router.close_kept()
    router.instead = answers_once
    assert [person(f"p{number}").ask().status for number in range(6)] == [200] * 6
    assert len(router.questions) > 6


def test_a_kept_connection_that_the_router_closed_is_replaced(rig, app, router, person):
    people = [person(name) for name in ("ada", "bob", "eve")]
    assert people[0].ask().status == 200
    router.close_kept()
    assert [each.ask().status for each in people[1:]] == [200, 200]
    assert len(router.questions) == 3
