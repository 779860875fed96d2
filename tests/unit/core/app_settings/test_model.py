"""An app's settings: one model for the API and for slipway.toml."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from slipway.core.app_settings.model import AppSettings, file_values, overlay, parse
from slipway.core.app_settings.settings_schema import schema
from slipway.core.naming.json_kinds import GIVEN
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
    *("previews.limit", "previews.expire_after_days"),
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

    elsewhere = {"RouteTimeouts", "Limit", "CronSettings"}
    """Those of limits: test_limits.py; of schedules: core/runs/test_cron_settings.py."""
    of_tables = sum(numbers(schema["$defs"][name]) for name in schema["$defs"] if name not in elsewhere)
    assert numbers(schema) + of_tables == len(NUMBERS)


@pytest.mark.parametrize("name", ["resources.cpus", "timeouts.connect_s", "timeouts.read_s", "ejection.pause_s"])
def test_what_would_be_rounded_to_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be at least 0.01"):
        parse(with_value(name, 0.004))
    parse(with_value(name, 0.01))


NO_NUMBERS = ("1", "", True, False, [1], {"a": 1})
NO_BOOLEANS = ("true", "yes", "", 1, 0, 1.0, [True])


def scalars(part: dict[str, Any], whole: dict[str, Any], names: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, str]]:
    """Each number and each boolean of the schema: its field, values with a place for it, and its type."""
    part = whole["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    if part.get("type") in ("integer", "number", "boolean"):
        yield ".".join(names), names, part["type"]
    for name, inner in part.get("properties", {}).items():
        yield from scalars(inner, whole, (*names, name))
    if isinstance(part.get("additionalProperties"), dict):
        yield from scalars(part["additionalProperties"], whole, (*names, "web"))
    if "items" in part:
        yield from scalars(part["items"], whole, (*names, "0"))


def at(names: tuple[str, ...], value: Any) -> Any:
    """The value where the names lead; the number 0 is a list's first entry."""
    for name in reversed(names):
        value = [value] if name == "0" else {name: value}
    return value


SCALARS = list(scalars(schema(), schema()))


@pytest.mark.parametrize(("field", "names", "kind"), SCALARS, ids=[each[0] for each in SCALARS])
def test_a_value_of_another_kind_is_refused_by_name(field: str, names: tuple[str, ...], kind: str) -> None:
    for wrong in NO_BOOLEANS if kind == "boolean" else NO_NUMBERS:
        with pytest.raises(InvalidInput, match=rf"{field.removesuffix('.0')}\b.* must be"):
            parse(at(names, wrong), GIVEN)


def test_every_kind_of_scalar_is_among_them() -> None:
    found = {each[0] for each in SCALARS}
    assert {
        "port",
        "weights.0",
        "processes.web.replicas",
        "resources.cpus",
        "https.redirect",
        "limits.0.at_once",
    } < found


def test_what_was_kept_before_is_read_as_it_is() -> None:
    assert parse({"port": "3000", "weights": [0, 0]}).port == 3000


@pytest.mark.parametrize("weights", [[0], [0, 0, 0]])
def test_weights_of_which_none_is_above_0_are_refused(weights: list[int]) -> None:
    with pytest.raises(InvalidInput, match=r"weights: .* above 0"):
        parse({"weights": weights}, GIVEN)
    with pytest.raises(InvalidInput, match=r"slipway.toml, line 1: weights: .* above 0"):
        file_values(f"weights = {weights}".encode())


def test_a_file_is_held_to_kinds_too() -> None:
    with pytest.raises(InvalidInput, match=r"slipway.toml, line 1: port must be a whole number"):
        file_values(b'port = "3000"')


@pytest.mark.parametrize("content", ["port = " + "1" * 5000, "port = " + "[" * 5000, "a." * (1 << 19), "port = \xff"])
def test_a_file_that_can_not_be_parsed_is_refused(content: str) -> None:
    with pytest.raises(InvalidInput, match=r"slipway\.toml"):
        file_values(content.encode("latin-1"))
