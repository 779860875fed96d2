"""No secret stays in the text, in whatever form it is printed."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from slipway.core.redaction import MASK, Redactor

SECRET = "p@ss/word+42=very secret"
KEY = "-----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo\n-----END KEY-----"


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode()).decode(),
        base64.b64encode(b"u:" + SECRET.encode() + b"\n").decode(),
    ],
)
def test_a_known_secret_is_masked_in_every_form(printed: str) -> None:
    redacted = Redactor([SECRET]).line(f"before {printed} after")
    assert MASK in redacted
    assert printed[4:-6] not in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


def test_each_line_of_a_key_is_masked() -> None:
    redactor = Redactor([KEY])
    assert "QUJDREVG" not in redactor.text(f"the key:\n{KEY}\n")


def test_a_secret_split_over_lines_is_masked_on_both() -> None:
    redactor = Redactor(["abcdefghijklmnopqrstuvwxyz0123456789"])
    assert redactor.line("#8 0.5 value: abcdefghijklmno") == f"#8 0.5 value: {MASK}"
    assert redactor.line("#8 0.5 pqrstuvwxyz01") == f"#8 0.5 {MASK}"
    assert redactor.line("#8 0.5 23456789 and more") == f"#8 0.5 {MASK} and more"
    assert redactor.line("#8 0.5 pqrstuvw") == "#8 0.5 pqrstuvw"


def test_short_values_are_left_alone() -> None:
    assert Redactor(["1", "on", "main"]).line("1 on main") == "1 on main"


@pytest.mark.parametrize(
    "line",
    [
        "cloning https://me:hunter2@github.com/a/b",
        "cloning https://ghp_0123456789012345678901234567890123456@github.com/a/b",
        "token ghp_0123456789012345678901234567890123456",
        "Authorization: Bearer abcdefgh",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ],
)
def test_tokens_are_known_by_their_shape(line: str) -> None:
    redacted = Redactor().line(line)
    assert MASK in redacted
    assert all(secret not in redacted for secret in ("hunter2", "ghp_", "abcdefgh", "AKIA", "eyJ"))


@pytest.mark.parametrize(
    "line",
    [
        "https://github.com/a/b",
        "git@github.com:a/b.git",
        "ssh://git@github.com/a/b",
        "http://127.0.0.1:8000/x",
        "a:b@c",
    ],
)
def test_ordinary_text_stays(line: str) -> None:
    assert Redactor(["some-secret-value"]).line(line) == line
