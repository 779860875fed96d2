"""Which addresses tenants' networks and replicas get. Pure arithmetic on what is taken."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from slipway.errors import DeploymentFailed

_FIRST_REPLICA = 2  # .0 is the network, .1 the bridge on this host


def free_subnet(
    whole: IPv4Network,
    prefix: int,
    *,
    taken: Iterable[IPv4Network],
    routes: Iterable[IPv4Network],
    refused: Iterable[IPv4Network] = (),
) -> IPv4Network:
    """The first subnet of `whole` that no tenant has, no route of this host covers and the Engine has not refused.

    Raises:
        DeploymentFailed: there is none; names what is in the way: a route, or networks of others.
    """
    taken, routes, refused = list(taken), list(routes), list(refused)
    in_the_way: IPv4Network | None = None
    for subnet in whole.subnets(new_prefix=prefix) if prefix > whole.prefixlen else [whole]:
        if any(subnet.overlaps(other) for other in (*taken, *refused)):
            continue
        blocking = next((route for route in routes if subnet.overlaps(route)), None)
        if blocking is None:
            return subnet
        in_the_way = in_the_way or blocking
    if in_the_way is not None:
        raise DeploymentFailed(
            "start-refused",
            f"every free network in {whole} collides with this host's route to {in_the_way}",
            remedy="the host's owner sets SLIPWAY_SUBNETS to a range that the host does not use",
        )
    if refused:
        raise no_range(whole)
    raise DeploymentFailed(
        "start-refused",
        f"all networks in {whole} are given to tenants",
        remedy="the host's owner sets SLIPWAY_SUBNETS to a larger range, or SLIPWAY_TENANT_PREFIX to a larger number",
    )


def no_range(whole: IPv4Network) -> DeploymentFailed:
    """The Engine refuses the ranges that are free."""
    return DeploymentFailed(
        "start-refused",
        f"the free networks in {whole} overlap with ones that the container runtime has for something else",
        remedy="the host's owner sets SLIPWAY_SUBNETS to a range that nothing else uses",
    )


def next_address(subnet: IPv4Network, *, taken: Iterable[str], last: str | None) -> str:
    """A free address, going round the subnet from the one given last, so that each is unused for as long as can be.

    Raises:
        DeploymentFailed: all are in use or in quarantine.
    """
    used = set(taken)
    size = subnet.num_addresses - 1 - _FIRST_REPLICA
    start = (int(IPv4Address(last)) - int(subnet.network_address) - _FIRST_REPLICA + 1) if last else 0
    for step in range(size):
        address = str(subnet.network_address + _FIRST_REPLICA + (start + step) % size)
        if address not in used:
            return address
    raise DeploymentFailed(
        "start-refused",
        f"the tenant's network {subnet} has no free address: {size} replicas run or stopped a moment ago",
        remedy="scale an app down, or try again when the old replicas are gone",
    )
