"""What becomes of the files that are given, and what is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from slipway.cli.commands import certificates

STANDING: dict[str, Any] = {
    "state": "issued",
    "reason": "",
    "source": "own",
    "issuer": "Test Intermediate",
    "not_after": "2026-05-31T12:00:00Z",
    "alarm": True,
    "next_step": "before 2026-05-31 12:00:00 UTC give the next one: slipway certificates add",
}


@pytest.mark.parametrize("option", ["--certificate", "--key"])
@pytest.mark.parametrize("content", [b"", b"0\x82\x03\xff", b"PK\x03\x04"])
def test_what_is_no_pem_is_not_sent(tmp_path: Path, option: str, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(click.BadParameter, match="openssl pkcs12"):
        certificates._pem(file, option)


def test_a_large_file_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"-----BEGIN CERTIFICATE-----\n" * 5000)
    with pytest.raises(click.BadParameter, match="more than 64 KiB"):
        certificates._pem(file, "--certificate")


def test_letters_around_the_blocks_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xef\xbb\xbf# M\xfcller\x00\n-----BEGIN CERTIFICATE-----\n")
    assert certificates._pem(file, "--certificate").startswith("# M")
    assert "\0" not in certificates._pem(file, "--certificate")


def test_an_own_one_is_listed_with_who_signed_it_until_when_and_what_follows() -> None:
    row = certificates._row("shop.example", STANDING)
    assert row == (
        "shop.example",
        "own, signed by Test Intermediate",
        "issued",
        "2026-05-31 (alarm)",
        STANDING["next_step"],
    )
    none = STANDING | {"source": "acme", "state": "none", "not_after": None, "alarm": False}
    assert certificates._row("hello.localhost", none)[1:4] == ("-", "none", "-")
