"""Databases and stores by the command, on the API itself."""

from __future__ import annotations

from slipway.cli.exit_codes import Exit
from tests.integration.cli.rig import User


def test_a_service_is_made_attached_backed_up_and_removed(slipway: User, app: str) -> None:
    assert "db is being started" in slipway("services", "create", "postgres", "db", "--version", "16").out
    assert "postgres 16" in slipway("services", "show", "db").out
    assert slipway("services", "--json").json["services"][0]["name"] == "db"
    attached = slipway("services", "attach", "db", "-a", app).out
    assert attached.startswith(f"db is attached to {app} as DATABASE_URL. In force with the next deployment")
    assert f"Deployed with it: {app}." in slipway("services", "rotate", "db").out
    assert "the newest 3 are kept" in slipway("services", "set", "db", "--keep", "3").out
    assert slipway("services", "backup", "db", "--no-wait").out == "It begins: slipway services backups db\n"
    assert "None yet" in slipway("services", "backups", "db").err
    slipway("services", "restore", "db", "771", "--confirm", "db", code=Exit.NOT_FOUND)
    slipway("services", "download", "db", "771", "-o", "/dev/null", code=Exit.NOT_FOUND)
    refused = slipway("services", "remove", "db", "--confirm", "db", code=Exit.FAILED).err
    assert f"slipway services detach db -a {app}" in refused
    assert f"db is no longer attached to {app}." in slipway("services", "detach", "db", "-a", app).out
    assert "db is being removed" in slipway("services", "remove", "db", "--confirm", "db").out
    slipway("services", "show", "db", code=Exit.NOT_FOUND)
