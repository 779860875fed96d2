"""Tables for other programs, from the command."""

from __future__ import annotations

import json
from pathlib import Path

from slipway.cli.exit_codes import Exit
from tests.integration.cli.rig import User


def test_a_table_is_printed_or_written_to_a_file(slipway: User, app: str, tmp_path: Path) -> None:
    assert slipway("export", "apps").lines[1].startswith(f"{app},")
    assert [row["app"] for row in json.loads(slipway("export", "apps", "--format", "json").out)] == [app]
    assert [row["app"] for row in slipway("export", "apps", "--json").json] == [app]
    file = tmp_path / "apps.csv"
    assert slipway("export", "apps", "-o", str(file)).out == ""
    assert file.read_text().splitlines()[1].startswith(f"{app},")


def test_what_a_table_does_not_take_is_said(slipway: User, app: str) -> None:
    assert "--by is nothing of apps" in slipway("export", "apps", "--by", "app", code=Exit.USAGE).err
    assert slipway("export", "usage", "-a", "none", code=Exit.NOT_FOUND).out == ""
