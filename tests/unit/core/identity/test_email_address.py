"""Which texts are e-mail addresses: those that everybody reads in the same way."""

from __future__ import annotations

import pytest

from slipway.core.identity.email_address import LONGEST, email_address


@pytest.mark.parametrize(
    "text", ["ada@example.org", "a.b+c@x.org", "o'neil@x-y.example.org", "root@localhost", "a@1.2"]
)
def test_an_address_is_itself(text: str) -> None:
    assert email_address(text) == text


def test_it_is_kept_in_small_letters() -> None:
    assert email_address("Ada@Example.ORG") == "ada@example.org"


@pytest.mark.parametrize(
    "text",
    [
        *("", "ada", "@x.org", "ada@", "ada@@x.org", "ada@evil.org@x.org", '"ada@b"@x.org', "ada@x.org@"),
        *("ada@x.org\r\nBcc: eve@x.org", "ada@x.org\n", "\nada@x.org", "ada@x.org\0", " ada@x.org", "ada @x.org"),
        *("ada@x.org, eve@x.org", "Ada <ada@x.org>", "ada@x..org", "ada@.x.org", "ada@-x.org", "ada@[127.0.0.1]"),
        *("\u00e4da@x.org", "\u212aim@x.org", "ada@\u0455.org", "a" * 65 + "@x.org", "\ud800@x.org"),
        "a@" + "x" * 60 + ("." + "x" * 60) * 4,
    ],
)
def test_what_could_be_read_as_another_is_none(text: str) -> None:
    assert email_address(text) == ""


def test_the_longest() -> None:
    longest = "a@" + ".".join(["x" * 62] * 4) + "y"
    assert len(longest) == LONGEST - 1
    assert email_address(longest) == longest
    assert email_address(f"b{longest}") == f"b{longest}"
    assert email_address(f"bb{longest}") == ""
