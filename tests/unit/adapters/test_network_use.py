"""What went through a container's network, from one of its processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.adapters.linux import cgroups, network_use
from slipway.errors import NotFound
from slipway.ports.runtime import NetworkUse

DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed mul|bytes    packets errs drop fifo colls carrier comp
    lo:    5000      50    0    0    0     0          0         0     5000      50    0    0    0     0       0 0
  eth0: 1234567    1000    0    0    0     0          0         0   765432     900    0    0    0     0       0 0
  eth1:       3       1    0    0    0     0          0         0        4       1    0    0    0     0       0 0
"""


def test_all_interfaces_but_the_loopback_are_summed(tmp_path: Path) -> None:
    (tmp_path / "42" / "net").mkdir(parents=True)
    (tmp_path / "42" / "net" / "dev").write_text(DEV)
    assert network_use.of_process(42, tmp_path) == NetworkUse(1234570, 765436)


def test_a_process_that_ended_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        network_use.of_process(42, tmp_path)


@pytest.mark.parametrize("base", ["pids", ""])
def test_a_process_of_a_container_is_found_by_its_group(tmp_path: Path, base: str) -> None:
    group = tmp_path / base / "docker" / "c-1"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("4711\n4712\n")
    assert cgroups.process_of("c-1", tmp_path) == 4711
    with pytest.raises(NotFound):
        cgroups.process_of("c-2", tmp_path)
