"""Redis' keys and channels are the same for Python, for the edges and in the reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipway.adapters.redis import keys

ROOT = Path(__file__).parents[3]
NAME = re.compile(r"slipway:[a-z:]+[a-z]")
OF_THE_EDGES_ALONE = {"slipway:usage", "slipway:usage:positions", "slipway:limits:probe"}
OF_PYTHON_ALONE = {"slipway:log"}
NO_KEY = {"slipway:error"}
"""The beginning of an error's type, `urn:slipway:error:…`."""


def named_in(folder: str, pattern: str) -> set[str]:
    texts = (path.read_text() for path in sorted((ROOT / folder).rglob(pattern)))
    return {name for text in texts for name in NAME.findall(text)} - NO_KEY


def of_python() -> set[str]:
    plain = {value for name, value in vars(keys).items() if name.isupper()}
    made = {keys.inflight("x"), keys.metrics("x"), keys.awaited("x"), keys.log(1)}
    of_an_hour = keys.limit_refusals("x", 1).removesuffix(":x:1")
    return plain | {name.rpartition(":")[0] for name in made} | {of_an_hour}


def test_python_and_the_edges_name_the_same_keys() -> None:
    assert of_python() - OF_PYTHON_ALONE == named_in("nginx/lua", "*.lua") - OF_THE_EDGES_ALONE


def test_the_reference_names_the_keys_of_the_edges() -> None:
    assert named_in("nginx/lua", "*.lua") <= named_in("docs/reference", "*.md")


@pytest.mark.parametrize("room", ["slipway", "builder", "router", "webhook"])
def test_no_other_module_of_python_names_a_key(room: str) -> None:
    own = ROOT / "slipway/adapters/redis/keys.py"
    texts = {path: path.read_text() for path in (ROOT / room).rglob("*.py") if path != own}
    found = {path.name: set(NAME.findall(text)) - NO_KEY for path, text in texts.items()}
    assert {name: names for name, names in found.items() if names} == {}


def test_the_app_of_a_waiting_request_is_read_back_from_its_key() -> None:
    assert keys.awaited_app(keys.awaited(42)) == "42"
