from __future__ import annotations

from pathlib import Path

import pytest

from slipway.host import doctor
from slipway.host.commands import Commands
from slipway.host.doctor import Finding, HostChecks, describe, diagnose
from slipway.settings import load
from tests.unit.host.host_fakes import FakeCommands

GIB = 1 << 30


def look(commands: Commands, tmp_path: Path, **settings: str) -> HostChecks:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\ntmpfs {tmp_path}/ram tmpfs rw 0 0\n")
    (tmp_path / "ram").mkdir(exist_ok=True)
    values = {"SLIPWAY_STATE_DIR": str(tmp_path / "s"), "SLIPWAY_DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    return HostChecks(load(values | settings), commands, mounts)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Free bytes of every file system."""
    amount = {"bytes": 100 * GIB}
    monkeypatch.setattr(doctor, "_free_bytes", lambda _: amount["bytes"])
    return amount


def test_scratch_on_a_disk_is_a_finding_with_a_remedy(tmp_path: Path, free: dict[str, int]) -> None:
    finding = look(FakeCommands(), tmp_path, SLIPWAY_SCRATCH_DIR="/").scratch()
    assert not finding.ok
    assert "ext4" in finding.detail
    assert "SLIPWAY_SCRATCH_DIR" in finding.remedy


def test_scratch_in_memory_is_fine_until_it_is_full(tmp_path: Path, free: dict[str, int]) -> None:
    checks = look(FakeCommands(), tmp_path, SLIPWAY_SCRATCH_DIR=str(tmp_path / "ram"))
    assert checks.scratch().ok
    free["bytes"] = 1
    assert not checks.scratch().ok


def test_too_little_disk_is_a_finding(tmp_path: Path, free: dict[str, int]) -> None:
    commands = FakeCommands("/usr/bin/docker")
    commands.answer("/usr/bin/docker", "--version", output="Docker version 20.10.24")
    free["bytes"] = GIB
    finding = look(commands, tmp_path, SLIPWAY_DISK_FLOOR_BYTES="2g").disk()
    assert not finding.ok
    assert "1.0 GiB free" in finding.detail


def test_an_unusable_firewall_is_reported_in_its_own_words(tmp_path: Path) -> None:
    commands = FakeCommands("iptables")
    commands.answer("iptables", code=4, output="Fatal: can't initialize iptables table `filter'")
    finding = look(commands, tmp_path).firewall()
    assert (finding.ok, finding.detail) == (False, "Fatal: can't initialize iptables table `filter'")


def test_a_key_that_others_may_read_is_a_finding(tmp_path: Path) -> None:
    keys = tmp_path / "s" / "keys"
    keys.mkdir(parents=True)
    keys.chmod(0o700)
    (keys / "values.key").touch(mode=0o644)
    finding = look(FakeCommands(), tmp_path).permissions()
    assert not finding.ok
    assert finding.remedy == f"chmod go= {keys / 'values.key'}"


def test_https_with_half_a_certificate_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.host.processes.lifecycle.Platform.status", lambda _: [])
    assert look(FakeCommands(), tmp_path).https().ok
    settings = look(FakeCommands(), tmp_path, SLIPWAY_HTTPS_LISTEN="8443", SLIPWAY_TLS_KEY="/none").settings

    (found,) = (found for found in diagnose(settings, FakeCommands("git")) if found.name == "https")

    assert not found.ok
    assert "SLIPWAY_TLS_CERTIFICATE" in found.detail
    assert found.remedy


def test_a_check_that_can_not_even_ask_is_a_finding_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.host.processes.lifecycle.Platform.status", lambda _: [])
    monkeypatch.setattr("slipway.host.install.engine.engine_answers", lambda _: False)
    findings = {
        found.name: found for found in diagnose(look(FakeCommands("git"), tmp_path).settings, FakeCommands("git"))
    }
    assert not findings["client"].ok
    assert "BuildKit" in findings["client"].detail
    assert findings["services"].remedy == "make up"
    assert findings["sockets' paths"].ok


def test_remedies_stand_below_their_findings() -> None:
    text = describe([Finding("disk", True, "100 GiB free"), Finding("clock", False, "wrong", "set it")])
    assert text.splitlines() == ["✔ disk   100 GiB free", "✘ clock  wrong", "         → set it"]


def test_an_image_needs_no_program_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("slipway.host.checkout.is_checkout", lambda: False)
    programs = diagnose(look(FakeCommands(), tmp_path).settings, FakeCommands())[0]
    assert (programs.name, programs.ok) == ("programs", True)
