"""The platform of stand-ins, under a folder, a port and an instance's name of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from slipway.host.commands import Commands
from slipway.host.processes.lifecycle import Platform
from slipway.host.processes.probing import wait_until
from slipway.settings import load
from tests.fixtures.ports import free_port
from tests.integration.host import host_stubs

ROOT = Path(__file__).parents[3]


@dataclass
class Installation:
    """A platform and what it said."""

    platform: Platform
    said: list[str] = field(default_factory=list)

    @property
    def state_dir(self) -> Path:
        return self.platform.settings.state_dir

    def with_settings(self, **values: str) -> Platform:
        """The same platform after its settings were changed."""
        environment = dict(self.platform.environment) | {
            f"SLIPWAY_{name.upper()}": text for name, text in values.items()
        }
        return replace(self.platform, environment=environment, settings=load(environment))

    def pid(self, service: str, instance: int = 0) -> int:
        found = [state for state in self.platform.status() if (state.service, state.instance) == (service, instance)]
        return found[0].pid if found else 0

    def pids(self) -> dict[str, int]:
        return {f"{state.service}-{state.instance}": state.pid for state in self.platform.status()}

    def all_ready(self) -> bool:
        states = self.platform.status()
        return bool(states) and all(state.ready and state.pid for state in states)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not alive(pid), timeout_s=60)


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    stat = Path("/proc", str(pid), "stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def installation() -> Iterator[Installation]:
    """One that a test has for itself, not started yet."""
    with _installed() as one:
        yield one


@pytest.fixture(scope="module")
def _shared() -> Iterator[Installation]:
    with _installed() as one:
        yield one


@pytest.fixture
def running(_shared: Installation) -> Installation:
    """One that several tests share, each after the other, up and ready."""
    if not _shared.all_ready():
        _shared.platform.up()
    return _shared


@contextmanager
def _installed() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="slw-", dir="/tmp"))
    folder.chmod(0o711)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")},
        "PYTHONPATH": str(ROOT),
        "SLIPWAY_INSTANCE": f"h{secrets.token_hex(3)}",
        "SLIPWAY_STATE_DIR": str(folder / "s"),
        "SLIPWAY_HTTP_LISTEN": f"127.0.0.1:{free_port()}",
        "SLIPWAY_WORKERS": "1",
    }
    said: list[str] = []
    checkout = host_stubs.write(folder / "checkout")
    one = Installation(Platform(Commands(), load(environment), environment, checkout, said.append), said)
    try:
        yield one
    finally:
        one.platform.down()
        shutil.rmtree(folder)
