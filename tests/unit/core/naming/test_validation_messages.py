"""What breaks a setting's rule, in words for people."""

from __future__ import annotations

import math
from typing import Any

import pytest

from slipway.core.app_settings.model import parse
from slipway.errors import InvalidInput


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"health_pth": "/"}, "health_pth is not a setting; did you mean health_path?"),
        ({"zzz": 1}, "zzz is not a setting"),
        ({"resources": {"memory": 64}}, "resources.memory is not a setting; did you mean resources.memory_mb?"),
        (
            {"processes": {"web": {"comand": "x"}}},
            "processes.web.comand is not a setting; did you mean processes.web.command?",
        ),
        ({"port": "http"}, "port must be a whole number"),
        ({"port": 1.5}, "port must be a whole number"),
        ({"port": 0}, "port must be at least 1"),
        ({"port": 65536}, "port must be at most 65535"),
        ({"resources": {"cpus": "all"}}, "resources.cpus must be a number"),
        ({"resources": {"cpus": 0}}, "resources.cpus must be at least 0.01"),
        ({"resources": {"cpus": 1e-9}}, "resources.cpus must be at least 0.01"),
        ({"resources": {"cpus": math.nan}}, "resources.cpus must be a number, not nan or infinite"),
        ({"resources": {"memory_mb": math.inf}}, "resources.memory_mb must be a number, not nan or infinite"),
        ({"timeouts": {"connect_s": 1e-9}}, "timeouts.connect_s must be at least 0.01"),
        ({"resources": {"read_only": "maybe"}}, "resources.read_only must be true or false"),
        ({"resources": 1}, "resources must be a table"),
        ({"processes": []}, "processes must be a table"),
        ({"paths": "src"}, "paths must be a list"),
        ({"paths": ["x" * 251]}, "paths.0 may have at most 250 characters"),
        ({"paths": ["x"] * 101}, "paths may have at most 100 entries"),
        ({"health_path": 7}, "health_path must be a text"),
        ({"strategy": "blue"}, "strategy must be 'rolling' or 'recreate'"),
        (
            {"health_path": "health"},
            "health_path: 'health' is not a path; begin with / and leave out spaces: /health",
        ),
    ],
)
def test_a_fault_names_its_setting_and_the_rule(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(values)
    assert refused.value.message == message
    assert refused.value.remedy.startswith(f"fix {next(iter(values))}; ")


def test_all_faults_are_listed_up_to_five() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse({"port": 0, "max_body_mb": 0})
    assert refused.value.message == "max_body_mb must be at least 1; port must be at least 1"
    with pytest.raises(InvalidInput) as refused:
        parse({f"zzz{number}": 1 for number in range(7)})
    assert refused.value.message.count("is not a setting") == 5
    assert refused.value.message.endswith("; and 2 more")
