from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.host.backup import schedule
from slipway.host.backup.__main__ import AGAIN_S, look
from slipway.host.doctor import HostChecks
from slipway.settings import Settings, load
from tests.unit.host.host_fakes import FakeCommands

BACKUP = (sys.executable, "-m", "slipway.host", "backup")
NOW = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    values = {"BACKUP_FOLDER": str(tmp_path), "BACKUP_EVERY_H": "6", "BACKUP_KEEP": "2"}
    return load({f"SLIPWAY_{name}": value for name, value in values.items()})


def made(settings: Settings, *hours_ago: float) -> list[str]:
    files = [schedule.file_for(settings, NOW - timedelta(hours=hours)) for hours in hours_ago]
    for file in files:
        file.touch()
    return [file.name for file in files]


def test_the_first_is_due_at_once(settings: Settings) -> None:
    assert schedule.due_at(settings, NOW) == NOW


def test_the_next_is_due_after_the_newest(settings: Settings) -> None:
    made(settings, 20, 2, 8)
    assert schedule.due_at(settings, NOW) == NOW + timedelta(hours=4)


def test_one_of_the_future_does_not_hold_the_next_back(settings: Settings) -> None:
    made(settings, -100)
    assert schedule.due_at(settings, NOW) == NOW


def test_the_newest_stay_and_what_is_not_this_installations(settings: Settings, tmp_path: Path) -> None:
    names = made(settings, 1, 7, 13, 19)
    others = ["slipway-another-20261130T000000Z.backup", "notes.txt", "slipway-slipway-by-hand.backup"]
    for name in others:
        (tmp_path / name).touch()
    schedule.trim(settings, NOW)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([*names[:2], *others])


def test_those_of_the_future_are_the_first_to_go(settings: Settings, tmp_path: Path) -> None:
    names = made(settings, 0, 7, -100, -200)
    schedule.trim(settings, NOW)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names[:2])


def test_what_is_half_written_goes_before_the_next_one_is_made(settings: Settings, tmp_path: Path) -> None:
    half = tmp_path / "slipway-slipway-20261130T000000Z.backup.partial"
    others = tmp_path / "slipway-another-20261130T000000Z.backup.partial"
    half.touch()
    others.touch()
    commands = FakeCommands()
    commands.answer_by(lambda _: 1, *BACKUP)
    look(settings, commands)
    assert [each.name for each in tmp_path.iterdir()] == [others.name]


@pytest.mark.parametrize(
    ("hours_ago", "is_fine", "said"),
    [((), False, "none yet"), ((11,), True, "the newest 11 h ago"), ((13,), False, "one is due every 6 h")],
)
def test_one_that_is_missed_is_a_finding(
    settings: Settings, hours_ago: tuple[float, ...], is_fine: bool, said: str
) -> None:
    made(settings, *hours_ago)
    ok, detail, remedy = schedule.judge(settings, NOW)
    assert (ok, bool(remedy)) == (is_fine, not is_fine)
    assert said in detail


def test_the_doctor_says_that_none_are_scheduled() -> None:
    finding = HostChecks(load({}), FakeCommands()).backups()
    assert (finding.ok, finding.detail) == (True, "none are scheduled: SLIPWAY_BACKUP_FOLDER is empty")


def test_nothing_is_made_before_it_is_due(settings: Settings) -> None:
    schedule.file_for(settings, datetime.now(UTC)).touch()
    commands = FakeCommands()
    assert look(settings, commands) <= 60
    assert commands.ran == []


def test_one_that_fails_is_tried_again_later_and_removes_nothing(settings: Settings, tmp_path: Path) -> None:
    names = made(settings, 50, 60, 70)
    commands = FakeCommands()
    commands.answer_by(lambda _: 1, *BACKUP)
    assert look(settings, commands) == AGAIN_S
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names)


def test_one_that_is_due_is_made_and_the_oldest_goes(settings: Settings, tmp_path: Path) -> None:
    made(settings, 50, 60)

    def write(argv: Sequence[str]) -> int:
        Path(argv[-1]).touch()
        return 0

    commands = FakeCommands()
    commands.answer_by(write, *BACKUP)
    assert look(settings, commands) <= 60
    assert Path(commands.ran[0][-1]).exists()
    assert len(list(tmp_path.iterdir())) == 2
