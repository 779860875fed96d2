"""The installations of tests get in nobody's way."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from slipway.settings import load
from tests.fixtures.ranges import POOLS, free_range


def test_an_installation_with_the_default_range_may_run_beside_the_tests() -> None:
    """Also where the host reaches everything else that tests would draw from."""
    default = load({}).subnets
    routes = [
        POOLS[0],
        POOLS[1],
        *(each for each in POOLS[2].subnets(new_prefix=16) if each != IPv4Network("10.9.0.0/16")),
    ]
    drawn = free_range(routes)
    assert drawn.subnet_of(IPv4Network("10.9.0.0/16"))
    assert not drawn.overlaps(default)
    assert not any(pool.overlaps(default) for pool in POOLS)


def test_what_the_host_reaches_is_left_alone() -> None:
    routes = [IPv4Network("10.224.0.0/12")]
    for _ in range(20):
        assert free_range(routes).subnet_of(IPv4Network("10.240.0.0/12"))


def test_a_host_that_reaches_everything_is_named() -> None:
    with pytest.raises(AssertionError, match="routes to all"):
        free_range([IPv4Network("0.0.0.0/0")])
