"""Which addresses are of one repository."""

from __future__ import annotations

import pytest

from slipway.core.naming.repository_twins import are_same, with_any_port, without_port


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("git.example/a/b", "git.example/a/b", True),
        ("git.example:3000/a/b", "git.example/a/b", True),
        ("git.example:3000/a/b", "git.example:3001/a/b", False),
        ("git.example/a/b", "git.example/a/c", False),
        ("git.example:3000/a/b", "git.example.org/a/b", False),
        ("git.example:3000/git/a/b", "git.example/a/b", False),
        ("2001:db8::1/a/b", "2001:db8::2/a/b", False),
    ],
)
def test_a_port_may_be_said_or_not(one: str, other: str, same: bool) -> None:
    assert are_same(one, other) is are_same(other, one) is same


@pytest.mark.parametrize(
    ("identity", "bare"),
    [
        ("git.example:3000/a/b", "git.example/a/b"),
        ("git.example/a/b:1", "git.example/a/b:1"),
        ("/srv/git/shop.git", "/srv/git/shop.git"),
        ("", ""),
    ],
)
def test_only_a_hosts_port_is_left_out(identity: str, bare: str) -> None:
    assert without_port(identity) == bare


def test_what_has_a_port_has_no_twins_of_other_ports() -> None:
    assert with_any_port("git.example/a/b") == ("git.example:", "/a/b")
    assert with_any_port("git.example:3000/a/b") == ("/", "/")
