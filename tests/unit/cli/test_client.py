"""What the API's answers, and its silence, become."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from slipway.cli.client import Client, Event
from slipway.cli.exit_codes import ApiAbsent, ApiProblem, Exit, WaitedTooLong, exit_code
from slipway.errors import InvalidInput, NotAuthenticated, SlipwayError
from tests.unit.cli.api_stand_in import URL, answering, client


def stream(text: str) -> httpx.Response:
    def pieces() -> Iterator[bytes]:  # cut in the middle of lines, as networks do
        data = text.encode()
        yield from (data[start : start + 5] for start in range(0, len(data), 5))

    return httpx.Response(200, content=pieces(), headers={"Content-Type": "text/event-stream"})


def test_events_are_read_with_names_positions_and_every_line_of_their_data() -> None:
    text = ": still here\n\nevent: line\nid: 1-0\ndata: one: two\ndata:  three\n\nevent: end\ndata: \n\n"
    with_events = client(answering([stream(text)]))
    assert list(with_events.events("/x")) == [Event("line", "one: two\n three", "1-0"), Event("end", "", "1-0")]


def test_what_unicode_calls_a_lines_end_is_part_of_the_data() -> None:
    (event,) = client(answering([stream("event: line\r\ndata: a\u2028b\x85c\x0bd\n\n")])).events("/x")
    assert event == Event("line", "a\u2028b\x85c\x0bd")


def test_an_event_that_was_cut_off_is_not_yielded() -> None:
    assert list(client(answering([stream("event: line\ndata: whole\n\nevent: line\ndata: ha")])).events("/x")) == [
        Event("line", "whole")
    ]


def test_a_stream_goes_on_after_the_position_given() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return stream("")

    list(client(answer).events("/x", after="7-0", follow=1, replica=None))
    assert asked[0].headers["Last-Event-ID"] == "7-0"
    assert str(asked[0].url).endswith("/api/x?follow=1")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Exit.FAILED),
        (401, Exit.NOT_SIGNED_IN),
        (403, Exit.REFUSED),
        (404, Exit.NOT_FOUND),
        (409, Exit.FAILED),
        (422, Exit.USAGE),
        (500, Exit.FAILED),
        (503, Exit.FAILED),
    ],
)
def test_a_problem_is_reported_word_for_word_with_an_exit_code_of_its_kind(status: int, code: Exit) -> None:
    document = {"detail": "what happened", "remedy": "what to do", "status": status, "code": "some-code"}
    with pytest.raises(SlipwayError) as raised:
        client(answering([httpx.Response(status, json=document)])).get("/x")
    assert (str(raised.value), raised.value.remedy) == ("what happened", "what to do")
    assert raised.value.problem() == document
    assert exit_code(raised.value) == code


def test_a_problem_in_answer_to_a_stream_is_reported_too() -> None:
    document = {"detail": "32 streams are open", "status": 503}
    with pytest.raises(ApiAbsent, match="32 streams"):
        list(client(answering([httpx.Response(503, json=document)])).events("/x"))


def test_nobody_there_means_that_nothing_was_changed() -> None:
    with pytest.raises(ApiAbsent, match="does not answer; nothing was changed"):
        client(answering([httpx.ConnectError("refused")])).post("/x")


def test_silence_after_asking_does_not_claim_that_nothing_was_changed() -> None:
    with pytest.raises(WaitedTooLong) as silent:
        client(answering([httpx.ReadTimeout("slow")])).post("/x")
    assert exit_code(silent.value) == Exit.TIMED_OUT
    assert "before you repeat it" in silent.value.remedy
    with pytest.raises(ApiAbsent, match="broke off") as cut:
        client(answering([httpx.ReadError("reset")])).post("/x")
    assert "before you repeat it" in cut.value.remedy


def test_something_else_at_the_address_is_named() -> None:
    with pytest.raises(ApiAbsent, match="is not Slipway"):
        client(answering([httpx.Response(200, text="<html>")])).get("/x")
    with pytest.raises(ApiProblem) as moved:
        client(answering([httpx.Response(301, headers={"Location": "https://other.example.org/"})])).get("/x")
    assert "https://other.example.org/" in moved.value.remedy
    with pytest.raises(ApiAbsent, match=r"https://slipway\.example\.org answered 502"):
        client(answering([httpx.Response(502, text="Bad Gateway")])).get("/x")


def test_names_under_localhost_are_this_machine_and_the_host_header_still_names_them() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(204)

    assert client(answer, "http://slipway.localhost:8080/").delete("/x") is None
    assert str(asked[0].url) == "http://127.0.0.1:8080/api/x"
    assert asked[0].headers["Host"] == "slipway.localhost:8080"
    assert asked[0].headers["Authorization"] == "Bearer slw_token"


def test_no_address_or_a_wrong_one_is_said_before_anything_is_sent() -> None:
    with pytest.raises(NotAuthenticated):
        Client("", "t")
    for wrong in ("slipway.example.org", "ftp://slipway.example.org", "https://"):
        with pytest.raises(InvalidInput) as raised:
            Client(wrong, "t")
        assert exit_code(raised.value) == Exit.USAGE


class Renewable:
    """Tokens of which one after the other is refused."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    def current(self) -> str:
        return self.tokens[0]

    def instead_of(self, refused: str) -> str:
        assert refused == self.tokens.pop(0)
        return self.tokens[0] if self.tokens else ""


def test_what_is_refused_is_sent_again_once_with_a_newer_token() -> None:
    sent: list[tuple[str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.headers["Authorization"], request.read()))
        good = request.headers["Authorization"] == "Bearer second"
        return httpx.Response(200 if good else 401, json={"detail": "it has ended"})

    transport = httpx.MockTransport(answer)
    assert Client(URL, Renewable("first", "second"), transport=transport).post("/x", {"a": 1})
    assert sent == [("Bearer first", b'{"a":1}'), ("Bearer second", b'{"a":1}')]
    sent.clear()
    with pytest.raises(ApiProblem, match="it has ended"):
        Client(URL, Renewable("1", "2", "3"), transport=transport).post("/x")
    assert len(sent) == 2


def test_a_stream_that_is_opened_again_has_the_token_of_that_moment() -> None:
    tokens, seen = Renewable("first", "second", "third"), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return stream("event: line\ndata: x\n\n") if seen[-1] != "Bearer second" else httpx.Response(401)

    streams = Client(URL, tokens, transport=httpx.MockTransport(answer))
    assert list(streams.events("/x"))
    tokens.tokens.pop(0)  # the first ends while the stream is open
    assert list(streams.events("/x"))
    assert seen == ["Bearer first", "Bearer second", "Bearer third"]
