"""What names, addresses and paths may look like."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import pytest

from slipway.core.naming import validation
from slipway.errors import InvalidInput

Check = Callable[[str], str]


@pytest.mark.parametrize("name", ["a", "shop", "shop-2", "a1b2", "x" * 40])
def test_a_slug_is_a_dns_label(name: str) -> None:
    assert validation.slug(name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "1a", "A", "a_b", "a.b", "a--b", "x" * 41, "ä", "a\n", "a b", "a/b", "\0", "xn--a"]
)
def test_what_is_no_slug_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="can't be a tenant") as refused:
        validation.slug(name, "tenant's name")
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["slipway", "www", "api", "console", "webhooks"])
def test_the_platforms_own_names_are_no_apps(name: str) -> None:
    with pytest.raises(InvalidInput, match="kept for the platform"):
        validation.app_name(name)


def test_an_apps_name_is_a_slug() -> None:
    assert validation.app_name("shop") == "shop"
    with pytest.raises(InvalidInput, match="app's name"):
        validation.app_name("Shop")


@pytest.mark.parametrize("sha", ["0123456789abcdef" * 2 + "01234567", "a" * 64])
def test_a_commit_id_is_whole(sha: str) -> None:
    assert validation.commit_sha(sha) == sha


@pytest.mark.parametrize("sha", ["", "abc", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "a" * 40 + "\n", "-" * 40])
def test_what_is_no_whole_commit_id_is_refused(sha: str) -> None:
    with pytest.raises(InvalidInput, match="not a full commit id"):
        validation.commit_sha(sha)


@pytest.mark.parametrize(
    "name", ["main", "feature/x", "größe", "release-1.2", "a/b/c", "x" * 250, "日本語", "user@host", "#1", "a{b"]
)
def test_a_branch_has_any_name_that_git_allows(name: str) -> None:
    assert validation.branch(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "-b", "--upload-pack=x", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "a..b", "a@{b"),
        *("@", "a b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a\nb", "a\0b", "a\x7fb", "x" * 251, "ö" * 126),
        "\ud800",
    ],
)
def test_what_git_refuses_is_no_branch(name: str) -> None:
    with pytest.raises(InvalidInput, match="can't be a branch's name"):
        validation.branch(name)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://github.com/acme/shop.git", "https://github.com/acme/shop.git"),
        ("  https://github.com/acme/shop ", "https://github.com/acme/shop"),
        ("git@github.com:acme/shop.git", "ssh://git@github.com/acme/shop.git"),
        ("ssh://git@git.example.org:2222/acme/shop.git", "ssh://git@git.example.org:2222/acme/shop.git"),
        ("http://git.example.org:3000/acme/shop.git", "http://git.example.org:3000/acme/shop.git"),
        ("https://[2606:4700::1111]/acme/shop", "https://[2606:4700::1111]/acme/shop"),
        ("https://[2606:4700:0:0::0:1111]/acme/shop", "https://[2606:4700::1111]/acme/shop"),
        ("https://GitHub.com./acme/sh%6fp%20x", "https://github.com/acme/shop%20x"),
        ("https://Bücher.example/größe", "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe"),
        ("https://faß.example/a", "https://xn--fa-hia.example/a"),
        ("git@github.com:acme/100%25.git", "ssh://git@github.com/acme/100%2525.git"),
    ],
)
def test_a_clone_address_is_kept_in_one_form(given: str, kept: str) -> None:
    assert validation.repository_url(given) == kept


@pytest.mark.parametrize(
    "url",
    [
        *("", "shop", "acme/shop", "/srv/git/shop.git", "file:///etc", "ext::sh -c id", "git://github.com/a/b"),
        *("ftp://github.com/a/b", "https://", "https:///a/b", "https://github.com", "https://github.com/"),
        *("--upload-pack=id", "-oProxyCommand=id", "ssh://-oProxyCommand=id/a", "git@-host:a/b"),
        *("https://github.com/a b", "https://github.com/a\n/b", "https://github.com/a\\b", "https://github.com/a\0b"),
        *("https://github.com/a/b?x=1", "https://github.com/a/b#x", "https://github.com//-x"),
        *("https://[::1", "https://[x]/a", "https://github.com:99999/a/b", "https://github.com:x/a/b"),
        "https://github.com/a/\ud800",
    ],
)
def test_what_is_no_clone_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        validation.repository_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@github.com/a/b",
        "https://me:secret@github.com",
        "https://token@github.com/a/b",
        "ssh://a:b@h.org/c",
    ],
)
def test_a_credential_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput, match="holds a credential") as refused:
        validation.repository_url(url)
    assert "secret" not in str(refused.value.problem())
    assert "--credential-file" in refused.value.remedy


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        *((host, host) for host in ("localhost", "a.localhost", "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1")),
        *((host, host) for host in ("0.0.0.0", "169.254.169.254", "100.64.0.1", "[::1]", "[fe80::1]", "[fd00::1]")),
        *(("LOCALHOST", "localhost"), ("localhost.", "localhost"), ("127.0.0.1.", "127.0.0.1")),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    ],
)
def test_a_host_inside_is_refused_unless_its_owner_allows_it(host: str, kept: str) -> None:
    url = f"https://{host}/a/b.git"
    with pytest.raises(InvalidInput, match="inside this host or network"):
        validation.repository_url(url)
    for listed in (kept.strip("[]"), kept, f"{kept}:443", kept.upper()):
        assert validation.repository_url(url, (listed,)) == f"https://{kept}/a/b.git"


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0x7F000001", "127.0.0.1.1"])
def test_other_ways_to_write_an_address_are_refused_whatever_is_allowed(host: str) -> None:
    for listed in ((), ("public",), (host.lower(),)):
        with pytest.raises(InvalidInput, match="inside this host or network"):
            validation.repository_url(f"https://{host}/a/b.git", listed)


def test_a_listed_host_may_be_written_in_its_own_script() -> None:
    url = "https://xn--bcher-kva.example:3000/a/b"
    assert validation.repository_url(url, ("Bücher.example:3000",)) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Acme/Shop.git",
        "https://github.com/acme/shop",
        "https://github.com/acme/shop/",
        "https://GITHUB.com/acme/shop.git",
        "git@github.com:acme/shop.git",
        "ssh://git@github.com/acme/shop.git",
        "ssh://git@github.com:22/acme/shop.git",
        "https://github.com:443/acme/shop.git",
        "http://github.com:80/acme/shop.git",
        "https://x-access-token:secret@github.com/acme/shop.git",
        "https://GitHub.com./acme/sh%6Fp",
    ],
)
def test_one_repository_has_one_identity(url: str) -> None:
    assert validation.repository_identity(url) == "github.com/acme/shop"


def test_another_port_is_another_forge() -> None:
    assert validation.repository_identity("http://127.0.0.1:3000/a/b.git") == "127.0.0.1:3000/a/b"


@pytest.mark.parametrize("url", ["/srv/git/shop.git", "https://me:secret@host:0/a", "ssh://me:secret@host/a"])
def test_what_has_no_identity_stands_for_itself_without_its_credential(url: str) -> None:
    identity = validation.repository_identity(url)
    assert identity
    assert "secret" not in identity


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("shop.example.org", "shop.example.org"),
        (" Shop.Example.ORG. ", "shop.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("a。example。org", "a.example.org"),
        ("ｓｈｏｐ.example.org", "shop.example.org"),
        ("shop.localhost", "shop.localhost"),
        ("shop.internal", "shop.internal"),
        ("acme.github.io", "acme.github.io"),
        ("a--b.example.org", "a--b.example.org"),
        ("1.example.org", "1.example.org"),
    ],
)
def test_a_domain_is_kept_in_its_ascii_form(given: str, kept: str) -> None:
    assert validation.domain(given) == kept
    assert validation.domain(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "127.1", "127.0.0.1.", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "0X7F000001", "2130706433"),
        *("017700000001", "1.2.3.0x4", "999.999.999.999", "example.123", "１２７.0.0.1", "127。0。0。1", "127.0.0.1。"),
        *("::1", "[::1]", "2001:db8::1", "::ffff:127.0.0.1", "fe80::1%eth0", "[2001:DB8::1]"),
    ],
)
def test_an_address_is_no_domain_however_it_is_written(text: str) -> None:
    with pytest.raises(InvalidInput, match="is an address") as refused:
        validation.domain(text)
    assert "app.example.org" in refused.value.remedy


@pytest.mark.parametrize("text", ["com", "COM.", "localhost", "intranet", "xn--p1ai", "рф", "a"])
def test_a_single_label_is_no_domain(text: str) -> None:
    with pytest.raises(InvalidInput, match="is a single label"):
        validation.domain(text)


@pytest.mark.parametrize(
    "text", ["co.uk", "CO.UK.", "com.au", "foo.ck", "github.io", "s3.amazonaws.com", "公司.cn", "xn--55qx5d.cn"]
)
def test_what_everybody_registers_names_below_is_no_domain(text: str) -> None:
    with pytest.raises(InvalidInput, match="is a public suffix"):
        validation.domain(text)


@pytest.mark.parametrize(
    "text",
    [
        *("*.com", "*.co.uk", "*", "*.", "*.*.shop.example", "a.*.shop.example", "*x.shop.example", "*.203.0.113.9"),
        *("**.shop.example", "*." + "a" * 63 + "." + ".".join(["b" * 60] * 3) + ".example"),
    ],
)
def test_wildcards_that_cannot_be(text: str) -> None:
    with pytest.raises(InvalidInput):
        validation.domain_or_wildcard(text)


def test_a_wildcard_stands_for_the_names_below_a_domain() -> None:
    assert validation.domain_or_wildcard(" *.Bücher.Example. ") == "*.xn--bcher-kva.example"
    assert validation.domain_or_wildcard("shop.example") == "shop.example"


def test_a_host_that_is_no_domain_any_more_can_still_be_named() -> None:
    assert validation.host_name("COM.") == "com"
    assert validation.host_name("127.0.0.1") == "127.0.0.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "a..b",
        "-a.org",
        "a-.org",
        "*.org",
        "a_b.org",
        "a b.org",
        "a/b.org",
        "http://a.org",
        "a.org:80",
        "x" * 64 + ".org",
        "a." * 140 + "org",
        "a.org..",
        "xn--zzzzzzzz.org",
        "a\u200d.org",
        "a\u202e.org",
        "\ud800.org",
    ],
)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a host name"):
        validation.domain(text)


@pytest.mark.parametrize("path", ["/", "/health", "/health?deep=1", "/ä"])
def test_a_path_begins_with_a_slash(path: str) -> None:
    assert validation.url_path(path) == path


@pytest.mark.parametrize("path", ["", "health", "/a b", "/a\r\nHost: x", "/a\\b", "/a#b", "/" + "x" * 1024, "/\0"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="not a path"):
        validation.url_path(path)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("", "."), (".", "."), ("services/api/", "services/api"), ("/a", "a"), ("my app/Dockerfile", "my app/Dockerfile")],
)
def test_a_path_in_a_repository_is_relative(given: str, kept: str) -> None:
    assert validation.repository_path(given) == kept


@pytest.mark.parametrize("path", ["..", "../a", "a/../b", "a/..", "-a", "a\nb", "a\0", "a//b", "a;b", "ä"])
def test_a_path_never_leaves_the_repository(path: str) -> None:
    with pytest.raises(InvalidInput, match="can't be the path"):
        validation.repository_path(path)


@pytest.mark.parametrize("name", ["A", "_x", "DATABASE_URL", "a1"])
def test_a_variable_is_named_as_shells_name_it(name: str) -> None:
    assert validation.variable_name(name) == name


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "x" * 129, "PORT"])
def test_what_is_no_variables_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        validation.variable_name(name)
    assert refused.value.remedy


@pytest.mark.parametrize(
    "name", ["python:3.11-slim", "ghcr.io/acme/app@sha256:" + "a" * 64, "registry.example:5000/a/b:c"]
)
def test_an_image_has_a_name(name: str) -> None:
    assert validation.image_name(name) == name


@pytest.mark.parametrize("name", ["", "-rm", "a b", "a;b", "../a", "a..b", "a\n", "x" * 256, "\u212a", "\u017f"])
def test_what_is_no_images_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not an image's name"):
        validation.image_name(name)


@pytest.mark.parametrize("name", ["web", "Final_Stage", "a.b-c_d", "release-1.2", "x" * 60])
def test_a_stage_is_named_as_buildkit_names_it(name: str) -> None:
    assert validation.stage_name(name) == name


@pytest.mark.parametrize("name", ["", "-x", "_x", "1a", "0", "a b", "a/b", "a\n", "--target", "é", "x" * 129])
def test_what_can_name_no_stage_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="can't name a stage"):
        validation.stage_name(name)


CHECKS: list[Check] = [
    validation.slug,
    validation.stage_name,
    validation.app_name,
    validation.commit_sha,
    validation.branch,
    validation.repository_url,
    validation.domain,
    validation.url_path,
    validation.repository_path,
    validation.variable_name,
    validation.image_name,
]


@cache
def any_texts() -> list[str]:
    chance = random.Random(7)
    letters = "ab1-._/:@ ?#[]{}\\~^*\"'`$;|&<>\n\r\t\0éß\u2028\ud800😀https"
    return ["".join(chance.choices(letters, k=chance.randint(0, 30))) for _ in range(3000)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_any_text_is_kept_or_refused_and_what_is_kept_can_be_stored(check: Check) -> None:
    for text in any_texts():
        for given in (text, "https://a.org/" + text, "https://" + text, "git@a.org:" + text):
            try:
                kept = check(given)
            except InvalidInput as refused:
                refused.message.encode()
            else:
                assert "\0" not in kept.encode().decode()
                assert not kept.startswith("-")
                assert "\n" not in kept


def test_an_address_inside_is_refused_with_the_line_that_allows_it() -> None:
    for allowed, hosts in ((), "public,127.0.0.1:8085"), (("public", "10.0.0.7"), "public,10.0.0.7,127.0.0.1:8085"):
        with pytest.raises(InvalidInput) as refused:
            validation.repository_url("http://127.0.0.1:8085/demo/hello.git", allowed)
        assert refused.value.remedy == f"the host's owner allows it: SLIPWAY_GIT_HOSTS={hosts} in .env, then make up"
