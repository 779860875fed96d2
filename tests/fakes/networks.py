"""The Docker Engine's networks as records: overlaps are refused."""

from __future__ import annotations

from ipaddress import IPv4Network

from slipway.errors import SubnetTaken


class FakeNetworks:
    def __init__(self) -> None:
        self.subnets: dict[str, str] = {}
        """Network → its range; a test adds those of others."""

    def ensure(self, tenant: str, subnet: str) -> None:
        others = (IPv4Network(taken) for other, taken in self.subnets.items() if other != tenant)
        if any(IPv4Network(subnet).overlaps(other) for other in others):
            raise SubnetTaken(f"{subnet} overlaps with another network")
        self.subnets[tenant] = subnet
