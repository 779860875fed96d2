"""One image has many names; an id is none."""

from __future__ import annotations

import pytest

from slipway.core.build.image_names import host_and_port, parse
from slipway.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "name", "tag"),
    [
        ("python", "python", ""),
        ("python:3.11-slim", "python", "3.11-slim"),
        ("docker.io/library/python:3", "python", "3"),
        ("index.docker.io/library/python", "python", ""),
        ("library/python", "python", ""),
        ("DOCKER.IO/library/python", "python", ""),
        ("docker.io/acme/base:1", "acme/base", "1"),
        ("registry.example:5000/acme/base:1", "registry.example:5000/acme/base", "1"),
        ("registry.example/python", "registry.example/python", ""),
    ],
)
def test_names_are_known_by_their_short_form(text: str, name: str, tag: str) -> None:
    parsed = parse(text)
    assert (parsed.name, parsed.tag) == (name, tag)


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "a" * 64,
        "a" * 64,
        "1fda5fa781d3",
        "",
        'py"thon"',
        "python:$TAG",
        "py\\thon",
        "--from",
        "python slim",
        "python@sha256:abc",
    ],
)
def test_an_id_or_a_trick_is_no_name(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)


@pytest.mark.parametrize("text", ["slipway/0123", "docker.io/slipway/0123:latest", "localhost/slipway/0123"])
def test_images_that_were_built_for_apps_are_recognised(text: str) -> None:
    assert parse(text).is_own


def test_an_image_that_only_sounds_alike_is_not_our_own() -> None:
    assert not parse("acme/slipway-docs").is_own


def test_a_port_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a registry's host and port"):
        host_and_port(f"registry.example:{'1' * 5000}")
