"""The Procfile lies below the app's settings."""

from __future__ import annotations

from slipway.core.build import procfile

LINES = {"web": "sh -c 'exec gunicorn app:app'", "release": "sh -c 'exec flask db upgrade'"}


def test_the_release_line_is_the_command_before_each_deployment() -> None:
    merged = procfile.below({}, LINES)
    assert merged["pre_deploy"] == LINES["release"]
    assert set(merged["processes"]) == {"web"}


def test_a_pre_deploy_setting_goes_before_the_release_line() -> None:
    merged = procfile.below({"pre_deploy": "migrate"}, LINES)
    assert merged["pre_deploy"] == "migrate"
    assert set(merged["processes"]) == {"web"}


def test_a_process_keeps_the_files_command_where_the_settings_only_scale_it() -> None:
    merged = procfile.below({"processes": {"web": {"replicas": 3}}, "port": 9000}, LINES)
    assert merged["processes"]["web"] == {"command": LINES["web"], "replicas": 3}
    assert merged["port"] == 9000


def test_without_a_procfile_the_settings_stay_as_they_are() -> None:
    assert procfile.below({"port": 9000}, {}) == {"port": 9000}
