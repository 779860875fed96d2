"""An app's settings: one model for the API and for slipway.toml."""

from __future__ import annotations

import math
from typing import Any

import pytest

from slipway.core.app_settings.model import AppSettings, file_values, overlay, parse
from slipway.errors import InvalidInput


def test_nothing_is_a_valid_setting() -> None:
    assert parse({}) == parse(file_values(b"")) == AppSettings()


def test_a_file_is_read() -> None:
    values = file_values(
        b"""
        port = 3000
        health_path = "/health"
        paths = ["services/api/**"]
        pre_deploy = "python manage.py migrate"
        strategy = "recreate"
        [processes.web]
        command = "gunicorn 'my app:app'"
        replicas = 2
        [resources]
        memory_mb = 256
        read_only = false
        [timeouts]
        drain_s = 0
        """
    )
    found = parse(values)
    assert (found.port, found.health_path, found.paths) == (3000, "/health", ("services/api/**",))
    assert found.processes["web"].replicas == 2
    assert (found.resources.memory_mb, found.resources.read_only) == (256, False)
    assert (found.timeouts.drain_s, found.strategy) == (0, "recreate")


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"prot": 3000}, "prot"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"port": "http"}, "port"),
        ({"health_path": "health"}, "health_path"),
        ({"health": "udp"}, "health"),
        ({"health": "tcp", "health_path": "/health"}, "sends no request"),
        ({"timeouts": {"watch_s": 601}}, "timeouts.watch_s"),
        ({"health_path": "/a\nb"}, "health_path"),
        ({"processes": {"Web": {}}}, "processes"),
        ({"processes": {"web": {"command": ""}}}, "command"),
        ({"processes": {"web": {"command": "'unclosed"}}}, "command"),
        ({"processes": {"web": {"replicas": 101}}}, "replicas"),
        ({"processes": {"web": {"replicas": -1}}}, "replicas"),
        ({"build": {"dockerfile": "../Dockerfile"}}, "dockerfile"),
        ({"build": {"context": "/etc/../.."}}, "context"),
        ({"resources": {"memory_mb": 1}}, "memory_mb"),
        ({"resources": {"cpus": 0}}, "cpus"),
        ({"timeouts": {"probe_s": 0}}, "probe_s"),
        ({"strategy": "blue-green"}, "strategy"),
        ({"paths": ["x" * 251]}, "paths"),
        ({"paths": ["x"] * 101}, "paths"),
        ({"paths": "src"}, "paths"),
        ({"max_body_mb": 0}, "max_body_mb"),
        ({"pre_deploy": "   "}, "pre_deploy"),
    ],
)
def test_what_breaks_a_rule_is_reported_by_the_fields_name(values: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInput, match=where) as refused:
        parse(values)
    assert "docs/reference" in refused.value.remedy


@pytest.mark.parametrize("values", [[], None, 7, "port = 1"])
def test_what_is_no_table_is_refused(values: Any) -> None:
    with pytest.raises(InvalidInput):
        parse(values)


@pytest.mark.parametrize("content", [b"port = ", b"\xff", b"port = 1\nport = 2", b"[port", b"\0"])
def test_a_file_that_is_no_toml_is_refused_by_its_name(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"slipway\.toml") as refused:
        file_values(content)
    assert "push again" in refused.value.remedy


def test_a_file_breaks_the_same_rules() -> None:
    with pytest.raises(InvalidInput, match="port"):
        file_values(b"port = 99999")


def test_only_what_the_file_says_is_taken_from_it() -> None:
    assert file_values(b"port = 3000") == {"port": 3000}


def test_the_file_goes_before_the_app_value_by_value() -> None:
    app = {
        "port": 1,
        "resources": {"memory_mb": 64, "cpus": 1.5},
        "paths": ["a"],
        "processes": {"web": {"replicas": 2}},
    }
    file = {"port": 2, "resources": {"memory_mb": 128}, "paths": ["b"], "processes": {"worker": {"command": "work"}}}
    merged = overlay(app, file)
    assert (merged.port, merged.resources.memory_mb, merged.resources.cpus) == (2, 128, 1.5)
    assert merged.paths == ("b",)
    assert set(merged.processes) == {"web", "worker"}
    assert app["port"] == 1, "neither is changed"


def test_the_overlay_is_checked_as_a_whole() -> None:
    with pytest.raises(InvalidInput):
        overlay({"port": 1}, {"port": 0})


def test_the_schema_of_the_file_names_every_setting() -> None:
    schema = AppSettings.model_json_schema()
    assert set(schema["properties"]) == set(AppSettings.model_fields)
    assert schema["additionalProperties"] is False


def test_settings_come_back_from_json() -> None:
    found = parse({"port": 1, "processes": {"web": {"command": "a b"}}})
    assert parse(found.model_dump(mode="json")) == found


def test_a_fault_in_the_file_is_reported_with_its_line() -> None:
    with pytest.raises(InvalidInput) as refused:
        file_values(b"port = 0\n\n[resources]\nmemory = 64\n")
    for fault in ("line 1: port must be at least 1", "line 4: resources.memory is not a setting; did you mean"):
        assert f"slipway.toml, {fault}" in refused.value.message
    assert refused.value.remedy.startswith("fix slipway.toml and push again")


NUMBERS = (
    *("resources.cpus", "resources.memory_mb", "resources.pids", "port", "max_concurrency", "max_body_mb"),
    *(
        f"timeouts.{name}_s"
        for name in ("connect", "read", "probe", "drain", "websocket_drain", "stop", "watch", "pre_deploy")
    ),
    *(
        "waiting.requests",
        "waiting.mb",
        "waiting.timeout_s",
        "ejection.failures",
        "ejection.pause_s",
        "ejection.most_s",
    ),
    *("breaker.failures", "breaker.pause_s", "processes.web.replicas", "https.hsts_s"),
)


def with_value(name: str, value: Any) -> dict[str, Any]:
    *tables, last = name.split(".")
    values: dict[str, Any] = {last: value}
    for table in reversed(tables):
        values = {table: values}
    return values


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 1e300, 10**400])
@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_is_without_bounds(name: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=name):
        parse(with_value(name, value))


def test_the_list_of_numbers_is_whole() -> None:
    schema = AppSettings.model_json_schema()

    def numbers(part: dict[str, Any]) -> int:
        own = [each for each in (part, *part.get("anyOf", ())) if each.get("type") in ("integer", "number")]
        assert all("maximum" in each and ("minimum" in each or "exclusiveMinimum" in each) for each in own)
        return len(own) + sum(numbers(each) for each in part.get("properties", {}).values())

    elsewhere = {"RouteTimeouts", "Limit"}
    """Those of limits: test_limits.py."""
    of_tables = sum(numbers(schema["$defs"][name]) for name in schema["$defs"] if name not in elsewhere)
    assert numbers(schema) + of_tables == len(NUMBERS)


@pytest.mark.parametrize("name", ["resources.cpus", "timeouts.connect_s", "timeouts.read_s", "ejection.pause_s"])
def test_what_would_be_rounded_to_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be at least 0.01"):
        parse(with_value(name, 0.004))
    parse(with_value(name, 0.01))
