"""Which certificate a client gets, by the name that it says."""

from __future__ import annotations

from edge_certificates import TlsRig


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
