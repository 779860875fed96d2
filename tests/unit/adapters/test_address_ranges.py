"""Networks of tenants and addresses of replicas."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from slipway.adapters.docker.address_ranges import free_subnet, next_address
from slipway.errors import DeploymentFailed

WHOLE = IPv4Network("10.210.0.0/16")
SMALL = IPv4Network("10.210.3.0/29")  # .2 to .6 for replicas


def test_the_first_subnet_that_no_tenant_has() -> None:
    taken = [IPv4Network("10.210.0.0/24"), IPv4Network("10.210.1.0/24")]
    assert free_subnet(WHOLE, 24, taken=taken, routes=[]) == IPv4Network("10.210.2.0/24")


def test_what_the_host_reaches_elsewhere_is_passed_over() -> None:
    routes = [IPv4Network("10.210.0.0/23")]
    assert free_subnet(WHOLE, 24, taken=[], routes=routes) == IPv4Network("10.210.2.0/24")


def test_a_route_over_the_whole_range_is_named() -> None:
    with pytest.raises(DeploymentFailed, match=r"10\.0\.0\.0/8") as raised:
        free_subnet(WHOLE, 24, taken=[], routes=[IPv4Network("10.0.0.0/8")])
    assert raised.value.reason == "start-refused"
    assert "SLIPWAY_SUBNETS" in raised.value.remedy


def test_no_subnet_is_left() -> None:
    with pytest.raises(DeploymentFailed, match="given to tenants"):
        free_subnet(IPv4Network("10.210.0.0/24"), 24, taken=[IPv4Network("10.210.0.0/24")], routes=[])


def test_neither_network_nor_bridge_nor_broadcast_is_given() -> None:
    given: list[str] = []
    for _ in range(5):
        given.append(next_address(SMALL, taken=given, last=None))
    assert given == ["10.210.3.2", "10.210.3.3", "10.210.3.4", "10.210.3.5", "10.210.3.6"]
    with pytest.raises(DeploymentFailed, match="no free address"):
        next_address(SMALL, taken=given, last=None)


def test_addresses_go_round_so_that_each_is_used_as_late_as_can_be() -> None:
    assert next_address(SMALL, taken=[], last="10.210.3.4") == "10.210.3.5"
    assert next_address(SMALL, taken=["10.210.3.5"], last="10.210.3.4") == "10.210.3.6"
    assert next_address(SMALL, taken=[], last="10.210.3.6") == "10.210.3.2"
