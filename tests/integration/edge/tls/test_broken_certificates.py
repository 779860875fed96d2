"""A certificate that can't be used fails closed: its names get the default one, and no name gets another's."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from edge_certificates import TlsRig

from tests.fixtures.certificates import IssuedCertificate, make, put
from tests.fixtures.waiting import eventually

SHOP = "shop.example.org"


def lose_key(tls: TlsRig) -> None:
    (tls.folder.path / "1" / "key.pem").unlink()


def lose_chain(tls: TlsRig) -> None:
    (tls.folder.path / "1" / "fullchain.pem").unlink()


def write_half_a_chain(tls: TlsRig) -> None:
    path = tls.folder.path / "1" / "fullchain.pem"
    put(path, path.read_bytes()[:200])


def write_anothers_key(tls: TlsRig) -> None:
    made = make([SHOP])
    tls.folder.write("1", [SHOP], IssuedCertificate(made.chain, make([SHOP]).key, made.serial, made.not_after))


def write_no_certificate(tls: TlsRig) -> None:
    tls.folder.write("1", [SHOP], IssuedCertificate(b"no certificate\n", b"no key\n", 1, 2_000_000_000))


def write_for_another_name(tls: TlsRig) -> None:
    tls.folder.write("1", [SHOP], make(["blog.example.org"]))


def write_other_files_than_the_index_names(tls: TlsRig) -> None:
    row = tls.folder.rows["1"]
    tls.folder.write("1", [SHOP])
    tls.folder.rows["1"] = row


@pytest.mark.parametrize(
    "break_it",
    [
        lose_key,
        lose_chain,
        write_half_a_chain,
        write_anothers_key,
        write_no_certificate,
        write_for_another_name,
        write_other_files_than_the_index_names,
    ],
)
@pytest.mark.parametrize("when", ["running", "starting"])
def test_its_name_gets_the_default_one_and_no_siblings_wildcard(
    tls: TlsRig, break_it: Callable[[TlsRig], None], when: str
) -> None:
    wildcard = tls.folder.write("2", ["*.example.org"])
    if when == "starting":
        tls.rig.edge.stop()
    tls.folder.write("1", [SHOP])
    break_it(tls)
    tls.folder.publish()
    if when == "starting":
        tls.rig.edge.start()

    eventually(lambda: tls.serial("blog.example.org") == wildcard.serial)
    assert tls.is_default(SHOP)
    assert tls.metric("certificate_names_broken") == 1
    eventually(lambda: any("certificate 1" in fault for fault in tls.faults))


def test_it_is_served_once_it_is_repaired_without_a_change_of_the_index(tls: TlsRig) -> None:
    made = tls.folder.write("1", [SHOP])
    lose_key(tls)
    tls.folder.publish()
    eventually(lambda: tls.metric("certificate_names_broken") == 1)

    tls.folder.write("1", [SHOP], made)

    eventually(lambda: tls.serial(SHOP) == made.serial)
    assert tls.metric("certificate_names_broken") == 0


def test_the_one_before_serves_until_its_successor_can_be_used(tls: TlsRig) -> None:
    before = tls.folder.write("1", [SHOP])
    tls.publish()

    after = tls.folder.write("1", [SHOP])
    lose_key(tls)
    tls.folder.publish()
    eventually(lambda: tls.faults)
    assert tls.serial(SHOP) == before.serial

    tls.folder.write("1", [SHOP], after)
    eventually(lambda: tls.serial(SHOP) == after.serial)


def test_a_key_that_openssl_finds_too_short_gives_the_default_and_is_logged_once_a_worker(tls: TlsRig) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    tls.folder.write("1", [SHOP], make([SHOP], key=weak))
    tls.folder.publish()
    eventually(lambda: tls.metric("certificates") == 2)

    before = tls.metric("tls_handshakes_total", certificate="broken")
    assert all(tls.is_default(SHOP) for _ in range(20))
    eventually(lambda: tls.metric("tls_handshakes_total", certificate="broken") == before + 20)
    logged = [line for line in tls.rig.edge.errors.read_text().splitlines() if "can't be served" in line]
    assert 1 <= len(logged) <= 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "certificates": 7}', '"x"', "null"])
def test_an_index_that_cant_be_read_changes_nothing(tls: TlsRig, text: str) -> None:
    made = tls.folder.write("1", [SHOP])
    tls.publish()

    put(tls.folder.path / "index.json", text.encode())
    eventually(lambda: tls.metric("certificate_index_read") == 0)
    assert tls.serial(SHOP) == made.serial
    tls.rig.edge.reload()
    eventually(lambda: "can't be read, so what was loaded" in tls.rig.edge.errors.read_text())
    assert tls.serial(SHOP) == made.serial

    other = tls.folder.write("2", ["blog.example.org"])
    tls.publish()
    assert tls.serial("blog.example.org") == other.serial
    assert tls.metric("certificate_index_read") == 1


def test_a_missing_index_is_none_only_as_long_as_there_never_was_one(new_tls: TlsRig) -> None:
    tls = new_tls
    assert tls.metric("certificate_index_read") == 1
    made = tls.folder.write("1", [SHOP])
    tls.publish()

    (tls.folder.path / "index.json").unlink()

    eventually(lambda: tls.metric("certificate_index_read") == 0)
    assert tls.serial(SHOP) == made.serial


@pytest.mark.parametrize(
    ("id_", "row"),
    [
        ("../1", {"names": ["evil.example.org"], "sha256": "0" * 64}),
        ("default", {"names": ["evil.example.org"], "sha256": "0" * 64}),
        ("2", {"names": "evil.example.org", "sha256": "0" * 64}),
        ("2", {"names": ["evil.example.org|x"], "sha256": "0" * 64}),
        ("2", {"names": [], "sha256": "0" * 64}),
        ("2", {"names": ["evil.example.org"]}),
        ("2", 7),
    ],
)
def test_a_row_that_cant_be_understood_harms_no_other(tls: TlsRig, id_: str, row: object) -> None:
    made = tls.folder.write("1", [SHOP])
    index = {"version": 2, "certificates": {**tls.folder.rows, id_: row}, "hosts": {SHOP: {"https": "often"}}}
    put(tls.folder.path / "index.json", json.dumps(index).encode())

    eventually(lambda: tls.serial(SHOP) == made.serial)
    assert tls.is_default("evil.example.org")
    eventually(lambda: f"the index has a certificate that can't be understood: {id_}" in tls.faults)
    assert f"the index says of a host what can't be understood: {SHOP}" in tls.faults
