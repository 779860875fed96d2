"""What `.gitmodules` says, and where that leads."""

from __future__ import annotations

import pytest

from slipway.core.naming import repository_address
from slipway.core.sources.submodules import Declared, address, declared, gets_credential
from slipway.errors import InvalidInput

APP = "https://git.example:3000/acme/shop.git"


def test_submodules_are_known_by_their_path() -> None:
    entries = [
        "submodule.lib.path=vendor/lib/",
        "submodule.lib.url=../lib.git",
        "submodule.a.b.path=a.b",
        "submodule.a.b.url=https://x.example/a?b=c",
        "submodule.a.b.update=none",
        "submodule.nowhere.url=../x.git",
        "submodule.path=x",
        "core.bare=true",
        "nonsense",
    ]
    assert declared(entries) == {
        "vendor/lib": Declared("../lib.git"),
        "a.b": Declared("https://x.example/a?b=c", "none"),
    }
    assert [each.is_wanted for each in declared(entries).values()] == [True, False]


def test_of_several_values_the_last_counts() -> None:
    entries = ["submodule.a.path=a", "submodule.a.url=one", "submodule.a.url=two"]
    assert declared(entries)["a"].url == "two"


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [
        ("../lib.git", "https://git.example:3000/acme/lib.git"),
        ("../../other/lib.git", "https://git.example:3000/other/lib.git"),
        ("./lib.git", "https://git.example:3000/acme/shop.git/lib.git"),
        ("./../lib", "https://git.example:3000/acme/lib"),
        ("https://other.example/a/b", "https://other.example/a/b"),
        ("git@other.example:a/b.git", "ssh://git@other.example/a/b.git"),
        ("git@git.example:a/b.git", "https://git.example:3000/a/b.git"),
        ("ssh://git@git.example:2222/a/b.git", "https://git.example:3000/a/b.git"),
    ],
)
def test_where_a_submodule_is(url: str, leads_to: str) -> None:
    app = repository_address.parse(APP)
    assert address(url, app, app).url == leads_to


def test_of_an_app_over_ssh_a_relative_address_is_over_ssh() -> None:
    app = repository_address.parse("git@git.example:acme/shop.git")
    assert address("../lib.git", app, app).url == "ssh://git@git.example/acme/lib.git"


@pytest.mark.parametrize(
    "url",
    [
        "../..",
        "../../..",
        "../../../x",
        "../a/../b",
        "../a//b",
        "../a\\b",
        "../a b",
        "../%2e%2e/x",
        "file:///x",
        "/x",
        "x",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    app = repository_address.parse(APP)
    with pytest.raises(InvalidInput):
        address(url, app, app)


@pytest.mark.parametrize(
    ("url", "gets_it"),
    [
        ("https://git.example:3000/other/lib.git", True),
        ("http://git.example:3000/acme/lib.git", False),
        ("https://git.example/acme/lib.git", False),
        ("https://git.example:3001/acme/lib.git", False),
        ("https://git.example.org:3000/acme/lib.git", False),
        ("ssh://git@git.example:3000/acme/lib.git", False),
    ],
)
def test_the_credential_goes_to_the_very_host_scheme_and_port_alone(url: str, gets_it: bool) -> None:
    assert gets_credential(repository_address.parse(url), repository_address.parse(APP), 1) is gets_it


def test_a_deploy_key_goes_to_the_same_login_alone() -> None:
    app = repository_address.parse("git@git.example:acme/shop.git")
    assert gets_credential(repository_address.parse("git@git.example:acme/lib.git"), app, 1)
    assert not gets_credential(repository_address.parse("root@git.example:acme/lib.git"), app, 1)


def test_the_credential_is_for_submodules_that_the_apps_own_repository_names() -> None:
    app = repository_address.parse(APP)
    assert [gets_credential(app, app, depth) for depth in (1, 2, 3)] == [True, False, False]
