"""Signatures of deliveries. The first example is GitHub's own."""

from __future__ import annotations

import pytest

from slipway.core.push.signatures import is_signed, sign

BODY = b"Hello, World!"
SECRET = "It's a Secret to Everybody"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_githubs_documented_example() -> None:
    assert sign(SECRET, BODY) == SIGNATURE
    assert is_signed(BODY, SIGNATURE, [SECRET])


def test_upper_case_hexadecimal_is_the_same_number() -> None:
    assert is_signed(BODY, "sha256=" + SIGNATURE.removeprefix("sha256=").upper(), [SECRET])


@pytest.mark.parametrize("secrets", [[SECRET, "new"], ["new", SECRET]])
def test_any_of_the_hooks_secrets_will_do(secrets: list[str]) -> None:
    assert is_signed(BODY, SIGNATURE, secrets)


def test_without_secrets_nothing_is_signed() -> None:
    assert not is_signed(BODY, SIGNATURE, [])


def test_an_empty_secret_signs_nothing() -> None:
    assert not is_signed(BODY, sign("", BODY), [""])
    assert not is_signed(BODY, sign("", BODY), ["", SECRET])


def test_one_changed_byte_is_noticed() -> None:
    assert not is_signed(BODY + b" ", SIGNATURE, [SECRET])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        SIGNATURE[:-1],
        SIGNATURE + "0",
        SIGNATURE + "\n",
        " " + SIGNATURE,
        SIGNATURE.replace("sha256", "sha1"),
        SIGNATURE.removeprefix("sha256="),
        SIGNATURE[:-1] + "g",
        SIGNATURE[:-1] + "７",
        "sha256=" + "é" * 64,
        f"{SIGNATURE}, {SIGNATURE}",
    ],
)
def test_a_missing_malformed_or_wrong_signature_is_refused(signature: str | None) -> None:
    assert not is_signed(BODY, signature, [SECRET])
