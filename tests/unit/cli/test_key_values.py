from __future__ import annotations

import click
import pytest

from slipway.cli.key_values import nested, pair


def test_a_value_may_hold_equals_signs_or_nothing() -> None:
    assert pair("URL=postgresql://h/d?a=b") == ("URL", "postgresql://h/d?a=b")
    assert pair("EMPTY=") == ("EMPTY", "")


@pytest.mark.parametrize("wrong", ["NAME", "=value", ""])
def test_what_is_no_pair_is_refused(wrong: str) -> None:
    with pytest.raises(click.BadParameter, match="NAME=VALUE"):
        pair(wrong)


def test_dots_make_tables_and_json_is_read_as_such() -> None:
    pairs = ["port=8080", "health_path=/health", 'paths=["a/**"]', "processes.web.command=gunicorn app:app"]
    assert nested([*pairs, "resources.read_only=false", "resources.cpus=0.5"]) == {
        "port": 8080,
        "health_path": "/health",
        "paths": ["a/**"],
        "processes": {"web": {"command": "gunicorn app:app"}},
        "resources": {"read_only": False, "cpus": 0.5},
    }


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e999", "[NaN]", '{"a":-1e999}', "[" * 100_000, "9" * 5000]
)
def test_what_json_has_no_number_for_stays_a_text(text: str) -> None:
    assert nested([f"timeouts.read_s={text}"]) == {"timeouts": {"read_s": text}}


def test_an_empty_value_takes_the_setting_back() -> None:
    assert nested(["port="]) == {"port": None}


def test_a_name_is_a_value_or_a_table() -> None:
    with pytest.raises(click.BadParameter, match="both"):
        nested(["build=1", "build.context=x"])
