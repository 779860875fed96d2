"""What containers may reach, as iptables rules; and what has to be written to have them in force. Pure.

Two chains of an installation's own, one for packets to the host (from INPUT), one for packets through it (from
DOCKER-USER, which Docker keeps in front of its own rules). They match only packets from or to the installation's
bridges, and packets from Docker's default bridge, where builds run. What they let through they RETURN, so that the
host's own rules still decide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from slipway.adapters.linux.bridge_names import bridge_prefix

BUILD_BRIDGE = "docker0"
OURS = "SLW-"
DNS_PORT = 53

_ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
_SAME_BRIDGE = "-m physdev --physdev-is-bridged -j RETURN"
# Link-local, where clouds keep their metadata; the second is AWS' for IPv6.
_METADATA = {4: ("169.254.0.0/16",), 6: ("fe80::/10", "fd00:ec2::254/128")}
_IMPLIED = {"-m", "tcp", "udp", "conntrack", "physdev"}


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules of one installation for IPv4 or IPv6. Rules are written without their `-A <chain>`."""

    to_host: str
    """Name of the chain for packets to the host."""
    through_host: str
    """Name of the chain for packets through the host."""
    chains: dict[str, tuple[str, ...]]
    """Chain → its rules."""
    bridges: str
    """Matches all tenants' bridges."""

    def hooks(self, forward: str) -> list[tuple[str, str]]:
        """(chain, rule) that lead into ours, first one first. `forward` is DOCKER-USER, or FORWARD without Docker."""
        return [
            ("INPUT", f"-i {self.bridges} -j {self.to_host}"),
            ("INPUT", f"-i {BUILD_BRIDGE} -j {self.to_host}"),
            (forward, f"-i {self.bridges} -j {self.through_host}"),
            (forward, f"-o {self.bridges} -j {self.through_host}"),
            (forward, f"-i {BUILD_BRIDGE} -j {self.through_host}"),
        ]


def ruleset(instance: str, *, version: int, edge_ports: Sequence[int], nameservers: Sequence[str]) -> Ruleset:
    """The rules for IP `version` 4 or 6. `nameservers` are reachable when they are on the host itself."""
    to_host, through_host = f"{OURS}{instance.upper()}-IN", f"{OURS}{instance.upper()}-FWD"
    bridges = f"{bridge_prefix(instance)}+"
    return Ruleset(
        to_host,
        through_host,
        {
            to_host: tuple(_to_host(version, edge_ports, nameservers)),
            through_host: tuple(_through_host(version, bridges, nameservers)),
        },
        bridges,
    )


def _to_host(version: int, edge_ports: Sequence[int], nameservers: Sequence[str]) -> list[str]:
    rules = [_ESTABLISHED, *(f"-p tcp -m tcp --dport {port} -j RETURN" for port in edge_ports)]
    for server in _addresses(version, nameservers):
        if not server.is_loopback:
            rules += _dns(server)
    if version == 6:
        rules.append("-p ipv6-icmp -j RETURN")  # neighbour discovery
    return [*rules, "-j DROP"]


def _through_host(version: int, bridges: str, nameservers: Sequence[str]) -> list[str]:
    rules = [
        _ESTABLISHED,
        _SAME_BRIDGE,  # replicas of one tenant
        f"-o {bridges} -j DROP",  # another tenant, a build or a neighbour of the host asks for a replica
    ]
    for server in _addresses(version, nameservers):
        if any(server in ip_network(network) for network in _METADATA[version]):
            rules += _dns(server)  # some clouds answer names at the metadata address
    rules += [f"-d {network} -j DROP" for network in _METADATA[version]]
    rules.append(f"-i {bridges} -o {BUILD_BRIDGE} -j DROP")
    if version == 6:
        rules.append(f"-i {bridges} -j DROP")  # tenants' networks have IPv4 only
    return rules


def _addresses(version: int, texts: Sequence[str]) -> list[IPv4Address | IPv6Address]:
    return [address for address in map(ip_address, texts) if address.version == version]


def _dns(server: IPv4Address | IPv6Address) -> list[str]:
    to = f"-d {server}/{server.max_prefixlen}"
    return [f"{to} -p {protocol} -m {protocol} --dport {DNS_PORT} -j RETURN" for protocol in ("udp", "tcp")]


def problems(saved: str, rules: Ruleset) -> list[str]:
    """What of `rules` is not in force, given the output of `iptables-save -t filter`."""
    table = _parse(saved)
    found = [
        f"chain {chain} differs" if chain in table else f"chain {chain} is missing"
        for chain, wanted in rules.chains.items()
        if [_meaning(rule) for rule in table.get(chain, [])] != [_meaning(rule) for rule in wanted]
    ]
    wanted_hooks = rules.hooks(_forward(table))
    if sorted(_hooks(table, rules)) != sorted(wanted_hooks):
        found.append("packets do not pass it once from each bridge")
    for chain in sorted({chain for chain, _ in wanted_hooks}):
        first = len([rule for rule in table.get(chain, []) if f"-j {OURS}" in rule])
        if any(f"-j {OURS}" not in rule for rule in table.get(chain, [])[:first]):
            found.append(f"other rules of {chain} come first")
    return found


def installation(saved: str, rules: Ruleset) -> str:
    """Input of `iptables-restore --noflush` that brings `rules` in force at once, whatever of them was there."""
    table = _parse(saved)
    lines = [f":{chain} - [0:0]" for chain in rules.chains]  # also empties it
    lines += [f"-A {chain} {rule}" for chain, wanted in rules.chains.items() for rule in wanted]
    lines += [f"-D {chain} {rule}" for chain, rule in _hooks(table, rules)]
    lines += [f"-I {chain} 1 {rule}" for chain, rule in reversed(rules.hooks(_forward(table)))]
    return _script(lines)


def removal(saved: str, rules: Ruleset) -> str:
    """Input of `iptables-restore --noflush` that removes all of it; empty when nothing is there."""
    table = _parse(saved)
    chains = [chain for chain in rules.chains if chain in table]
    lines = [f"-D {chain} {rule}" for chain, rule in _hooks(table, rules)]
    lines += [f"-F {chain}" for chain in chains] + [f"-X {chain}" for chain in chains]
    return _script(lines) if lines else ""


def _script(lines: Sequence[str]) -> str:
    return "\n".join(["*filter", *lines, "COMMIT", ""])


def _parse(saved: str) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for line in saved.splitlines():
        if line.startswith(":"):
            table.setdefault(line[1:].split()[0], [])
        elif match := re.match(r"(?:\[\d+:\d+\] )?-A (\S+) (.*)", line):
            table.setdefault(match[1], []).append(match[2].strip())
    return table


def _forward(table: dict[str, list[str]]) -> str:
    return "DOCKER-USER" if "DOCKER-USER" in table else "FORWARD"


def _hooks(table: dict[str, list[str]], rules: Ruleset) -> list[tuple[str, str]]:
    """Every rule that leads into our chains, with what it leads from."""
    return [
        (chain, rule)
        for chain, present in table.items()
        for rule in present
        if rule.rpartition(" ")[2] in rules.chains and chain not in rules.chains
    ]


def _meaning(rule: str) -> list[str]:
    """A rule's words without what versions of iptables print differently: order, and matches that are implied."""
    return sorted(
        word for word in rule.replace("ESTABLISHED,RELATED", "RELATED,ESTABLISHED").split() if word not in _IMPLIED
    )
