"""The agent publishes how busy the replicas are of apps that are balanced by load."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from builder.agent.telemetry.loads import LoadMeter, balanced_by_load
from slipway.errors import NotFound
from slipway.ports.routes import Load
from slipway.ports.runtime import ResourceUse
from tests.integration.agent.rig import Rig


@dataclass
class Uses:
    """What a runtime reports of each container: CPU seconds used so far, and how many CPUs it may use."""

    at: float = 1000.0
    cpu_s: float | None = 0.0
    cpus_limit: float | None = 1.0

    def usage(self, _container_id: str) -> ResourceUse:
        if self.cpu_s is None:
            raise NotFound("it is gone")
        return ResourceUse(self.at, self.cpu_s, self.cpus_limit, 0.0, 0, None, 1, None)


@pytest.fixture
def uses(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Uses:
    made = Uses()
    monkeypatch.setattr(rig.runtime, "usage", made.usage)
    return made


def meter_of(rig: Rig) -> LoadMeter:
    return LoadMeter(rig.runtime, rig.publisher, lambda: balanced_by_load(rig.db))


@pytest.mark.parametrize(
    ("cpus_limit", "used_s", "share"), [(1.0, 0.25, 0.25), (0.2, 0.2, 1.0), (0.2, 0.05, 0.25), (1.0, 9.0, 1.0)]
)
def test_a_share_is_of_the_cpus_that_a_replica_may_use(
    rig: Rig, uses: Uses, cpus_limit: float, used_s: float, share: float
) -> None:
    app = rig.add_app(balancing="least_load")
    rig.live(app)
    [replica] = rig.replicas(app)
    meter = meter_of(rig)
    meter.measure()
    assert rig.publisher.loads == {}, "one sample alone says nothing"
    uses.at, uses.cpu_s, uses.cpus_limit = 1001.0, used_s, cpus_limit
    meter.measure()
    assert rig.publisher.loads == {replica.id: Load(pytest.approx(share), 1001.0)}


def test_the_commits_file_may_choose_it(rig: Rig, uses: Uses) -> None:
    app = rig.add_app()
    rig.live(app, file_settings={"balancing": "least_load"})
    meter = meter_of(rig)
    meter.measure()
    uses.at += 1
    meter.measure()
    assert len(rig.publisher.loads) == 1


@pytest.mark.parametrize("balancing", ["round_robin", "least_connections"])
def test_others_are_not_measured(rig: Rig, uses: Uses, balancing: str) -> None:
    rig.live(rig.add_app(balancing=balancing))
    meter = meter_of(rig)
    for _ in range(2):
        uses.at += 1
        meter.measure()
    assert rig.publisher.loads == {}


def test_the_load_of_a_replica_that_is_gone_is_not_published(rig: Rig, uses: Uses) -> None:
    rig.live(rig.add_app(balancing="least_load"))
    meter = meter_of(rig)
    for _ in range(2):
        uses.at += 1
        meter.measure()
    assert rig.publisher.loads
    uses.cpu_s = None
    meter.measure()
    assert rig.publisher.loads == {}
