"""A port that somebody else has is reported at once: which, who has it, which setting."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from slipway.errors import HostUnready
from slipway.host.install import ports
from slipway.settings import load
from tests.integration.host.conftest import Installation


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]


def test_up_says_who_has_the_port_and_starts_nothing(installation: Installation, busy: int) -> None:
    with pytest.raises(HostUnready) as refused:
        installation.with_settings(http_listen=f"127.0.0.1:{busy}").up()
    assert f"port {busy} is taken: " in refused.value.message
    assert f"(process {os.getpid()})" in refused.value.message
    assert refused.value.remedy == "end that, or set SLIPWAY_HTTP_LISTEN in .env to another port"
    assert installation.platform.status() == []


def test_another_port_that_is_taken_stops_up_while_the_platform_serves_on(running: Installation, busy: int) -> None:
    before = running.pids()
    with pytest.raises(HostUnready, match=f"port {busy} is taken"):
        running.with_settings(metrics_listen=f"127.0.0.1:{busy}").up()
    assert running.pids() == before


def test_a_second_installation_of_the_same_name_starts_nothing_and_the_first_serves_on(
    running: Installation, installation: Installation
) -> None:
    before, first = running.pids(), running.platform
    with pytest.raises(
        HostUnready, match=f"from {first.checkout}.*both have the name {first.settings.instance}$"
    ) as it:
        installation.with_settings(instance=first.settings.instance).up()
    assert f"make -C {first.checkout} down" in it.value.remedy
    assert installation.platform.status() == []
    assert running.pids() == before


def test_the_edges_own_port_is_not_taken(running: Installation) -> None:
    assert ports.taken(running.platform.settings) == []


def test_every_taken_port_is_reported_and_a_free_one_is_not(busy: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        values = {"HTTP": busy, "METRICS": other.getsockname()[1]}
        settings = load({f"SLIPWAY_{name}_LISTEN": f"127.0.0.1:{port}" for name, port in values.items()})
        assert [(each.setting, each.port, each.pid) for each in ports.taken(settings)] == [
            ("SLIPWAY_HTTP_LISTEN", busy, os.getpid()),
            ("SLIPWAY_METRICS_LISTEN", values["METRICS"], os.getpid()),
        ]


def test_another_installation_is_known_by_its_state() -> None:
    hold = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, "slipway.host.edge_listener"],
        env={**os.environ, "SLIPWAY_STATE_DIR": "/srv/other"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())
        [found] = ports.taken(load({"SLIPWAY_HTTP_LISTEN": f"127.0.0.1:{port}"}))
        process.stdin.close()
    assert found.sentence.startswith(f"port {port} is taken: the edge of another Slipway, in /srv/other (process")
