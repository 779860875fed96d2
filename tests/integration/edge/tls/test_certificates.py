"""Which certificate a client gets, by the name that it says."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from edge_certificates import TlsRig, client, running_tls

from tests.fixtures.certificates import IssuedCertificate, make, put
from tests.fixtures.waiting import eventually


def test_each_name_gets_its_certificate(tls: TlsRig) -> None:
    shop = tls.folder.write("1", ["shop.example.org", "www.shop.example.org"])
    blog = tls.folder.write("2", ["blog.example.org"])
    tls.publish()

    assert tls.serial("shop.example.org") == tls.serial("www.shop.example.org") == shop.serial
    assert tls.serial("SHOP.example.ORG") == shop.serial
    assert tls.serial("blog.example.org") == blog.serial


def test_an_exact_name_comes_before_a_wildcard_which_is_for_one_label(tls: TlsRig) -> None:
    wildcard = tls.folder.write("1", ["*.example.org"])
    exact = tls.folder.write("2", ["shop.example.org"])
    tls.publish()

    assert tls.serial("shop.example.org") == exact.serial
    assert tls.serial("blog.example.org") == wildcard.serial
    assert tls.is_default("a.blog.example.org")
    assert tls.is_default("example.org")


def test_who_asks_for_nobodys_name_gets_the_default(tls: TlsRig) -> None:
    tls.folder.write("1", ["shop.example.org"])
    tls.publish()

    assert tls.is_default("other.example.org")
    assert tls.is_default(None)
    assert tls.is_default("slipway.invalid")


def test_a_bare_address_has_its_certificate_though_its_clients_name_no_host(tls: TlsRig) -> None:
    address = tls.folder.write("1", ["127.0.0.1"])
    tls.publish()

    assert tls.serial(None) == tls.serial("127.0.0.1") == address.serial
    assert tls.is_default("shop.example.org")


def test_behind_a_translation_of_addresses_any_addresss_certificate_answers(tls: TlsRig) -> None:
    tls.folder.write("1", ["2001:db8::1"])
    address = tls.folder.write("2", ["192.0.2.1"])
    tls.folder.publish()

    eventually(lambda: tls.serial(None) == address.serial)


def test_of_two_certificates_for_a_name_the_one_that_expires_last_serves(tls: TlsRig) -> None:
    tls.folder.write("1", ["shop.example.org"], make(["shop.example.org"], days=3))
    later = tls.folder.write("2", ["shop.example.org"], make(["shop.example.org"], days=9))
    tls.folder.write("3", ["shop.example.org"], make(["shop.example.org"], days=6))
    tls.folder.publish()

    eventually(lambda: tls.serial("shop.example.org") == later.serial)


def test_the_operators_certificate_serves_all_its_names_and_is_followed(tmp_path: Path) -> None:
    def write(made: IssuedCertificate) -> IssuedCertificate:
        put(tmp_path / "own.pem", made.chain)
        put(tmp_path / "own.key", made.key)
        return made

    names = ["slipway.example.org", "*.apps.example.org"]
    first = write(make(names))
    environ = {"SLIPWAY_TLS_CERTIFICATE": f"{tmp_path}/own.pem", "SLIPWAY_TLS_KEY": f"{tmp_path}/own.key"}
    with running_tls(environ) as tls:
        assert tls.serial("slipway.example.org") == tls.serial("shop.apps.example.org") == first.serial
        exact = tls.folder.write("1", ["shop.apps.example.org"])
        tls.publish()
        assert tls.serial("shop.apps.example.org") == exact.serial

        second = write(make(names))
        eventually(lambda: tls.serial("slipway.example.org") == second.serial)
        assert tls.serial("blog.apps.example.org") == second.serial


def test_a_removed_certificate_is_served_no_longer(tls: TlsRig) -> None:
    tls.folder.write("1", ["shop.example.org"])
    tls.folder.write("2", ["blog.example.org"])
    tls.publish()

    del tls.folder.rows["1"]
    tls.folder.publish()

    eventually(lambda: tls.is_default("shop.example.org"))
    assert tls.is_in_force()
    assert tls.metric("certificates") == 2  # with the default one


def test_unknown_names_take_no_memory_and_evict_nothing(tls: TlsRig) -> None:
    shop = tls.folder.write("1", ["shop.example.org"])
    tls.publish()
    counted = tls.metric("tls_handshakes_total", certificate="none")
    free = tls.metric("shared_memory_free_bytes", dictionary="slipway_certificates")

    for number in range(150):
        assert tls.is_default(f"unknown-{number}.example.org")

    assert tls.metric("shared_memory_free_bytes", dictionary="slipway_certificates") == free
    assert tls.serial("shop.example.org") == shop.serial
    eventually(lambda: tls.metric("tls_handshakes_total", certificate="none") >= counted + 150)


def test_hundreds_of_certificates_are_there_when_the_edge_starts_and_when_one_changes(tls: TlsRig) -> None:
    for number in range(300):
        tls.folder.write(str(number), [f"host-{number}.example.org"])
    tls.folder.publish()
    eventually(lambda: tls.metric("certificates") == 301)

    tls.rig.edge.stop()
    tls.rig.edge.start()
    assert tls.serial("host-299.example.org") == int(tls.folder.rows["299"]["serial"], 16)

    changed = tls.folder.write("200", ["host-200.example.org"])
    tls.folder.publish()
    eventually(lambda: tls.serial("host-200.example.org") == changed.serial)


def test_protocols_and_ciphers_are_mozillas_intermediate(tls: TlsRig) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with tls.connect("shop.example.org", client(version)) as connection:
            assert connection.version() == version.name.replace("_", ".")
    for refused in ("-tls1", "-tls1_1", "-tls1_2 -cipher AES128-GCM-SHA256", "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA"):
        command = f"openssl s_client -connect 127.0.0.1:{tls.port} {refused}".split()
        assert subprocess.run(command, input=b"", capture_output=True, check=False).returncode != 0
