"""kill -9 after any effect: the next agent brings a task of a service to its end, and no half backup is listed."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.models import App, ServiceTask, Variable
from tests.integration.agent.attached.conftest import DUMP, Attached, Programs
from tests.integration.agent.crashes import Countdown, Killed, Mortal, MortalDatabase
from tests.integration.agent.rig import Rig

EFFECTS_MOST = 60


@pytest.fixture
def folders() -> Iterator[Iterator[Path]]:
    whole = Path(tempfile.mkdtemp(prefix="slipway-agent-", dir="/dev/shm"))
    yield (whole / str(number) for number in itertools.count())
    shutil.rmtree(whole)


class MortalProgram(Mortal):
    """Dies, too, after what it read or wrote."""

    def __init__(self, inner: object, countdown: Countdown) -> None:
        super().__init__(inner, countdown, "read", "exit_code")


def through_crashes(attached: Attached, rig: Rig, programs: Programs, dies_after: int) -> int:
    """Let one agent die after so many effects, and the next one work; says how many died."""
    countdown = Countdown()
    rig.runtime.programs = lambda spec: MortalProgram(programs(spec), countdown)  # type: ignore[assignment,return-value]
    for deaths in range(2):
        countdown.left = None if deaths else dies_after
        rig.restart(
            db=MortalDatabase(rig.db, countdown), runtime=Mortal(rig.runtime, countdown, "open_terminal", "list")
        )
        try:
            rig.agent.services.run(attached.app.id)
        except Killed:
            half = [row for row in rig.all(ServiceTask) if row.state == "succeeded" and row.kind == "backup"]
            assert all((rig.settings.backup_dir / row.file).exists() for row in half)
            continue
        return deaths
    raise AssertionError("an agent without a countdown died")


@pytest.mark.parametrize("what", ["backup", "restore", "rotate"])
def test_after_any_effect(rig: Rig, attached: Attached, programs: Programs, folders: Iterator[Path], what: str) -> None:
    backup = attached.begin()
    if what != "backup":
        attached.run()
        backup = attached.row(backup)
        task = attached.begin(what, backup)
    else:
        task = backup
    for dies_after in range(1, EFFECTS_MOST):
        copy = rig.copy(next(folders))
        programs.ran.clear()
        deaths = through_crashes(attached, copy, programs, dies_after)
        row = copy.all(ServiceTask, id=task.id)[0]
        assert (row.state, row.detail) == ("succeeded", ""), dies_after
        check(attached, copy, programs, row)
        copy.db.dispose()
        if not deaths:
            return
    raise AssertionError("there is no end of its effects")


def check(attached: Attached, rig: Rig, programs: Programs, row: ServiceTask) -> None:
    if row.kind == "backup":
        where = (row.tenant_id, row.service_id, "backup")
        rig.agent.backups.check(row.file, row.digest, *where)
        assert b"".join(rig.agent.backups.read(row.file, *where)) == DUMP
    if row.kind == "restore":
        assert [each.spec.argv for each in programs.ran[-len(attached.kind.restore) :]] == [
            each.argv for each in attached.kind.restore
        ]
    if row.kind == "rotate":
        [variable] = rig.all(Variable, app_id=attached.user.id, name="DATABASE_URL")
        app: App = attached.user
        url = rig.vault.open(variable.sealed, app.tenant_id, app.id, "production", "DATABASE_URL")
        assert "f" * 48 in url
        assert row.sealed is None
