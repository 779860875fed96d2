"""`make up` while supervisord ends under it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import HostUnready
from slipway.host.install import ports
from slipway.host.processes import lifecycle, other_installations
from slipway.host.processes.lifecycle import Platform
from slipway.host.processes.services import Service
from slipway.host.processes.supervisor import Process, Supervisor
from slipway.settings import load
from tests.unit.host.host_fakes import FakeCommands


class EndedSupervisor(Supervisor):
    """It took its configuration and ended, after this many answers."""

    answers = 0

    def apply(self, *_: object) -> list[str]:
        return ["agent"]

    def runs(self) -> bool:
        return EndedSupervisor.answers > 0

    def processes(self) -> list[Process]:
        if not self.runs():
            raise ConnectionRefusedError
        EndedSupervisor.answers -= 1
        return [Process("agent", 0, "STARTING", 7, 0, "")]


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setattr(other_installations, "check", lambda _: None)
    monkeypatch.setattr(ports, "check", lambda _: None)
    monkeypatch.setattr(Platform, "prepare", lambda _: None)
    monkeypatch.setattr(lifecycle, "Supervisor", EndedSupervisor)
    return Platform(FakeCommands(), load({"SLIPWAY_STATE_DIR": str(tmp_path)}), {}, tmp_path, lambda _: None)


@pytest.mark.parametrize("answers", [0, 1])
@pytest.mark.parametrize("services_answer", [False, True])
def test_a_supervisord_that_ends_while_services_start_is_reported_with_its_log(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, answers: int, services_answer: bool
) -> None:
    monkeypatch.setattr(EndedSupervisor, "answers", answers)
    agent = Service("agent", "", lambda _: [], lambda _: (services_answer, ""), ())
    monkeypatch.setattr(lifecycle, "wanted", lambda _: [agent])
    with pytest.raises(HostUnready) as failure:
        platform.up()
    assert failure.value.message == "supervisord ended while the services were starting"
    log = platform.settings.log_dir / "services" / "supervisord.log"
    assert failure.value.remedy == f"look at {log}, then `make up` again"
