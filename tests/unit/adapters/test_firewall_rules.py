"""Which rules an installation gets. That they work is shown on a real kernel, in tests/integration/firewall."""

from __future__ import annotations

from slipway.adapters.firewall import install
from slipway.adapters.firewall.ruleset import Ruleset, installation, problems, removal, ruleset
from slipway.adapters.linux.bridge_names import bridge_name, bridge_prefix
from slipway.settings import load


def rules(version: int = 4, *nameservers: str, instance: str = "slipway") -> Ruleset:
    return ruleset(instance, version=version, edge_ports=[8080], nameservers=nameservers)


def to_host(found: Ruleset) -> tuple[str, ...]:
    return found.chains[found.to_host]


def through_host(found: Ruleset) -> tuple[str, ...]:
    return found.chains[found.through_host]


def test_the_last_word_to_the_host_is_no() -> None:
    for version in (4, 6):
        assert to_host(rules(version))[-1] == "-j DROP"


def test_every_public_port_of_the_edge_is_reachable() -> None:
    settings = load({"SLIPWAY_HTTP_LISTEN": "10.0.0.1:80", "SLIPWAY_HTTPS_LISTEN": "443"})
    found = to_host(install._rules(settings, install._FAMILIES[0]))
    assert [port for port in (80, 443, 8080) if f"-p tcp -m tcp --dport {port} -j RETURN" in found] == [80, 443]


def test_a_resolver_on_the_host_is_reachable_for_names_alone() -> None:
    allowed = [rule for rule in to_host(rules(4, "192.168.1.10")) if "192.168.1.10" in rule]
    assert len(allowed) == 2
    assert all("--dport 53 " in rule for rule in allowed)


def test_a_resolver_at_the_metadata_address_is_reachable_for_names_alone() -> None:
    through = through_host(rules(4, "169.254.169.254"))
    allowed = [place for place, rule in enumerate(through) if "169.254.169.254/32" in rule and "--dport 53 " in rule]
    assert len(allowed) == 2
    assert max(allowed) < through.index("-d 169.254.0.0/16 -j DROP")


def test_resolvers_of_the_other_family_and_loopback_make_no_rule() -> None:
    assert to_host(rules(4, "fd00::53", "127.0.0.53")) == to_host(rules(4))
    assert any("fd00::53/128" in rule for rule in to_host(rules(6, "fd00::53")))


def test_names_fit_the_kernel() -> None:
    longest = rules(instance="a" * 16)
    assert max(map(len, longest.chains)) <= 28
    assert len(bridge_name("a" * 16, "b" * 40)) == 15
    assert bridge_name("a", "b").startswith(bridge_prefix("a"))


def test_two_installations_share_no_bridge_and_no_chain() -> None:
    first, second = rules(instance="first"), rules(instance="second")
    assert first.bridges != second.bridges
    assert first.chains.keys().isdisjoint(second.chains)


def test_nothing_of_it_is_nothing_to_remove() -> None:
    assert removal("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", rules()) == ""


def test_what_an_installation_writes_is_what_is_looked_for() -> None:
    wanted = rules()
    written = installation("*filter\n:INPUT ACCEPT [0:0]\n:DOCKER-USER - [0:0]\nCOMMIT\n", wanted)
    inserted = [line.replace("-I ", "-A ").replace(" 1 ", " ", 1) for line in written.splitlines() if line[:2] == "-I"]
    appended = [line for line in written.splitlines() if not line.startswith("-I")]
    saved = "\n".join([":DOCKER-USER - [0:0]", *appended, *reversed(inserted)])
    assert problems(saved, wanted) == []
