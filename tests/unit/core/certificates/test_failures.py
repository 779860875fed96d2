"""What an authority's errors mean."""

from __future__ import annotations

import pytest

from slipway.core.certificates.failures import FailedName, Reported, explain

PREFIX = "urn:ietf:params:acme:error:"


@pytest.mark.parametrize(
    ("kind", "reason", "needs_hand"),
    [
        ("rateLimited", "rate-limited", False),
        ("badNonce", "bad-nonce", False),
        ("orderNotReady", "order-failed", False),
        ("malformed", "order-failed", False),
        ("rejectedIdentifier", "rejected-name", True),
        ("unsupportedIdentifier", "rejected-name", True),
        ("caa", "caa-forbids", False),
        ("externalAccountRequired", "account-refused", True),
        ("serverInternal", "authority-down", False),
        ("somethingNew", "attempt-failed", False),
    ],
)
def test_each_type_has_a_reason(kind: str, reason: str, needs_hand: bool) -> None:
    failure = explain(Reported(type=f"{PREFIX}{kind}", detail="what it said", status=400, retry_after_s=60))

    assert (failure.reason, failure.needs_hand) == (reason, needs_hand)
    assert failure.detail == "what it said"
    assert failure.remedy


def test_a_limit_carries_how_long() -> None:
    assert explain(Reported(type=f"{PREFIX}rateLimited", status=429, retry_after_s=7200)).retry_after_s == 7200


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("unauthorized", "authorization-failed"),
        ("connection", "unreachable"),
        ("dns", "dns-failed"),
        ("caa", "caa-forbids"),
    ],
)
def test_a_names_own_failure_says_more_than_the_orders(kind: str, reason: str) -> None:
    failed = FailedName("shop.example.org", f"{PREFIX}{kind}", "Invalid response: 404")

    failure = explain(Reported(type=f"{PREFIX}orderNotReady", failed=(failed,), timed_out=True))

    assert failure.reason == reason
    assert failure.failed_names == ("shop.example.org",)
    assert failure.detail == "shop.example.org: Invalid response: 404"


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        (Reported(disk_full=True, timed_out=True), "disk-full"),
        (Reported(timed_out=True), "timed-out"),
        (Reported(unreachable=True), "authority-down"),
        (Reported(status=503), "authority-down"),
        (Reported(output="certbot: error"), "attempt-failed"),
        (Reported(), "attempt-failed"),
    ],
)
def test_what_is_no_word_of_the_authority(reported: Reported, reason: str) -> None:
    assert explain(reported).reason == reason
    assert explain(reported).detail
