"""Backups and restores, as the agent makes them in a service's container."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builder.agent.attached.backups import BackupSchedules, trim_backups
from builder.agent.attached.reconciling import WAIT_S
from slipway.domain import intents
from slipway.errors import BackupDamaged, Conflict
from slipway.models import ServiceTask, now
from tests.integration.agent.attached.conftest import DUMP, Attached, Programs
from tests.integration.agent.rig import Rig


def backed_up(attached: Attached) -> ServiceTask:
    task = attached.begin()
    attached.run()
    row = attached.row(task)
    assert (row.state, row.detail) == ("succeeded", "")
    return row


def content(attached: Attached, task: ServiceTask) -> bytes:
    where = (attached.service.tenant_id, attached.service.id, "backup")
    return b"".join(attached.rig.agent.backups.read(task.file, *where))


def test_a_backup_is_what_the_services_own_program_prints(attached: Attached, programs: Programs) -> None:
    row = backed_up(attached)
    [program] = programs.ran
    assert program.spec.argv == attached.kind.dump
    assert attached.files() == [row.file]
    assert content(attached, row) == DUMP
    assert row.size_bytes == (attached.rig.settings.backup_dir / row.file).stat().st_size


def test_a_dump_that_fails_leaves_nothing_and_says_why(attached: Attached, programs: Programs) -> None:
    programs.fails["pg_dump"] = 1
    task = attached.begin()
    attached.run()
    row = attached.row(task)
    assert (row.state, row.reason) == ("failed", "command-failed")
    assert row.detail == "pg_dump ended with exit code 1: error: no room"
    assert (attached.files(), row.file) == ([], "")
    assert attached.run() is None, "nothing is left to do"


def test_one_is_made_at_a_time(attached: Attached) -> None:
    attached.begin()
    with pytest.raises(Conflict, match="under way"):
        attached.begin()


def test_it_waits_for_a_service_that_does_not_run_but_not_for_ever(rig: Rig, attached: Attached) -> None:
    rig.intend(attached.app, intents.scale, process="web", replicas=0)
    rig.settle(attached.app)
    rig.ahead_s = 3600
    rig.settle(attached.app)
    rig.ahead_s = 0
    task = attached.begin()
    at = attached.run()
    assert at is not None
    assert (attached.row(task).state, at > rig.clock()) == ("pending", True)
    rig.ahead_s = WAIT_S + 5
    attached.run()
    row = attached.row(task)
    assert (row.state, row.reason) == ("failed", "service-stopped")


def test_a_restore_gives_its_program_what_was_backed_up(attached: Attached, programs: Programs) -> None:
    backup = backed_up(attached)
    programs.ran.clear()
    task = attached.begin("restore", backup)
    attached.run()
    assert attached.row(task).state == "succeeded"
    steps = attached.kind.restore
    assert [each.spec.argv for each in programs.ran] == [each.argv for each in steps]
    assert [bytes(each.read_so_far) for each in programs.ran] == [DUMP if each.takes_dump else b"" for each in steps]


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_backup_is_refused_before_anything_is_changed(
    attached: Attached, programs: Programs, damage: str
) -> None:
    backup = backed_up(attached)
    path = attached.rig.settings.backup_dir / backup.file
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-100] if damage == "cut" else whole[:-100] + bytes(100))
    programs.ran.clear()
    task = attached.begin("restore", backup)
    attached.run()
    row = attached.row(task)
    assert (row.state, row.reason, programs.ran) == ("failed", "backup-damaged", [])
    assert row.detail.startswith("The backup is damaged: ")
    assert row.detail.endswith("Nothing was changed.")


def test_a_step_that_fails_is_the_last_one(attached: Attached, programs: Programs) -> None:
    backup = backed_up(attached)
    programs.ran.clear()
    programs.fails["pg_restore"] = 1
    task = attached.begin("restore", backup)
    attached.run()
    assert (attached.row(task).state, programs.names) == ("failed", ["dropdb", "createdb", "pg_restore"])


def test_the_newest_are_kept_and_what_belongs_to_none_goes(rig: Rig, attached: Attached) -> None:
    rows = [backed_up(attached) for _ in range(3)]
    (rig.settings.backup_dir / f"{'a' * 32}.part").write_bytes(b"half")
    assert trim_backups(rig.db, rig.agent.backups) == 1
    assert [row.id for row in rig.all(ServiceTask)] == [row.id for row in rows[1:]]
    assert attached.files() == sorted(row.file for row in rows[1:])
    assert trim_backups(rig.db, rig.agent.backups) == 0


def test_one_that_is_being_written_is_left(rig: Rig, attached: Attached) -> None:
    task = attached.begin()
    rig.settings.backup_dir.mkdir(exist_ok=True)
    (rig.settings.backup_dir / f"{task.file}.part").write_bytes(b"half")
    trim_backups(rig.db, rig.agent.backups)
    assert attached.files() == [f"{task.file}.part"]


def test_each_tick_of_the_schedule_makes_one_and_a_late_one_is_made_once(rig: Rig, attached: Attached) -> None:
    rig.change(attached.service, schedule="0 * * * *", scheduled_at=now() - timedelta(hours=3, minutes=1))
    woken: list[int] = []
    for _ in range(2):
        BackupSchedules(rig.db, rig.clock, woken.append).look()
        attached.run()
    [row] = rig.all(ServiceTask)
    assert (row.state, row.actor, row.tick is not None, woken) == ("succeeded", "schedule", True, [attached.app.id])
    rig.ahead_s = 3600
    BackupSchedules(rig.db, rig.clock, woken.append).look()
    assert len({row.tick for row in rig.all(ServiceTask)}) == 2


def test_nothing_is_made_without_a_schedule_or_before_its_first_tick(rig: Rig, attached: Attached) -> None:
    schedules = BackupSchedules(rig.db, rig.clock, lambda _app: pytest.fail("it was woken"))
    schedules.look()
    rig.change(attached.service, schedule="0 0 1 1 *", scheduled_at=now())
    rig.ahead_s = 120
    schedules.look()
    assert rig.all(ServiceTask) == []


def test_a_file_of_another_service_does_not_open(rig: Rig, attached: Attached) -> None:
    row = backed_up(attached)
    with pytest.raises(BackupDamaged, match="another service's"):
        list(rig.agent.backups.read(row.file, attached.service.tenant_id, attached.service.id + 1, "backup"))
