from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slipway.errors import HostUnready
from slipway.host.processes import lifecycle
from slipway.host.processes.probing import http_status, wait_until
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
    installation.platform.down()
    assert installation.said[-1] == "down: the platform does not run."


def test_up_said_twice_changes_nothing(running: Installation) -> None:
    before = running.pids()
    running.platform.up()
    assert running.pids() == before


def test_a_changed_setting_reaches_the_services_that_it_concerns_and_only_those(running: Installation) -> None:
    socket = running.platform.settings.webhook_socket
    before = running.pids()
    running.with_settings(github_token="new").up()
    after = running.pids()
    assert {name for name in after if after[name] != before[name]} == {"webhook-0", "router-0", "worker-0", "agent-0"}
    assert http_status(socket, "/environment")[1] == "new"
    running.platform.up()
    assert http_status(socket, "/environment")[1] == "not set"


@pytest.mark.parametrize("service", ["redis", "webhook", "router", "worker", "agent", "edge"])
def test_a_killed_service_comes_back_without_a_hand(running: Installation, service: str) -> None:
    killed = running.pid(service)
    below = children(killed)
    running.kill(killed)
    assert wait_until(lambda: running.all_ready() and running.pid(service) != killed, timeout_s=240)
    assert wait_until(lambda: not any(alive(pid) for pid in below), timeout_s=60)


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
    monkeypatch.setattr(lifecycle, "CRASHING_TIMEOUT_S", 0.0)
    host_stubs.write(installation.platform.checkout, agent="raise RuntimeError('no such table: deployments')")
    with pytest.raises(HostUnready, match="agent is not ready") as failure:
        installation.platform.up()
    assert "no such table: deployments" in failure.value.message
    assert "agent-0.log" in failure.value.remedy
    assert wait_until(lambda: "webhook" in ready_services(installation), timeout_s=120)


def ready_services(installation: Installation) -> set[str]:
    return {state.service for state in installation.platform.status() if state.ready}


@pytest.mark.parametrize("name", ["router.sock", "webhook.sock", "redis.sock"])
def test_nginxs_workers_can_connect_and_strangers_can_not(running: Installation, name: str) -> None:
    folder = running.platform.settings.run_dir
    connects = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"

    def connects_as(user: str) -> bool:
        done = subprocess.run(
            ["/usr/bin/python3", "-c", connects, str(folder / name)],
            user=user,
            group=user,
            extra_groups=[],
            cwd="/",
            check=False,
            capture_output=True,
        )
        return done.returncode == 0

    assert connects_as("www-data")
    assert not connects_as("daemon")


def test_a_closed_folder_above_is_reported_before_anything_starts(installation: Installation) -> None:
    installation.state_dir.parent.chmod(0o700)
    with pytest.raises(HostUnready, match="lets nobody through") as failure:
        installation.platform.up()
    assert failure.value.remedy.startswith(f"chmod o+x {installation.state_dir.parent}")
    assert installation.platform.status() == []
