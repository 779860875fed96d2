"""Which images an app may name, and what stands for a credential."""

from __future__ import annotations

import pytest

from slipway.core.build import image_names
from slipway.core.naming import validation
from slipway.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "registry", "version"),
    [
        ("nginx", "docker.io", "latest"),
        ("nginx:1.27", "docker.io", "1.27"),
        ("acme/shop", "docker.io", "latest"),
        ("index.docker.io/acme/shop:2", "docker.io", "2"),
        ("registry.example/shop:1.4", "registry.example", "1.4"),
        ("Registry.Example:5000/a/b", "registry.example:5000", "latest"),
        ("localhost/shop:1", "localhost", "1"),
        (f"ghcr.io/acme/shop:1@sha256:{'a' * 64}", "ghcr.io", f"sha256:{'a' * 64}"),
    ],
)
def test_a_name_says_its_registry_and_what_is_wanted_of_it(text: str, registry: str, version: str) -> None:
    name = image_names.parse(text)
    assert (name.registry, name.version) == (registry, version)


def test_tags_of_pulled_and_of_built_images_differ() -> None:
    assert image_names.is_pulled(f"{image_names.pulled_namespace('main')}/0a1b:2c")
    assert image_names.parse(f"{image_names.pulled_namespace('main-')}/0a1b:2c").is_own
    assert not image_names.is_pulled("slipway/0a1b:2c")
    assert not image_names.is_pulled("registry.example/x-pulled/y:1")


@pytest.mark.parametrize(
    "name", ["slipway/0123", "slipway/main-pulled/0123:1", "docker.io/slipway/x", "localhost/slipway/x"]
)
def test_images_of_this_host_are_no_apps_source(name: str) -> None:
    with pytest.raises(InvalidInput, match="built here"):
        validation.image_name(name, ("public", "localhost"))


@pytest.mark.parametrize(
    "name", ["127.0.0.1:5000/a:1", "localhost:5000/a", "10.0.0.1/a", "192.168.1.1:80/a", "127.1/a"]
)
def test_a_registry_inside_takes_the_owners_word(name: str) -> None:
    for listed in ((), ("public",), ("public", "other.example")):
        with pytest.raises(InvalidInput, match="inside this host or network") as refused:
            validation.image_name(name, listed)
        assert "SLIPWAY_REGISTRIES" in refused.value.remedy
    registry = image_names.parse(name).registry
    assert validation.image_name(name, ("public", registry)) == name
    assert validation.image_name(name, (registry.partition(":")[0],)) == name


def test_without_public_only_what_is_listed_may_be_pulled_from() -> None:
    assert validation.image_name("registry.example/a:1", ("registry.example",)) == "registry.example/a:1"
    for name in ("nginx:1", "ghcr.io/a/b:1"):
        with pytest.raises(InvalidInput, match=r"images on .* are not allowed"):
            validation.image_name(name, ("registry.example",))
    assert validation.image_name("nginx:1", ("docker.io",)) == "nginx:1"


@pytest.mark.parametrize(
    "name", ["Acme/shop", "..", "a/..", "-x/a", "a.-b/c:1", "registry.example/", "x:", "x@sha256:1", "a:b:c"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not an image's name"):
        validation.image_name(name)


def test_a_credential_is_a_user_and_a_password() -> None:
    assert validation.registry_credential("acme:pass:word\n") == "acme:pass:word"
    for text in ("token", ":password", "user:", "user:pass\nword", "", "-----BEGIN KEY-----\nx:y\n"):
        with pytest.raises(InvalidInput) as refused:
            validation.registry_credential(text)
        assert "pass" not in refused.value.message.replace("user:password", "")


def test_a_tag_of_what_was_pulled_tells_which_deployment_pulled_it() -> None:
    tag = image_names.pulled_tag("main", "0a1b", 42, "sha256:" + "c" * 64)
    assert tag == "slipway/main-pulled/0a1b:42-cccccccccccc"
    assert (image_names.is_pulled(tag), image_names.is_built(tag), image_names.deployment_in(tag)) == (True, False, 42)
    assert image_names.is_built("slipway/0a1b:cccccccccccc")
    promoted = image_names.promoted_tag("0a1b", 43, "sha256:" + "c" * 64)
    assert (image_names.is_built(promoted), image_names.deployment_in(promoted)) == (True, 43)
    assert image_names.deployment_in("slipway/0a1b:cccccccccccc") is None
    others = ("cccccccccccc", "x-c", "-c", "1")
    assert {image_names.deployment_in(f"slipway/main-pulled/0a1b:{each}") for each in others} == {None}
