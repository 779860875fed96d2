"""A file of people sent in batches, and what is reported of each line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.cli.commands.access.people_import import ImportRun, write_report
from slipway.core.identity.people import BATCH_MOST
from slipway.errors import DependencyUnavailable, InvalidInput


class Platform:
    """Creates everybody whose login is not a conflict's."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.answers_most = 100

    def __call__(self, batch: list[dict[str, Any]], *, dry_run: bool) -> list[dict[str, Any]]:
        if len(self.batches) == self.answers_most:
            raise DependencyUnavailable("Keycloak does not answer.")
        self.batches.append(len(batch))
        return [self._outcome(line, dry_run=dry_run) for line in batch]

    @staticmethod
    def _outcome(line: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
        login = line["fields"]["login"]
        outcome = "conflict" if login == "bob" else "created"
        return {"number": line["number"], "login": login, "outcome": outcome, "detail": str(dry_run)}


def test_outcomes_stand_in_the_files_order() -> None:
    run = ImportRun(Platform(), dry_run=True)
    run.do(b"login\nada\nx,y\nbob\nADA\neve\n", None)
    assert [(each["number"], each["outcome"]) for each in run.lines] == [
        (2, "created"),
        (3, "refused"),
        (4, "conflict"),
        (5, "refused"),
        (6, "created"),
    ]
    assert [each["number"] for each in run.failed] == [3, 4, 5]
    assert run.counts == {"created": 2, "present": 0, "conflict": 1, "refused": 2}


def test_many_lines_go_in_batches_with_progress() -> None:
    platform, progress = Platform(), list[str]()
    count = 2 * BATCH_MOST + 1
    text = "\n".join(["login", *(f"p-{number}" for number in range(count))])
    ImportRun(platform, dry_run=False).do(text.encode(), progress.append)
    assert platform.batches == [BATCH_MOST, BATCH_MOST, 1]
    assert progress[-1] == f"{count} of {count} lines"


def test_lines_that_are_all_refused_are_not_sent() -> None:
    platform = Platform()
    ImportRun(platform, dry_run=False).do(b"login,email\nx\n", None)
    assert platform.batches == []


def test_a_report_of_what_was_done_before_it_was_cut_off(tmp_path: Path) -> None:
    platform = Platform()
    platform.answers_most = 1
    run = ImportRun(platform, dry_run=False)
    text = "\n".join(["login", *(f"p-{number}" for number in range(BATCH_MOST + 1))])
    with pytest.raises(DependencyUnavailable):
        run.do(text.encode(), None)
    report = tmp_path / "report.json"
    write_report(str(report), run)
    found = json.loads(report.read_text())
    assert (found["complete"], found["counts"]["created"]) == (False, BATCH_MOST)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_file_in_another_encoding_is_refused_with_its_line() -> None:
    run = ImportRun(Platform(), dry_run=False)
    with pytest.raises(InvalidInput, match="line 3 is not UTF-8"):
        run.do("login,last_name\nada,x\nbob,M\xfcller\n".encode("latin-1"), None)
