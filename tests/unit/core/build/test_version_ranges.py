"""Ranges of versions as Node's and PHP's package managers write them, for the images that there are."""

from __future__ import annotations

import pytest

from slipway.core.build.templates.of_node import package
from slipway.core.build.templates.of_php import versions


@pytest.mark.parametrize(
    ("wanted", "majors"),
    [
        ("20", [20]),
        ("v20.11.1", [20]),
        ("20.x", [20]),
        ("~20.1", [20]),
        ("^18.17.0 || >=20.5", [18, 20, 22, 24]),
        (">=18", [18, 20, 22, 24]),
        (">=18 <21", [18, 20]),
        (">=18.0.0 <20.0.0", [18]),
        (">= 18 <= 20", [18, 20]),
        (">18", [20, 22, 24]),
        (">18.2", [18, 20, 22, 24]),
        ("<20.5", [16, 18, 20]),
        ("18 - 20", [18, 20]),
        ("*", [16, 18, 20, 22, 24]),
        ("x", [16, 18, 20, 22, 24]),
        ("lts/*", [16, 18, 20, 22, 24]),
        ("lts/iron", [20]),
        ("lts/unknown", []),
        ("node", [16, 18, 20, 22, 24]),
        ("", [16, 18, 20, 22, 24]),
        ("whatever", []),
    ],
)
def test_a_range_of_nodes_versions(wanted: str, majors: list[int]) -> None:
    assert [major for major in (16, 18, 20, 22, 24) if package.accepts(wanted, major)] == majors


@pytest.mark.parametrize(
    ("wanted", "minors"),
    [
        (">=8.1", ["8.1", "8.2", "8.3", "8.4"]),
        ("^8.2", ["8.2", "8.3", "8.4"]),
        ("^7.4 || ^8.3", ["7.4", "8.3", "8.4"]),
        ("^7.4|^8.3", ["7.4", "8.3", "8.4"]),
        ("~8.1.0", ["8.1"]),
        ("~8.1", ["8.1", "8.2", "8.3", "8.4"]),
        ("8.2.*", ["8.2"]),
        ("8.2", ["8.2"]),
        ("8", ["8.0", "8.1", "8.2", "8.3", "8.4"]),
        (">=8.1 <8.3", ["8.1", "8.2"]),
        (">=8.1,<=8.3", ["8.1", "8.2", "8.3"]),
        ("!=8.0.5", ["7.4", "8.0", "8.1", "8.2", "8.3", "8.4"]),
    ],
)
def test_a_range_of_phps_versions(wanted: str, minors: list[str]) -> None:
    assert [minor for minor in ("7.4", "8.0", "8.1", "8.2", "8.3", "8.4") if versions.accepts(wanted, minor)] == minors


def test_a_range_without_a_version_asks_for_none() -> None:
    assert versions.wanted("*", "composer.json") is None
