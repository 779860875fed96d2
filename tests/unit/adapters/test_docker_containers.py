"""A replica in Docker's terms."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from docker import APIClient

from slipway.adapters.docker import containers
from slipway.adapters.docker.endpoints import Endpoint
from tests.contracts.runtime_rigs import FakeRig


@pytest.mark.parametrize(("cpus", "nano_cpus"), [(1e-9, 10_000_000), (0.01, 10_000_000), (0.5, 500_000_000)])
def test_a_replica_has_a_cpu_limit_that_the_engine_does_not_take_for_none(cpus: float, nano_cpus: int) -> None:
    spec = replace(FakeRig().spec(), cpus=cpus)
    with closing(APIClient(base_url="unix:///nowhere", version="1.41")) as api:
        endpoint = Endpoint("10.210.0.0/24", "10.210.0.2")
        made = containers.creation(api, "slipway", containers.ContainerPlan(spec, endpoint, argv=None, task=False))
    assert made["host_config"]["NanoCpus"] == nano_cpus


def test_the_labels_are_those_that_containers_of_earlier_versions_carry() -> None:
    """A container whose labels are not all there is no replica: after an upgrade nothing would manage it."""
    labels = containers.labels("slipway", FakeRig().spec(), task=False)
    assert sorted(labels) == [
        "slipway.app",
        "slipway.deployment",
        "slipway.environment",
        "slipway.instance",
        "slipway.process",
        "slipway.release",
        "slipway.replica",
        "slipway.slot",
        "slipway.task",
        "slipway.tenant",
    ]


@pytest.mark.parametrize(("task", "aliases"), [(False, ["db"]), (True, None)])
def test_a_service_runs_as_its_account_and_only_its_replica_has_its_name(task: bool, aliases: list[str] | None) -> None:
    spec = replace(FakeRig().spec(), user="postgres", alias="db")
    with closing(APIClient(base_url="unix:///nowhere", version="1.41")) as api:
        endpoint = Endpoint("10.210.0.0/24", "10.210.0.2")
        made = containers.creation(api, "slipway", containers.ContainerPlan(spec, endpoint, argv=None, task=task))
    [network] = made["networking_config"]["EndpointsConfig"].values()
    assert (made["user"], network.get("Aliases")) == ("postgres", aliases)
