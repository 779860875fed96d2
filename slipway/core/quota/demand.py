"""How much of a host an app takes: by what its releases froze, and by how many replicas are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from slipway.core.app_settings.configuration import Configuration, Defaults, snapshot
from slipway.core.app_settings.model import AppSettings
from slipway.core.quota.quotas import Quota, amount

MB = 1 << 20


class Demand(NamedTuple):
    """Of one app in one environment. CPUs in thousandths. Thousands are made at once, and a tuple is made fastest."""

    replicas: int = 0
    millicpus: int = 0
    memory_mb: int = 0
    volumes: frozenset[str] = frozenset()

    def amounts(self) -> dict[Quota, int]:
        return {
            Quota.REPLICAS: self.replicas,
            Quota.CPUS: self.millicpus,
            Quota.MEMORY: self.memory_mb,
            Quota.VOLUMES: len(self.volumes),
        }


def demand_of(configuration: Configuration, scales: Mapping[str, int]) -> Demand:
    """Of a release with these numbers of replicas by process. What a rollout or a pre-deploy command takes beside them
    for a while does not count."""
    replicas = sum(configuration.wanted(scales).values())
    volumes = frozenset(each.name for each in configuration.volumes)
    return _of_containers(configuration, replicas)._replace(volumes=volumes)


def planned(settings: AppSettings, defaults: Defaults, scales: Mapping[str, int]) -> Demand:
    """Of the release that these settings would be frozen into. The volumes of its image are not known yet.

    Raises:
        InvalidInput: the settings contradict each other.
    """
    configuration = snapshot(settings, defaults, variables={}, exposed_port=None)
    first = {process: settings.first_replicas(process) for process in configuration.commands}
    return demand_of(configuration, first | dict(scales))


def most(demands: Iterable[Demand]) -> Demand:
    """What is enough for each of them, one at a time."""
    found = [*demands, Demand()]
    return Demand(
        replicas=max(each.replicas for each in found),
        millicpus=max(each.millicpus for each in found),
        memory_mb=max(each.memory_mb for each in found),
        volumes=frozenset().union(*(each.volumes for each in found)),
    )


@dataclass(frozen=True, slots=True)
class AppUse:
    """What one app has in one environment."""

    releases: tuple[Configuration, ...] = ()
    """Those that serve, start, or stand by while another is watched. One of them is what the app ends with."""
    scales: Mapping[str, int] = field(default_factory=dict)
    volumes: frozenset[str] = frozenset()
    """That exist, also those that no release declares any more."""
    planned: Demand = Demand()
    """Of a release that is not frozen yet."""
    runs: tuple[Configuration, ...] = ()
    """Of each command that runs beside the replicas, or is about to: its release's."""

    def demand(self) -> Demand:
        """The largest that may come of it: a rollout that fails gives back what the one before has."""
        largest = most([*(demand_of(each, self.scales) for each in self.releases), self.planned])
        of_runs = [_of_containers(each, 1) for each in self.runs]
        return Demand(
            replicas=largest.replicas + sum(each.replicas for each in of_runs),
            millicpus=largest.millicpus + sum(each.millicpus for each in of_runs),
            memory_mb=largest.memory_mb + sum(each.memory_mb for each in of_runs),
            volumes=largest.volumes | self.volumes,
        )


def total(demands: Iterable[Demand]) -> dict[Quota, int]:
    """The sum over apps."""
    sums = dict.fromkeys(Demand().amounts(), 0)
    for each in demands:
        for quota, value in each.amounts().items():
            sums[quota] += value
    return sums


def growth(before: Mapping[Quota, int], after: Mapping[Quota, int]) -> dict[Quota, int]:
    """By how much each grows; 0 where it does not."""
    return {quota: max(0, value - before[quota]) for quota, value in after.items()}


def _of_containers(configuration: Configuration, count: int) -> Demand:
    return Demand(
        replicas=count,
        millicpus=count * amount(Quota.CPUS, configuration.cpus),
        memory_mb=count * -(-configuration.memory_bytes // MB),
    )
