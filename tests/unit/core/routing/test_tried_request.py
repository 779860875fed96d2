"""A tried request as a command, and what several came to."""

from __future__ import annotations

import shlex

from slipway.core.routing.burst import Burst, Outcome
from slipway.core.routing.tried_request import as_curl, read
from slipway.core.text.shown_body import SHOWN_MOST, shown_body

URL = "https://shop.example.org/"


def test_a_command_is_quoted_and_reads_no_file() -> None:
    request = read("POST", "/a?b={c}&d=[1-9]", "X-A: $(id)\r\nX-Empty:\r\nX-B: it's", "@/etc/passwd")
    words = shlex.split(as_curl(request, URL))
    assert words[:5] == ["curl", "-i", "--globoff", "--path-as-is", "-X"]
    assert words[-3:] == ["--data-raw", "@/etc/passwd", "https://shop.example.org/a?b={c}&d=[1-9]"]
    assert [words[i + 1] for i, word in enumerate(words) if word == "-H"] == [
        *("X-A: $(id)", "X-Empty;", "X-B: it's", "Content-Type:")
    ]


def test_a_head_is_one_for_curl_too() -> None:
    assert "--head" in shlex.split(as_curl(read("HEAD", "/", "", ""), URL))


def test_a_burst_is_counted_by_status_and_replica_and_its_times_are_ranked() -> None:
    outcomes = [Outcome(200, "a", number / 100) for number in range(1, 20)] + [Outcome(None, "", 1.5)]
    burst = Burst(outcomes)
    assert burst.by_status == [(200, 19), (None, 1)]
    assert burst.by_replica == [("a", 19)]
    assert [burst.quantile_s(share) for share in (0.5, 0.95, 1)] == [0.1, 0.19, 1.5]
    assert Burst([Outcome(200, "", 0.2)]).quantile_s(0.5) == 0.2


def test_a_body_is_text_or_not_shown() -> None:
    json = [("Content-Type", "application/problem+json; charset=utf-8")]
    assert shown_body(b'{"a":"\xc3\xbc"}', json, is_cut=False).text == '{\n  "a": "ü"\n}'
    assert shown_body(b'{"a"', json, is_cut=False).text == '{"a"'
    assert shown_body(b"[" * 100_000, json, is_cut=False).is_text
    assert shown_body(b"a", [*json, ("content-encoding", "gzip")], is_cut=False).is_text is False
    assert shown_body(b"\0a", [("Content-Type", "text/plain")], is_cut=False).is_text is False
    assert shown_body(b"\xff", [], is_cut=False).text == "\N{REPLACEMENT CHARACTER}"
    long = shown_body(b"a" * (SHOWN_MOST + 1), [], is_cut=False)
    assert (len(long.text), long.is_cut) == (SHOWN_MOST, True)
