"""What the command shows of databases and stores, and what it asks for before something is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway import cli
from slipway.cli import account
from slipway.cli.commands.attached import backups
from slipway.cli.exit_codes import Exit
from tests.unit.cli.api_stand_in import answering, client

SERVICE = {
    "name": "db",
    "kind": "postgres",
    "version": "16",
    "image": "postgres:16",
    "state": "running",
    "host": "db",
    "port": 5432,
    "attachments": [{"app": "shop", "variable": "DATABASE_URL"}],
    "schedule": "17 2 * * *",
    "backups_kept": 7,
    "last_backup": None,
    "created_at": "2020-01-01T12:00:00Z",
}
TASK = {
    "id": 12,
    "kind": "backup",
    "state": "pending",
    "actor": "token:laptop",
    "backup": None,
    "size_bytes": None,
    "reason": "",
    "detail": "",
    "remedy": "",
    "ended_at": None,
}
MADE = TASK | {"state": "succeeded", "size_bytes": 3_000_000, "ended_at": "2020-01-01T12:00:00Z"}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(backups, "_LOOK_S", 0)

    def run(*arguments: str, answers: list[Any], code: Exit = Exit.DONE) -> tuple[str, str]:
        stand_in = client(answering(answers))
        monkeypatch.setattr(account, "signed_in", lambda *_, **__: stand_in)
        with pytest.raises(SystemExit) as ended:
            cli.main(("services", *arguments))
        assert ended.value.code == code
        return capsys.readouterr()

    return run


def test_services_are_a_table_with_who_uses_them(call: Any) -> None:
    out = call(answers=[{"services": [SERVICE]}])[0].splitlines()
    assert out[0].split() == ["SERVICE", "KIND", "STATE", "ATTACHED", "TO", "LAST", "BACKUP"]
    assert out[1].split() == ["db", "postgres", "16", "running", "shop", "none", "yet"]


def test_the_address_is_shown_to_those_who_get_it(call: Any) -> None:
    assert "url " not in call("show", "db", answers=[SERVICE | {"url": None}])[0]
    shown = call("show", "db", answers=[SERVICE | {"url": "postgresql://app:x@db:5432/app"}])[0]
    assert "url          postgresql://app:x@db:5432/app\n" in shown
    assert "attached to  shop as DATABASE_URL\n" in shown
    assert "backups      17 2 * * *, the newest 7 are kept\n" in shown


def test_a_backup_is_waited_for(call: Any) -> None:
    out = call("backup", "db", answers=[TASK, TASK | {"state": "running"}, MADE])[0]
    assert out == "Backup 12 of db is made: 3.0 MB.\n"
    assert call("backup", "db", "--no-wait", answers=[TASK])[0] == "It begins: slipway services backups db\n"
    assert json.loads(call("backup", "db", "--json", answers=[TASK, MADE])[0]) == MADE


def test_one_that_fails_says_why(call: Any) -> None:
    failed = TASK | {"state": "failed", "detail": "pg_dump ended with exit code 1: no", "remedy": "look at it"}
    out, err = call("backup", "db", answers=[TASK, failed], code=Exit.FAILED)
    assert (out, err) == ("It failed: pg_dump ended with exit code 1: no\n", "look at it\n")


def test_one_that_takes_too_long_goes_on(call: Any) -> None:
    _, err = call("backup", "db", "--timeout", "0", answers=[TASK], code=Exit.TIMED_OUT)
    assert "it goes on" in err


def test_a_restore_and_a_removal_take_the_services_name(call: Any) -> None:
    for arguments in (("restore", "db", "12"), ("restore", "db", "12", "--confirm", "bd"), ("remove", "db")):
        _, err = call(*arguments, answers=[SERVICE], code=Exit.USAGE)
        assert "say that you mean it by --confirm db" in err
    restored = MADE | {"kind": "restore", "backup": 12, "id": 13, "size_bytes": None}
    assert call("restore", "db", "12", "--confirm", "db", answers=[restored])[0] == "db has what backup 12 has.\n"
    gone = {"name": "db", "removed_volumes": ["db-production-data-1"], "removed_backups": 2}
    removed = call("remove", "db", "--confirm", "db", answers=[SERVICE, gone])[0]
    assert removed == "db is being removed, with its data and 2 backups.\n"


def test_a_download_is_written_as_it_comes(call: Any, tmp_path: Path) -> None:
    content = b"PGDMP" + bytes(range(256))
    call("download", "db", "12", "-o", str(tmp_path / "dump"), answers=[httpx.Response(200, content=content)])
    assert (tmp_path / "dump").read_bytes() == content


def test_a_schedule_that_is_taken_back_is_said_so(call: Any) -> None:
    out = call("set", "db", "--schedule", "", answers=[SERVICE | {"schedule": ""}])[0]
    assert out == "Backups of db: none by schedule, the newest 7 are kept.\n"
    assert "what is to be set?" in call("set", "db", answers=[SERVICE], code=Exit.USAGE)[1]
