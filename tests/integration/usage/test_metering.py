"""What replicas use, sampled from their counters: each stretch counts once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builder.agent.telemetry.resource_samples import ResourceSamples
from builder.agent.telemetry.usage_counting import UsageCounting
from slipway.core.usage.fields import Usage
from slipway.core.usage.periods import Period, Step
from slipway.db import DatabaseAway
from slipway.domain.usage import metering, reading
from slipway.domain.usage.reading import By, Question
from slipway.errors import DependencyUnavailable, NotFound
from slipway.models import App
from slipway.ports.runtime import NetworkUse, ResourceUse
from tests.fakes import FakeUsageStream
from tests.fixtures.databases import unreachable
from tests.integration.agent.crashes import Countdown, Killed
from tests.integration.agent.rig import Rig, rig_in_memory
from tests.integration.usage.test_crashes import MortalTwice

START_S = 1_767_268_800.0
MB = 1 << 20


@dataclass
class Kernel:
    """Counters of every container: half a CPU, 100 MB, 10 bytes a second in and 20 out."""

    now_s: float = START_S
    cpu_s: float = 0.0
    ended: bool = False
    network: bool = True

    def usage(self, _container_id: str) -> ResourceUse:
        if self.ended:
            raise NotFound("it is gone")
        return ResourceUse(self.now_s, self.cpu_s, 1.0, 0.0, 100 * MB, 400 * MB, 1, None)

    def network_use(self, _container_id: str) -> NetworkUse | None:
        seconds = int(self.now_s - START_S)
        return NetworkUse(10 * seconds, 20 * seconds) if self.network else None

    def passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.cpu_s += seconds / 2


@dataclass
class Metered:
    """The agent's rig with an app of one replica, which started at `START_S`."""

    rig: Rig
    app: App
    kernel: Kernel

    def samples(self) -> ResourceSamples:
        """As after a start of the agent."""
        return ResourceSamples(
            self.rig.runtime,
            self.rig.runtime.list,
            lambda ids: metering.known_counters(self.rig.db, ids),
            lambda: self.kernel.now_s,
        )

    def counting(self, samples: ResourceSamples, db: object = None) -> UsageCounting:
        return UsageCounting(db or self.rig.db, FakeUsageStream(), samples, lambda: self.kernel.now_s)  # type: ignore[arg-type]

    def used(self, by: By = By.NOTHING, step: Step = Step.MINUTE) -> dict[str, dict[int, Usage]]:
        first = step.number(START_S)
        question = Question(Period(step, first, first + 100), by)
        found = reading.series(self.rig.db, question, tenant_id=self.rig.tenant_id)
        return {
            each.group.replica or each.group.process: {n - first: u for n, u in each.points.items()} for each in found
        }

    def total(self, name: str) -> int:
        return sum(usage.get(name, 0) for points in self.used().values() for usage in points.values())


@pytest.fixture
def metered(sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metered]:
    with rig_in_memory(sqlite_template) as rig:
        app = rig.add_app()
        rig.live(app)
        for container in rig.runtime.containers.values():
            container.observed = replace(container.observed, started_at=START_S)
        kernel = Kernel()
        monkeypatch.setattr(rig.runtime, "usage", kernel.usage)
        monkeypatch.setattr(rig.runtime, "network_use", kernel.network_use)
        yield Metered(rig, app, kernel)


def test_a_replicas_use_is_in_its_minutes(metered: Metered) -> None:
    samples = metered.samples()
    for _ in range(12):
        metered.kernel.passes(10)
        samples.sample()
    metered.counting(samples).count_samples()
    [replica] = metered.rig.replicas(metered.app)
    minute = {
        "running_ms": 60_000,
        "cpu_us": 30_000_000,
        "memory_byte_s": 6000 * MB,
        "memory_peak_bytes": 100 * MB,
        "memory_limit_byte_s": 24_000 * MB,
        "network_in_bytes": 600,
        "network_out_bytes": 1200,
    }
    assert metered.used(By.REPLICA) == {replica.id: {0: minute, 1: minute}}
    assert metered.used(By.PROCESS) == {"web": {0: minute, 1: minute}}


def test_days_are_of_processes(metered: Metered) -> None:
    samples = metered.samples()
    metered.kernel.passes(60)
    samples.sample()
    counting = metered.counting(samples)
    counting.count_samples()
    metered.kernel.now_s += 2 * 3600
    counting.seal()
    assert list(metered.used(By.REPLICA, Step.HOUR)) == [metered.rig.replicas(metered.app)[0].id]
    assert list(metered.used(By.REPLICA, Step.DAY)) == ["web"]


def test_an_agent_that_was_killed_goes_on_where_sql_is(metered: Metered) -> None:
    for _ in range(4):
        samples = metered.samples()
        metered.kernel.passes(10)
        samples.sample()
        metered.counting(samples).count_samples()
        metered.kernel.passes(10)
        samples.sample()  # never written
    metered.kernel.passes(300)
    samples = metered.samples()
    samples.sample()
    metered.counting(samples).count_samples()
    assert metered.total("cpu_us") == metered.kernel.cpu_s * 1_000_000
    assert metered.total("running_ms") == (metered.kernel.now_s - START_S) * 1000


@pytest.mark.parametrize("effect", [1, 2])
def test_a_kill_at_the_write_counts_nothing_twice(metered: Metered, effect: int) -> None:
    """Whether the transaction was committed or not, the next agent counts what is missing."""
    samples = metered.samples()
    metered.kernel.passes(10)
    samples.sample()
    countdown = Countdown()
    countdown.left = effect
    with pytest.raises(Killed):
        metered.counting(samples, MortalTwice(metered.rig.db, countdown)).count_samples()
    metered.kernel.passes(10)
    again = metered.samples()
    again.sample()
    metered.counting(again).count_samples()
    assert metered.total("cpu_us") == 10_000_000


def test_an_answer_that_was_lost_is_not_counted_again(metered: Metered) -> None:
    samples = metered.samples()
    metered.kernel.passes(10)
    samples.sample()
    countdown = Countdown()
    countdown.left = 2  # after the commit
    counting = metered.counting(samples)
    with pytest.raises(Killed):
        metered.counting(samples, MortalTwice(metered.rig.db, countdown)).count_samples()
    metered.kernel.passes(10)
    samples.sample()
    counting.count_samples()
    counting.count_samples()
    assert metered.total("cpu_us") == 10_000_000


def test_while_the_database_is_unreachable_samples_wait(metered: Metered) -> None:
    samples = metered.samples()
    samples.sample()
    counting = metered.counting(samples)
    with unreachable(metered.rig.db):
        for _ in range(60):
            metered.kernel.passes(10)
            samples.sample()
            with pytest.raises(DatabaseAway):
                counting.count_samples()
    counting.count_samples()
    counting.count_samples()
    assert metered.total("cpu_us") == 300_000_000
    assert len(metered.used()[""]) == 10


def test_an_unreachable_runtime_costs_no_use(metered: Metered) -> None:
    samples = metered.samples()
    samples.sample()
    metered.rig.runtime.away = True
    metered.kernel.passes(60)
    with pytest.raises(DependencyUnavailable):
        samples.sample()
    metered.rig.runtime.away = False
    samples.sample()
    metered.counting(samples).count_samples()
    assert metered.total("cpu_us") == 30_000_000


def test_a_replica_that_has_just_ended_keeps_what_was_sampled(metered: Metered) -> None:
    samples = metered.samples()
    metered.kernel.passes(10)
    samples.sample()
    metered.kernel.ended = True
    samples.sample()
    metered.counting(samples).count_samples()
    assert metered.total("cpu_us") == 5_000_000


def test_what_ran_before_there_was_counting_is_counted_from_now_on(metered: Metered) -> None:
    metered.kernel.passes(86_400)
    samples = metered.samples()
    samples.sample()
    metered.kernel.passes(10)
    samples.sample()
    metered.counting(samples).count_samples()
    with metered.rig.db.read(platform="a test looks") as session:
        from slipway.models import UsageMinute

        assert [row.cpu_us for row in session.query(UsageMinute)] == [5_000_000]


def test_a_network_that_can_not_be_seen_is_not_shown(metered: Metered) -> None:
    metered.kernel.network = False
    samples = metered.samples()
    metered.kernel.passes(10)
    samples.sample()
    metered.counting(samples).count_samples()
    assert "network_in_bytes" not in metered.used()[""][0]
