"""The published schema and the page about it say what the model says."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from slipway.core.app_settings import model, settings_schema
from slipway.settings import Settings

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "reference/slipway-toml.md").read_text()


@pytest.fixture(scope="module")
def text() -> str:
    return settings_schema.text()


def names(part: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> set[str]:
    """Every field that can be set, as it is written in the page."""
    found = set()
    for name, field in part["properties"].items():
        table = field.get("$ref") or field.get("additionalProperties", {}).get("$ref")
        table = table or field.get("items", {}).get("$ref")
        short_for = next((each["$ref"] for each in field.get("anyOf", ()) if "$ref" in each), None)
        if short_for:
            table = short_for
            found.add(prefix + name)
        if table:
            inner = schema["$defs"][table.rsplit("/", 1)[1]]
            between = f"{name}.<name>." if "additionalProperties" in field else f"{name}."
            found |= names(inner, schema, prefix + between)
        else:
            found.add(prefix + name)
    return found


def test_the_published_schema_is_current(text: str) -> None:
    published = (DOCS / "reference/slipway.schema.json").read_text()
    assert published == text, "python -m slipway.core.app_settings.settings_schema > docs/reference/slipway.schema.json"


def test_the_page_has_every_field_and_no_other(text: str) -> None:
    schema = json.loads(text)
    assert set(re.findall(r"^\| `([a-z_.<>]+)` \|", PAGE, re.MULTILINE)) == names(schema, schema)


def test_the_pages_example_is_valid() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert model.parse(tomllib.loads(example)).port == 8000


def test_settings_that_the_pages_name_exist() -> None:
    known = {f"SLIPWAY_{field.name.upper()}" for field in fields(Settings)}
    named = set(re.findall(r"SLIPWAY_[A-Z_]+", PAGE + (DOCS / "guide/builds.md").read_text()))
    assert named <= known


def test_the_schema_has_no_null_and_says_what_fields_are_for(text: str) -> None:
    assert "null" not in text
    assert "EXPOSE" in json.loads(text)["properties"]["port"]["description"]
