"""What may be served, and what is said of what may not."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from slipway.core.certificates.own.checking import OwnPair, check
from slipway.core.certificates.own.keys import require_strong
from slipway.core.certificates.pem import facts_of
from slipway.errors import InvalidInput
from tests.fixtures.chains import ISSUER_AT, Signer, key_pem, new_key, pem, root

HOST = "shop.example.org"
ROOT = root()
BELOW = ROOT.authority("Test Intermediate")
KEY = new_key()
WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505  to be refused
SHA224 = hashes.SHA224()


def leaf(**values: Any) -> x509.Certificate:
    return BELOW.issue(HOST, values.pop("key", KEY), **{"names": [HOST], **values})


def checked(
    certificate: str, key: str = key_pem(KEY), host: str = HOST, roots: tuple[Signer, ...] = (ROOT,)
) -> OwnPair:
    known = [each.certificate for each in roots if each.certificate]
    return check(host, certificate, key, datetime.now(UTC), known)


def refused(certificate: str, key: str = key_pem(KEY), **values: Any) -> str:
    """What was said, with what to do."""
    with pytest.raises(InvalidInput) as refusal:
        checked(certificate, key, **values)
    assert refusal.value.remedy
    said = f"{refusal.value.message}: {refusal.value.remedy}"
    assert not any(line in said for line in key.splitlines()[1:-1] if len(line) > 20), "the key is in it"
    return said


def test_a_whole_chain_is_taken_without_a_warning() -> None:
    made = leaf()
    pair = checked(pem(made, BELOW.certificate))
    assert pair.warnings == ()
    assert pair.issuer == "Test Intermediate"
    assert facts_of(pair.fullchain, pair.key) == pair.facts
    assert pair.facts.serial == f"{made.serial_number:x}"


def test_a_root_in_the_file_is_not_served_and_one_that_nobody_knows_is_a_warning() -> None:
    pair = checked(pem(leaf(), BELOW.certificate, ROOT.certificate), roots=())
    assert pair.fullchain.count(b"BEGIN CERTIFICATE") == 2
    [warning] = pair.warnings
    assert "only clients that know Test Root trust it" in warning


def test_what_stands_around_the_blocks_is_left_out() -> None:
    text = f"Bag Attributes\n  friendlyName: shop\r\n{pem(leaf())}subject=CN = x\n{pem(BELOW.certificate)}".replace(
        "\n", "\r\n"
    )
    assert checked(text).fullchain.startswith(b"-----BEGIN CERTIFICATE-----\nMII")


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_rsa_of_2048_bits_and_p384_are_taken_in_each_form(form: PrivateFormat) -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        text = key_pem(key, form=form)
        if "BEGIN EC" in text:
            text = f"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n{text}"
        assert checked(pem(leaf(key=key), BELOW.certificate), text).key.startswith(b"-----BEGIN PRIVATE KEY")


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("0\x82\x03", key_pem(KEY), "openssl x509 -inform der"),
        (pem(leaf(), BELOW.certificate), "", "openssl pkey -inform der"),
        (pem(leaf())[:-40], key_pem(KEY), "no whole block"),
        ("x" * (65 << 10), key_pem(KEY), "more than 64 KiB"),
        (pem(*[leaf()] * 11), key_pem(KEY), "there are 11 certificates"),
        (pem(leaf()) + key_pem(KEY), key_pem(KEY), "has a private key in it"),
        (pem(leaf()), pem(leaf()), "exchanged"),
        (pem(leaf()).replace("CERTIFICATE", "CERTIFICATE REQUEST"), key_pem(KEY), "a request for a certificate"),
        (pem(leaf()).replace("CERTIFICATE", "PKCS7"), key_pem(KEY), "openssl pkcs7 -print_certs"),
        (pem(leaf()).replace("MII", "AAA", 1), key_pem(KEY), "can't be read"),
        (pem(leaf()), key_pem(KEY) * 2, "there are 2 private keys"),
        (pem(leaf()), key_pem(KEY, "geheim"), "openssl pkey -in key.pem -out key-plain.pem"),
        (pem(leaf()), key_pem(KEY, "geheim", PrivateFormat.TraditionalOpenSSL), "the key is encrypted"),
        (pem(leaf()), key_pem(KEY).replace("MIG", "AAA", 1), "the key can't be read"),
        (pem(leaf()), key_pem(new_key()), "does not belong to the certificate"),
        (pem(BELOW.certificate, leaf()), key_pem(KEY), "put it first"),
    ],
)
def test_what_is_no_pair_is_refused(certificate: str, key: str, said: str) -> None:
    assert said in refused(certificate, key)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (WEAK_RSA, "1024 bits"),
        (ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (ed25519.Ed25519PrivateKey.generate(), "neither RSA nor ECDSA"),
    ],
)
def test_a_weak_or_unusual_key_is_refused(key: Any, said: str) -> None:
    assert said in refused(pem(leaf(key=key), BELOW.certificate), key_pem(key))


def test_a_key_so_long_that_each_handshake_is_a_burden_is_refused() -> None:
    long = rsa.RSAPublicNumbers(65537, (1 << 8191) | 1).public_key()
    with pytest.raises(InvalidInput, match="8192 bits"):
        require_strong(long, "the key")
    require_strong(long, "the key", of_authority=True)


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        ([HOST], HOST, True),
        (["SHOP.Example.org"], HOST, True),
        (["*.example.org"], HOST, True),
        (["*.example.org"], "*.example.org", True),
        (["*.example.org"], "example.org", False),
        (["*.example.org"], "a.shop.example.org", False),
        ([HOST], "*.example.org", False),
        (["a.shop.example.org"], "*.shop.example.org", False),
        (["xn--bcher-kva.example"], "xn--bcher-kva.example", True),
        (["*.org"], "*.example.org", False),
    ],
)
def test_the_names_have_to_cover_the_host(names: list[str], host: str, covered: bool) -> None:
    certificate = pem(leaf(names=names), BELOW.certificate)
    if covered:
        assert checked(certificate, host=host)
    else:
        assert f"is not for {host}" in refused(certificate, host=host)


def test_a_common_name_alone_is_no_name() -> None:
    assert "no subject alternative names" in refused(pem(leaf(names=[]), BELOW.certificate))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"begins": timedelta(days=-100)}, "ran out at"),
        ({"begins": timedelta(hours=2)}, "is not valid before"),
        ({"extensions": [x509.TLSFeature([x509.TLSFeatureType.status_request])]}, "must-staple"),
        ({"extensions": [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])]}, "lacks serverAuth"),
        (
            {"extensions": [x509.KeyUsage(False, False, True, False, False, False, False, False, False)]},
            "lacks digitalSignature",
        ),
        ({"is_authority": True}, "is an authority's"),
        ({"algorithm": SHA224}, "signed with SHA224"),
    ],
)
def test_a_certificate_that_clients_refuse_is_refused_here(values: dict[str, Any], said: str) -> None:
    assert said in refused(pem(leaf(**values), BELOW.certificate))


def test_sha1_is_refused_as_such_and_not_for_a_missing_issuer(tmp_path: Path) -> None:
    """cryptography itself signs with SHA-1 no more, and verifies none."""
    key, made = tmp_path / "key.pem", tmp_path / "cert.pem"
    key.write_text(key_pem(KEY))
    command = ["openssl", "req", "-x509", "-sha1", "-key", key, "-out", made, "-subj", f"/CN={HOST}", "-addext"]
    subprocess.run([*command, f"subjectAltName=DNS:{HOST}"], check=True, capture_output=True)
    assert "is signed with SHA1, which clients refuse" in refused(made.read_text())


def test_one_that_runs_out_soon_is_taken_with_a_warning() -> None:
    [warning] = checked(pem(leaf(lasts=timedelta(days=10)), BELOW.certificate)).warnings
    assert f"{HOST} runs out in 8 days" in warning


def test_one_that_signs_itself_is_taken_with_a_warning() -> None:
    own = Signer(HOST, KEY).issue(HOST, KEY, names=[HOST], is_authority=True)
    [warning] = checked(pem(own)).warnings
    assert "only clients that know shop.example.org" in warning


def test_a_missing_intermediate_is_named_with_where_it_is() -> None:
    said = refused(pem(leaf()))
    assert "the certificate of Test Intermediate, which signed shop.example.org, is missing" in said
    assert f"curl -sS {ISSUER_AT} | openssl x509" in said


def test_one_in_the_middle_that_is_missing_is_named() -> None:
    lower = BELOW.authority("Lower")
    made = lower.issue(HOST, KEY, names=[HOST])
    assert checked(pem(made, lower.certificate, BELOW.certificate))
    assert "the certificate of Lower" in refused(pem(made, BELOW.certificate))
    assert "the certificate of Test Intermediate" in refused(pem(made, lower.certificate))


def test_an_unknown_root_has_to_be_in_the_file() -> None:
    assert "the certificate of Test Root" in refused(pem(leaf(), BELOW.certificate), roots=())


def test_a_chain_out_of_order_is_refused_with_its_order() -> None:
    said = refused(pem(leaf(), ROOT.certificate, BELOW.certificate))
    assert "shop.example.org has to be followed by Test Intermediate" in said


def test_an_intermediate_of_the_same_name_and_another_key_is_no_issuer() -> None:
    other = ROOT.authority("Test Intermediate")
    assert "did not sign shop.example.org" in refused(pem(leaf(), other.certificate))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"begins": timedelta(days=-100)}, "Weak ran out at"),
        ({"algorithm": SHA224}, "the certificate of Weak is signed with SHA224"),
        ({"key": WEAK_RSA}, "the key of Weak has 1024 bits"),
    ],
)
def test_each_certificate_of_the_chain_is_looked_at(values: dict[str, Any], said: str) -> None:
    weak = ROOT.authority("Weak", **values)
    assert said in refused(pem(weak.issue(HOST, KEY, names=[HOST]), weak.certificate))


def test_a_servers_certificate_signs_no_other() -> None:
    """Whoever has a certificate for their own host could else make one for every other."""
    server_key = new_key()
    server = Signer("evil.example", server_key, BELOW.issue("evil.example", server_key, names=["evil.example"]))
    made = server.issue(HOST, KEY, names=[HOST])
    assert "evil.example may sign no certificates" in refused(pem(made, server.certificate, BELOW.certificate))


def test_a_serial_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.core.certificates.own.checking._MOST_SERIAL_BITS", 8)
    assert "serial number" in refused(pem(leaf(), BELOW.certificate))


def test_a_chain_that_takes_much_of_the_memory_that_all_share_is_refused() -> None:
    many = [HOST, *(f"{'a' * 60}.{number}.example.org" for number in range(250))]
    assert "more than 16 KiB" in refused(pem(leaf(names=many), BELOW.certificate))


def test_a_subject_is_shown_without_what_moves_a_terminal() -> None:
    odd = ROOT.authority("\x1b[2Jx")
    assert "\x1b" not in refused(pem(odd.issue(HOST, KEY, names=[HOST])))


def test_many_begun_blocks_are_read_in_no_time() -> None:
    assert "no whole block" in refused("-----BEGIN CERTIFICATE-----\n" * 2300)
