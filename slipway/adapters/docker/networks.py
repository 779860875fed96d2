"""A tenant's own bridge network."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from slipway.adapters.docker.engine import DockerEngine, sentence
from slipway.adapters.linux.bridge_names import bridge_name, network_name
from slipway.errors import HostUnready, SubnetTaken

INSTANCE_LABEL = "slipway.instance"
TENANT_LABEL = "slipway.tenant"


class TenantNetworks:
    """Makes and removes tenants' networks."""

    def __init__(self, engine: DockerEngine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    def ensure(self, tenant: str, subnet: str) -> None:
        """Have the tenant's network on `subnet`. An empty one on another subnet gives way.

        Raises:
            SubnetTaken: another network, or what the Engine remembers of one, has the range.
            HostUnready: something else on the host has the name or the bridge.
        """
        name = network_name(self._instance, tenant)
        with self._engine.asked_to(f"make the network {name}") as api:
            found = _inspect(api, name)
            if found and self._serves(found, subnet):
                return
            try:
                if found:
                    api.remove_network(found["Id"])
                self._create(api, name, tenant, IPv4Network(subnet))
            except APIError as error:
                # Another thread may have been faster: what counts is that the right one stands.
                again = _inspect(api, name)
                if again and self._serves(again, subnet):
                    return
                if "overlap" in sentence(error):
                    raise _taken(name, subnet, sentence(error), SubnetTaken) from error
                if error.status_code in (403, 409):
                    raise _taken(name, subnet, sentence(error)) from error
                raise

    def remove(self, tenant: str) -> None:
        name = network_name(self._instance, tenant)
        with self._engine.asked_to(f"remove the network {name}") as api:
            found = _inspect(api, name)
            if found and self._ours(found):
                try:
                    api.remove_network(found["Id"])
                except NotFound:
                    return

    def _create(self, api: APIClient, name: str, tenant: str, subnet: IPv4Network) -> None:
        api.create_network(
            name,
            driver="bridge",
            check_duplicate=True,
            ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))]),
            options={"com.docker.network.bridge.name": bridge_name(self._instance, tenant)},
            labels={INSTANCE_LABEL: self._instance, TENANT_LABEL: tenant},
        )

    def _serves(self, network: dict[str, Any], subnet: str) -> bool:
        ranges = [pool.get("Subnet") for pool in network["IPAM"].get("Config") or []]
        if ranges == [subnet] and self._ours(network):
            return True
        if network["Containers"] or not self._ours(network):
            raise _taken(network["Name"], subnet, f"a network of that name is in use on {', '.join(map(str, ranges))}")
        return False

    def _ours(self, network: dict[str, Any]) -> bool:
        return bool((network["Labels"] or {}).get(INSTANCE_LABEL) == self._instance)


def _inspect(api: APIClient, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = api.inspect_network(name)
    except NotFound:
        return None
    return found


def _taken(name: str, subnet: str, why: str, kind: type[HostUnready] = HostUnready) -> HostUnready:
    return kind(
        f"The network {name} on {subnet} can't be made: {why}",
        remedy="remove the network that has it, or choose another range with SLIPWAY_SUBNETS",
    )
