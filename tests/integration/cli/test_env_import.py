"""`slipway env import` and `env rename`: one change each, or none."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from slipway.cli.exit_codes import Exit
from slipway.models import AuditRecord
from tests.fixtures.releases import make_live
from tests.integration.cli.rig import Platform, User

FILE = """\ufeffexport URL='postgresql://u:hunter2@h/d'\r
# of the shop\r
KEY="one\r
two"\r
DEBUG=\r
"""
VALUES = {"URL": "postgresql://u:hunter2@h/d", "KEY": "one\ntwo", "DEBUG": ""}


def variables(slipway: User, app: str) -> dict[str, str]:
    listed = slipway("env", "-a", app, "--json").json["variables"]
    return {each["name"]: each["value"] for each in listed}


def number_of_deployments(slipway: User, app: str) -> int:
    return len(slipway("deployments", "-a", app, "--json").json["deployments"])


def changes(platform: Platform, app: str) -> list[dict[str, Any]]:
    query = select(AuditRecord.detail).filter_by(subject=app, action="variables.change").order_by(AuditRecord.id)
    with platform.api.services.db.read(platform="a test looks") as session:
        return list(session.scalars(query))


def test_a_file_is_set_in_one_change(platform: Platform, slipway: User, app: str) -> None:
    (slipway.home / ".env").write_bytes(FILE.encode())
    done = slipway("env", "import", "-a", app, ".env")
    assert done.out.startswith(f"Set 3 variables on {app}, of 3 in the file. In force with the next deployment")
    assert variables(slipway, app) == VALUES
    make_live(platform.api.services.db, app)
    slipway("env", "set", "-a", app, "DEBUG=1", "OTHER=2")
    done = slipway("env", "import", "-a", app, "-", stdin=FILE)
    assert done.out.startswith(f"Set 1 variable on {app}, of 3 in the file. Restarting without downtime")
    assert variables(slipway, app) == VALUES | {"OTHER": "2"}, "what the file does not name stays"
    assert number_of_deployments(slipway, app) == 3
    again = slipway("env", "import", "-a", app, ".env").out
    assert again == f"{app} has all 3 already; nothing was changed.\n"
    assert number_of_deployments(slipway, app) == 3
    assert [each["names"] for each in changes(platform, app)][2] == ["DEBUG"]


def test_a_dry_run_shows_names_and_no_values(platform: Platform, slipway: User, viewer: User, app: str) -> None:
    slipway("env", "set", "-a", app, "DEBUG=", "KEY=other")
    before = changes(platform, app)
    done = slipway("env", "import", "-a", app, "--dry-run", "-", stdin=FILE)
    assert [re.split(" {2,}", line) for line in done.lines[1:]] == [
        ["URL", "new", "26 characters"],
        ["KEY", "changed", "7 characters in 2 lines"],
        ["DEBUG", "as it is", "empty"],
    ]
    assert "hunter2" not in done.out + done.err
    assert "Nothing was changed" in done.err
    assert variables(slipway, app) == {"DEBUG": "", "KEY": "other"}
    assert changes(platform, app) == before
    document = slipway("env", "import", "-a", app, "--dry-run", "--json", "-", stdin=FILE).json
    assert (document["changed"], document["deployment"]) == (["URL", "KEY"], None)
    assert {each["value"] for each in document["variables"]} == {None}
    viewer("env", "import", "-a", app, "--dry-run", "-", stdin=FILE, code=Exit.REFUSED)


def test_a_bad_line_is_named_and_nothing_is_set(slipway: User, app: str) -> None:
    refused = slipway("env", "import", "-a", app, "-", stdin="A=1\nhunter2\n", code=Exit.USAGE)
    assert "line 2 is not NAME=VALUE" in refused.err
    assert "hunter2" not in refused.err
    empty = slipway("env", "import", "-a", app, "-", stdin="# none\n", code=Exit.USAGE)
    assert "the file sets no variable" in empty.err
    assert variables(slipway, app) == {}


def test_what_is_too_much_for_an_app_is_refused_by_a_dry_run_too(slipway: User, app: str) -> None:
    file = "".join(f"N{number}={'x' * 60_000}\n" for number in range(10))
    for options in ((), ("--dry-run",)):
        refused = slipway("env", "import", "-a", app, "-", *options, stdin=file, code=Exit.USAGE)
        assert "too much environment" in refused.err
    assert variables(slipway, app) == {}


def test_variables_of_builds_and_secret_ones_are_imported_as_such(slipway: User, app: str) -> None:
    slipway("env", "import", "-a", app, "--build", "--secret", "-", stdin="NPM_TOKEN=word\n")
    [row] = slipway("env", "-a", app, "--json").json["variables"]
    assert (row["scope"], row["secret"], row["value"]) == ("build", True, "word")


def test_a_variable_gets_another_name_and_keeps_its_value_and_mark(
    platform: Platform, slipway: User, viewer: User, app: str
) -> None:
    slipway("env", "set", "-a", app, "--secret", "OLD=word")
    slipway("env", "set", "-a", app, "TAKEN=1")
    make_live(platform.api.services.db, app)
    done = slipway("env", "rename", "-a", app, "OLD", "NEW")
    assert done.out.startswith(f"OLD is NEW on {app}. Restarting without downtime: slipway deployments show")
    rows = {each["name"]: each for each in slipway("env", "-a", app, "--json").json["variables"]}
    assert {name: (each["value"], each["secret"]) for name, each in rows.items()} == {
        "NEW": ("word", True),
        "TAKEN": ("1", False),
    }
    assert changes(platform, app)[-1]["names"] == ["OLD", "NEW"]
    assert "no variable 'OLD'" in slipway("env", "rename", "-a", app, "OLD", "X", code=Exit.NOT_FOUND).err
    assert "has a variable TAKEN already" in slipway("env", "rename", "-a", app, "NEW", "TAKEN", code=Exit.FAILED).err
    assert "can't be a variable's name" in slipway("env", "rename", "-a", app, "NEW", "A-B", code=Exit.USAGE).err
    viewer("env", "rename", "-a", app, "NEW", "X", code=Exit.REFUSED)
    assert number_of_deployments(slipway, app) == 2
