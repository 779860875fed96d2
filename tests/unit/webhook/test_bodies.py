"""From a delivery's bytes to a JSON value."""

from __future__ import annotations

import json
import random
from urllib.parse import urlencode

import pytest

from slipway.errors import InvalidInput, UnsupportedContent
from webhook.bodies import FORM, JSON, parse


def form(text: str) -> bytes:
    return urlencode({"payload": text}).encode()


@pytest.mark.parametrize("value", [{}, {"ref": "größe ☃"}, [], "text", 7, None, {"n": 2**70}])
def test_json_comes_plain_or_in_a_form(value: object) -> None:
    text = json.dumps(value)
    assert parse(text.encode(), JSON) == value
    assert parse(form(text), FORM) == value


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data", "application/xml", "application/jso"]
)
def test_other_content_types_are_named_and_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedContent, match=content_type or "without a content type") as refused:
        parse(b"{}", content_type)
    assert JSON in refused.value.remedy
    assert FORM in refused.value.remedy


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}{}",
        b"{'a': 1}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{}",
        b'{"a": "\xff"}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\0",
        "{}".encode("utf-16"),
    ],
)
def test_what_is_no_json_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(body, JSON)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload",
        b"payload=",
        b"other=%7B%7D",
        b"payload=%7B%7D&payload=%7B%7D",
        b"payload=%FF",
        b"payload=%7B",
        b"\xff=1",
        b"&".join(b"a=1" for _ in range(1000)),
    ],
)
def test_a_form_without_one_payload_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(body, FORM)


@pytest.mark.parametrize("content_type", [JSON, FORM])
def test_random_bytes_are_parsed_or_refused(content_type: str) -> None:
    chance = random.Random(11)
    reasons = set()
    for _ in range(3000):
        body = bytes(chance.choices(b'{}[]",:0e\\u d8payload=&%\xff\x00', k=chance.randint(0, 40)))
        try:
            parse(body, content_type)
        except InvalidInput as refused:
            reasons.add(refused.message)
    assert reasons
    assert "" not in reasons
