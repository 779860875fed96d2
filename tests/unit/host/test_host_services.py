from __future__ import annotations

import configparser
import dataclasses
import shlex
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import HostUnready
from slipway.host import edge
from slipway.host.processes.lifecycle import State, describe
from slipway.host.processes.services import SERVICES, wanted
from slipway.host.processes.supervisor import code_mark, configuration
from slipway.host.processes.units import units
from slipway.settings import load

ROOT = Path(__file__).parents[3]


def sections(environment: dict[str, str], checkout: Path) -> configparser.RawConfigParser:
    settings = load(environment)
    parsed = configparser.RawConfigParser()
    parsed.read_string(configuration(settings, wanted(settings), environment, checkout))
    return parsed


def variables(section: configparser.SectionProxy) -> dict[str, str]:
    """As supervisor reads them: % is expanded, then shlex takes the quotes off."""
    text = (section["environment"]).replace("%%", "%")
    tokens = [token for token in shlex.shlex(text, posix=True, punctuation_chars=",") if token != ","]
    pieces = "".join(tokens)
    return dict(part.split("=", 1) for part in shlex.split(text.replace(",SLIPWAY", " SLIPWAY"))) if pieces else {}


def test_every_service_has_its_program_with_its_processes(tmp_path: Path) -> None:
    parsed = sections({"SLIPWAY_STATE_DIR": "/s", "SLIPWAY_WORKERS": "3"}, tmp_path)
    assert {name: parsed[f"program:{name}"]["numprocs"] for name in ("worker", "agent")} == {
        "worker": "3",
        "agent": "1",
    }


def test_what_a_worker_started_stops_with_it(tmp_path: Path) -> None:
    parsed = sections({"SLIPWAY_STATE_DIR": "/s"}, tmp_path)
    groups = {name: parsed[f"program:{name}"]["stopasgroup"] for name in ("worker", "webhook", "edge")}
    assert groups == {"worker": "true", "webhook": "false", "edge": "false"}


def test_another_redis_is_not_ours_to_run(tmp_path: Path) -> None:
    parsed = sections({"SLIPWAY_STATE_DIR": "/s", "SLIPWAY_REDIS_URL": "redis://elsewhere:6379/0"}, tmp_path)
    assert "program:redis" not in parsed


def test_a_settings_value_arrives_as_it_was_written(tmp_path: Path) -> None:
    awkward = 'p%40ss "quoted" \\, done'
    parsed = sections({"SLIPWAY_STATE_DIR": "/s", "SLIPWAY_GITHUB_TOKEN": awkward}, tmp_path)
    assert variables(parsed["program:webhook"])["SLIPWAY_GITHUB_TOKEN"] == awkward


def test_a_line_break_can_not_smuggle_in_a_directive(tmp_path: Path) -> None:
    with pytest.raises(HostUnready, match="line break"):
        sections({"SLIPWAY_STATE_DIR": "/s", "SLIPWAY_GITHUB_TOKEN": "x\n[program:evil]"}, tmp_path)


def test_the_command_line_clients_variables_restart_nothing(tmp_path: Path) -> None:
    environment = {"SLIPWAY_STATE_DIR": "/s"}
    settings = load(environment)
    texts = {
        configuration(settings, wanted(settings), environment | {"SLIPWAY_TOKEN": token}, tmp_path)
        for token in ("one", "two")
    }
    assert len(texts) == 1


def test_no_service_is_given_what_changes_the_schema(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://owner:secret@/slipway"
    settings = load({"SLIPWAY_STATE_DIR": "/s", "SLIPWAY_DATABASE_OWNER_URL": secret})
    environment = {"SLIPWAY_STATE_DIR": "/s", "SLIPWAY_DATABASE_OWNER_URL": secret}
    assert secret not in configuration(settings, wanted(settings), environment, tmp_path)


def test_backups_alone_are_made_by_the_role_that_owns_the_tables(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://owner:secret@/slipway"
    values = {"STATE_DIR": "/s", "DATABASE_OWNER_URL": secret, "BACKUP_FOLDER": "/b"}
    parsed = sections({f"SLIPWAY_{name}": value for name, value in values.items()}, tmp_path)
    given = [name for name in parsed.sections() if secret in parsed[name].get("environment", "")]
    assert given == ["program:backup"]


def test_a_setting_that_does_not_concern_the_edge_leaves_it_running(tmp_path: Path) -> None:
    before, after = (sections({"SLIPWAY_STATE_DIR": "/s", "SLIPWAY_BUILD_CPUS": cpus}, tmp_path) for cpus in ("1", "2"))
    assert dict(before["program:edge"]) == dict(after["program:edge"])
    assert dict(before["program:worker"]) != dict(after["program:worker"])


def test_the_edges_row_lists_every_setting_that_the_edge_reads(tmp_path: Path) -> None:
    settings = load({"SLIPWAY_STATE_DIR": str(tmp_path)})
    names = {field.name for field in dataclasses.fields(settings)}
    read: set[str] = set()

    class Watched:
        def __getattr__(self, name: str) -> Any:
            read.update({name} & names)
            return getattr(settings, name)

    watched: Any = Watched()
    edge._values(watched)
    edge._lua_settings(watched)
    edge._globals(watched)
    [row] = [service for service in SERVICES if service.name == "edge"]
    assert read <= set(row.settings)


def test_changed_code_changes_the_mark_and_other_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "webhook").mkdir()
    (tmp_path / "webhook" / "wsgi.py").write_text("1")
    before = code_mark(tmp_path, ["webhook"])
    (tmp_path / "webhook" / "notes.md").write_text("1")
    assert code_mark(tmp_path, ["webhook"]) == before
    (tmp_path / "webhook" / "wsgi.py").write_text("2")
    assert code_mark(tmp_path, ["webhook"]) != before


@pytest.mark.parametrize(
    ("name", "restarts"),
    [
        ("nginx/nginx.conf", True),
        ("nginx/lua/slipway/init.lua", True),
        ("slipway/host/edge.py", True),
        ("nginx/spec/globals_spec.lua", False),
    ],
)
def test_the_edge_restarts_for_what_it_runs_and_not_for_its_specs(tmp_path: Path, name: str, restarts: bool) -> None:
    [edges] = [service.code for service in SERVICES if service.name == "edge"]
    before = code_mark(tmp_path, edges)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("changed")
    assert (code_mark(tmp_path, edges) != before) is restarts


def test_the_tables_code_exists() -> None:
    named = {name for service in SERVICES for name in service.code}
    assert {name for name in named if not any(ROOT.glob(name))} == set()


def test_the_units_in_the_tree_are_those_of_the_table() -> None:
    folder = ROOT / "deploy" / "systemd"
    assert {path.name: path.read_text() for path in folder.glob("slipway*")} == units()


def test_the_webhooks_unit_hides_the_key_of_apps_secrets() -> None:
    assert "/var/lib/slipway/keys/values.key" in units()["slipway-webhook.service"]


def test_the_router_alone_can_read_the_key_that_signs_identities() -> None:
    hiding = {name for name, text in units().items() if "/var/lib/slipway/keys/identity.key" in text}
    services = {name for name in units() if name.endswith(".service")}
    reading = services - hiding
    assert reading == {f"slipway-{name}.service" for name in ("router", "prepare", "redis", "backup")}
    assert "-/var/lib/slipway/keys " in units()["slipway-redis.service"], "it sees no key at all"


def test_own_certificates_are_opened_by_their_worker_alone_which_reads_no_other_key() -> None:
    hiding = {name for name, text in units().items() if "/var/lib/slipway/keys/certificates.key" in text}
    reading = {name for name, text in units().items() if name.endswith(".service")} - hiding
    no_keys = {name for name in reading if "-/var/lib/slipway/keys " in units()[name]}
    assert reading - no_keys == {f"slipway-{name}.service" for name in ("router", "certificates", "prepare", "backup")}
    for name in ("hooks.key", "values.key", "identity.key", "keycloak-admin.secret", "keycloak-router.secret"):
        assert f"/var/lib/slipway/keys/{name}" in units()["slipway-certificates.service"]


def test_status_says_what_an_unready_service_answered() -> None:
    ready = State("redis", 0, "RUNNING", 12, 7300, True, "")
    late = State("webhook", 0, "RUNNING", 13, 5, False, "GET /readyz on webhook.sock: 503")
    first, second = describe([ready, late]).splitlines()
    assert first == "●  redis-0    running  12  2 h"
    assert second == "▲  webhook-0  running  13  5 s  GET /readyz on webhook.sock: 503"


def test_status_of_a_stopped_platform_teaches_the_next_command() -> None:
    assert "make up" in describe([])
