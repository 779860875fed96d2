"""A build reaches its own stages, listed base images and registries; nothing else of the host."""

from __future__ import annotations

import pytest

from slipway.core.build import dockerfile, dockerfile_policy
from slipway.core.build.dockerfile_policy import Rules, expand
from slipway.errors import InvalidInput

RULES = Rules(frozenset({"python", "debian"}), frozenset({"docker/dockerfile"}))


def foreign(text: str, **arguments: str) -> list[str]:
    read = dockerfile.parse(text.encode())
    return [use.image for use in dockerfile_policy.foreign_images(read, RULES, arguments)]


def frontend(text: str) -> str | None:
    return dockerfile_policy.frontend(dockerfile.parse(text.encode()), RULES)


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.11-slim",
        "FROM docker.io/library/debian",
        "FROM --platform=$BUILDPLATFORM python AS build\nFROM build",
        "FROM python AS Build\nFROM scratch\nCOPY --from=build /a /a\nCOPY --from=0 /a /b",
        "FROM python AS a\nFROM debian\nRUN --mount=type=bind,from=a,target=/x true",
        "ARG V=3.11\nARG BASE=python:${V}-slim\nFROM $BASE",
        "ARG V\nFROM python:${V:-3.11}",
        "FROM python\nRUN --network=none true\nRUN --security=sandbox true",
        "FROM python\nRUN --mount=type=secret,id=TOKEN true\nRUN --mount=type=cache,id=pip,target=/c true",
        'FROM python\nADD a.tar /x\nADD ["b c", "/x"]',
        "FROM python\nONBUILD COPY --from=debian /a /b",
    ],
)
def test_what_is_its_own_or_listed_is_allowed(text: str) -> None:
    assert foreign(text) == []


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("FROM acme/base:1", "acme/base:1"),
        ("FROM python\nCOPY --from=acme/tools /a /b", "acme/tools"),
        ("FROM python\nRUN --mount=from=acme/tools,target=/x true", "acme/tools"),
        ('FROM python\nRUN --mount=type=bind,"from=acme/tools",target=/x true', "acme/tools"),
        ("FROM python\nONBUILD COPY --from=acme/tools /a /b", "acme/tools"),
        ("FROM later\nFROM python AS later", "later"),
        ("FROM registry.example/python", "registry.example/python"),
        ("FROM python@sha256:" + "a" * 64, "python@sha256:" + "a" * 64),
    ],
)
def test_what_is_foreign_is_named(text: str, image: str) -> None:
    assert foreign(text) == [image]


@pytest.mark.parametrize(
    "text",
    [
        "FROM slipway/0123456789abcdef",
        "FROM docker.io/slipway/0123:1",
        "FROM python\nCOPY --from=slipway/0123:1 /app /stolen",
        'FROM python\nCOPY --from="slip"way/0123:1 /app /stolen',
        "FROM python\nRUN --mount=type=bind,from=slipway/0123,target=/x true",
        "FROM sha256:" + "a" * 64,
        "FROM " + "a" * 64,
        'FROM "slipway"/x',
        "ARG B=slipway/x\nFROM ${B}",
        "ARG B\nFROM $B",
        "FROM ${B}",
        "FROM python:${V#v}",
        "FROM python\nCOPY --from=$B /a /b",
        "FROM python\nCOPY --from=1 /a /b",
        "FROM python\nRUN --network=host true",
        "FROM python\nRUN --security=insecure true",
        "FROM python\nRUN --device=nvidia true",
        "FROM python\nRUN --mount=type=cache,id=../other,target=/c true",
        "FROM python\nADD http://127.0.0.1:6379/ /x",
        'FROM python\nADD "ht"tp://127.0.0.1/ /x',
        'FROM python\nADD ["http://127.0.0.1/", "/x"]',
        "FROM python\nARG U=http://127.0.0.1\nADD $U /x",
        "FROM python\nADD git@github.com:acme/private.git /x",
        "FROM python\nONBUILD ADD http://127.0.0.1/ /x",
        "ARG TARGETARCH=slipway\nFROM python",
        "FROM a b c d",
        "FROM python AS ../x",
    ],
)
def test_what_reaches_beyond_the_build_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"Dockerfile line \d+") as refused:
        foreign(text)
    assert refused.value.remedy


def test_a_given_argument_goes_before_its_default() -> None:
    assert foreign("ARG BASE=python\nFROM $BASE", BASE="acme/base") == ["acme/base"]


@pytest.mark.parametrize(
    "syntax", ["evil/frontend", "docker/dockerfile-upstream", "docker/dockerfile:1 x", "$X", "sha256:" + "a" * 64]
)
def test_a_frontend_that_is_not_listed_is_refused(syntax: str) -> None:
    with pytest.raises(InvalidInput, match="syntax"):
        frontend(f"# syntax={syntax}\nFROM python\n")


def test_a_listed_frontend_is_kept() -> None:
    assert frontend("#syntax=docker.io/docker/dockerfile:1.7\nFROM python\n") == "docker.io/docker/dockerfile:1.7"
    assert frontend("FROM python\n") is None


@pytest.mark.parametrize(
    ("image", "major", "reads"),
    [
        (None, 20, False),
        (None, 23, True),
        ("docker/dockerfile:1", 20, True),
        ("docker/dockerfile", 20, True),
        ("docker/dockerfile:1.2", 20, False),
        ("docker/dockerfile:1.10-labs", 20, True),
    ],
)
def test_whether_heredocs_are_read_depends_on_the_frontend(image: str | None, major: int, reads: bool) -> None:
    assert dockerfile_policy.reads_heredocs(image, major) is reads


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A", "1"),
        ("x${A}y", "x1y"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${N-d}", "d"),
        ("${A:+y}", "y"),
        ("${N:+y}", ""),
    ],
)
def test_variables_are_put_in_as_buildkit_does(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "E": ""}) == expanded
