"""What a replica and a build reach, tried from inside real ones."""

from __future__ import annotations

import subprocess

import pytest

from tests.fixtures.engine import EnginePart
from tests.integration.firewall.conftest import Ask, Places, accepts
from tests.integration.firewall.neighbourhood import ASK, answers

pytestmark = [pytest.mark.engine, pytest.mark.firewall]


def reached(found: dict[str, bool]) -> set[str]:
    return {place for place, accepted in found.items() if accepted}


def others_watch_builds(engine: EnginePart) -> bool:
    own = f"SLW-{engine.settings.instance.upper()}-IN"
    saved = subprocess.run(["iptables-save", "-t", "filter"], capture_output=True, text=True, timeout=30, check=True)
    hooks = [line for line in saved.stdout.splitlines() if line.startswith("-A INPUT -i docker0 -j SLW-")]
    return len(hooks) > 1 or any(not hook.endswith(own) for hook in hooks)


def everywhere(places: Places) -> tuple[str, ...]:
    return (*places.edge, *places.host, places.metadata, places.outside, places.same_tenant, places.other_tenant)


def closed(places: Places) -> set[str]:
    """To a build."""
    return {*places.host, places.metadata, places.same_tenant, places.other_tenant}


def test_without_the_rules_a_replica_would_reach_the_host_and_the_metadata(places: Places, from_replica: Ask) -> None:
    """The control: what the other tests find closed is there."""
    assert {*places.edge, *places.host[:3], places.metadata, places.outside} <= reached(
        from_replica(*everywhere(places))
    )


def test_without_the_rules_a_build_would_reach_the_host_and_the_metadata(
    engine: EnginePart, places: Places, from_build: Ask
) -> None:
    if others_watch_builds(engine):
        pytest.skip("another installation on this Engine keeps builds off the host")
    assert {*places.edge, *places.host[:3], places.metadata, places.outside} <= reached(from_build(*everywhere(places)))


@pytest.mark.usefixtures("rules")
def test_a_replica_reaches_the_edge_its_own_tenant_and_the_world(places: Places, from_replica: Ask) -> None:
    assert reached(from_replica(*everywhere(places))) == {*places.edge, places.same_tenant, places.outside}


@pytest.mark.usefixtures("rules")
def test_a_build_reaches_the_world_and_neither_the_host_nor_a_replica(places: Places, from_build: Ask) -> None:
    found = reached(from_build(*everywhere(places)))
    assert found.isdisjoint(closed(places))
    assert places.outside in found


@pytest.mark.usefixtures("rules")
def test_a_build_reaches_the_edge(engine: EnginePart, places: Places, from_build: Ask) -> None:
    if others_watch_builds(engine):
        pytest.skip("another installation on this Engine lets builds reach its own edge alone")
    assert reached(from_build(*places.edge)) == set(places.edge)


@pytest.mark.usefixtures("rules")
def test_the_host_reaches_every_replica(places: Places) -> None:
    for place in (places.same_tenant, places.other_tenant):
        address, port = place.split()
        assert accepts(address, int(port))


@pytest.mark.usefixtures("rules")
def test_a_neighbour_of_the_host_reaches_no_replica(places: Places) -> None:
    """It could send packets for a replica's address to this host, past sign-in."""
    found = answers(places.world.run("python3", "-c", ASK, places.same_tenant).stdout)
    assert reached(found) == set()
