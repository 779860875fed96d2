from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import HostUnready
from slipway.host import lifecycle
from slipway.host.probing import http_status, wait_until
from tests.integration.host import host_stubs
from tests.integration.host.conftest import Installation, alive

pytestmark = pytest.mark.engine


def children(pid: int) -> list[int]:
    found = Path("/proc", str(pid), "task", str(pid), "children").read_text().split()
    return [int(child) for child in found]


def test_up_starts_every_service_and_down_leaves_none(installation: Installation) -> None:
    installation.platform.up()
    pids = installation.pids()
    assert sorted(pids) == ["agent-0", "edge-0", "redis-0", "router-0", "webhook-0", "worker-0"]
    below = [child for pid in pids.values() for child in children(pid)]
    installation.platform.down()
    assert [pid for pid in [*pids.values(), *below] if alive(pid)] == []
    assert installation.platform.status() == []


def test_saying_it_twice_changes_nothing(installation: Installation) -> None:
    installation.platform.up()
    before = installation.pids()
    installation.platform.up()
    assert installation.pids() == before
    installation.platform.down()
    installation.platform.down()
    assert installation.said[-1] == "down: the platform does not run."


def test_a_changed_setting_restarts_the_services_that_it_concerns(installation: Installation) -> None:
    installation.platform.up()
    before = installation.pids()
    installation.with_settings(releases_kept="3").up()
    after = installation.pids()
    assert {name for name in after if after[name] != before[name]} == {"webhook-0", "router-0", "worker-0", "agent-0"}


def test_a_setting_taken_back_is_gone_from_the_service(installation: Installation) -> None:
    changed = installation.with_settings(log_level="debug")
    changed.up()
    said = lambda: http_status(changed.settings.webhook_socket, "/environment")[1]  # noqa: E731
    assert said() == "debug"
    installation.platform.up()
    assert said() == ""


@pytest.mark.parametrize("service", ["redis", "webhook", "router", "worker", "agent", "edge"])
def test_a_killed_service_comes_back_without_a_hand(installation: Installation, service: str) -> None:
    installation.platform.up()
    killed = installation.pid(service)
    below = children(killed)
    installation.kill(killed)
    assert wait_until(lambda: installation.all_ready() and installation.pid(service) != killed, timeout_s=30)
    assert [pid for pid in below if alive(pid)] == []


def test_the_services_of_a_killed_supervisor_are_taken_over(installation: Installation) -> None:
    installation.platform.up()
    before = installation.pids()
    installation.kill(int((installation.state_dir / "run" / "supervisord.pid").read_text()))
    assert {state.state for state in installation.platform.status()} == {"UNSUPERVISED"}
    installation.platform.up()
    assert [name for name, pid in before.items() if alive(pid)] == []
    assert installation.all_ready()


def test_down_also_stops_what_a_killed_supervisor_left(installation: Installation) -> None:
    installation.platform.up()
    before = installation.pids()
    installation.kill(int((installation.state_dir / "run" / "supervisord.pid").read_text()))
    installation.platform.down()
    assert [name for name, pid in before.items() if alive(pid)] == []


def test_a_service_that_does_not_start_is_named_with_the_end_of_its_log(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "READY_TIMEOUT_S", 3.0)
    host_stubs.write(installation.platform.checkout, agent="raise RuntimeError('no such table: deployments')")
    with pytest.raises(HostUnready, match="agent is not ready") as failure:
        installation.platform.up()
    assert "no such table: deployments" in failure.value.message
    assert "agent-0.log" in failure.value.remedy
    assert [state.ready for state in installation.platform.status() if state.service == "webhook"] == [True]


def test_the_edge_can_reach_the_routers_socket_and_strangers_can_not(installation: Installation) -> None:
    installation.platform.up()
    run = installation.platform.settings.run_dir
    assert (run.stat().st_mode & 0o7777, run.group()) == (0o2750, "www-data")


def test_a_closed_folder_above_is_told_before_anything_starts(installation: Installation) -> None:
    installation.state_dir.parent.chmod(0o700)
    with pytest.raises(HostUnready, match="lets nobody through") as failure:
        installation.platform.up()
    assert failure.value.remedy.startswith(f"chmod o+x {installation.state_dir.parent}")
    assert installation.platform.status() == []
