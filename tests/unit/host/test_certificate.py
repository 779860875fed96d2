"""The operator's certificate: what is wrong is said before nginx fails on it."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slipway.errors import HostUnready
from slipway.host.install import certificate

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


def make(folder: Path, name: str, password: bytes | None = None) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    seal = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    (folder / f"{name}.pem").write_bytes(made.public_bytes(PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(PEM, PKCS8, seal))
    return str(folder / f"{name}.pem"), str(folder / f"{name}.key")


def refusal(chain: str, key: str) -> HostUnready:
    with pytest.raises(HostUnready) as refused:
        certificate.check(chain, key)
    assert refused.value.remedy
    return refused.value


def test_a_certificate_and_its_key_are_fine(tmp_path: Path) -> None:
    certificate.check(*make(tmp_path, "own"))


def test_what_is_not_set_is_named(tmp_path: Path) -> None:
    chain, _ = make(tmp_path, "own")
    assert "SLIPWAY_TLS_CERTIFICATE is not" in refusal("", "").message
    assert "SLIPWAY_TLS_KEY is not" in refusal(chain, "").message


def test_a_file_that_is_missing_or_no_file_is_named(tmp_path: Path) -> None:
    chain, _ = make(tmp_path, "own")
    assert "SLIPWAY_TLS_CERTIFICATE: /none can't be read: No such file" in refusal("/none", "/none").message
    assert f"SLIPWAY_TLS_KEY: {tmp_path} can't be read: Is a directory" in refusal(chain, str(tmp_path)).message


def test_a_relative_path_would_be_another_file_for_nginx(tmp_path: Path) -> None:
    assert "absolute" in refusal("own.pem", "own.key").message


def test_the_key_of_another_certificate_is_reported(tmp_path: Path) -> None:
    chain, _ = make(tmp_path, "own")
    _, key = make(tmp_path, "other")
    assert "another certificate" in refusal(chain, key).message


def test_a_file_that_is_no_pem_is_reported(tmp_path: Path) -> None:
    chain, key = make(tmp_path, "own")
    (tmp_path / "none").write_text("no PEM")
    assert "no PEM" in refusal(str(tmp_path / "none"), key).message
    assert "no PEM" in refusal(chain, str(tmp_path / "none")).message


def test_a_sealed_key_is_reported_and_asks_no_terminal(tmp_path: Path) -> None:
    chain, key = make(tmp_path, "own", password=b"secret")
    assert "sealed with a password" in refusal(chain, key).message
