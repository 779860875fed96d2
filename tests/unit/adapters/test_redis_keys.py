"""Redis' keys and channels are the same for Python, for the edges and in the reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipway.adapters.redis import keys

ROOT = Path(__file__).parents[3]
NAME = re.compile(r"slipway:[a-z:]+[a-z]")
OF_THE_EDGES_ALONE = {"slipway:usage:positions", "slipway:limits:probe"}
SIGN_ON = {
    *("slipway:identity:changes", "slipway:identity:stale", "slipway:identity:tenant", "slipway:identity:logout"),
    *("slipway:identity:position", "slipway:identity:people"),
    *("slipway:sessions", "slipway:sessions:of", "slipway:sessions:at", "slipway:sessions:ended"),
    *("slipway:sessions:refreshing", "slipway:sessions:app", "slipway:sessions:token"),
    *("slipway:logins", "slipway:logins:app", "slipway:logins:code", "slipway:logins:begun", "slipway:logins:link"),
}
OF_PYTHON_ALONE = {"slipway:log", "slipway:acme:dns", *SIGN_ON - {"slipway:identity:changes"}}
OF_SIGN_ON = (
    *(keys.stale_person, keys.chosen_tenant, keys.used_logout_token, keys.session, keys.sessions_of_person),
    *(keys.sessions_at_provider, keys.ended_at_provider, keys.session_refresh, keys.app_session),
    *(keys.login, keys.app_login, keys.login_code, keys.changing_people, keys.token_session, keys.console_link),
)
NO_KEY = {"slipway:error"}
"""The beginning of an error's type, `urn:slipway:error:…`."""


def named_in(folder: str, pattern: str) -> set[str]:
    texts = (path.read_text() for path in sorted((ROOT / folder).rglob(pattern)))
    return {name for text in texts for name in NAME.findall(text)} - NO_KEY


def of_python() -> set[str]:
    plain = {value for name, value in vars(keys).items() if name.isupper()}
    made = {keys.inflight("x"), keys.metrics("x"), keys.replica_metrics("x"), keys.awaited("x"), keys.log(1)}
    of_two = {keys.limit_refusals("x", 1), keys.begun_logins("x", "1")}
    made |= {keys.changing_people(1), keys.acme_challenge("x")}
    by_name = {each("x") for each in OF_SIGN_ON}
    return plain | {name.rpartition(":")[0] for name in made | by_name} | {name.removesuffix(":x:1") for name in of_two}


def test_python_and_the_edges_name_the_same_keys() -> None:
    assert of_python() - OF_PYTHON_ALONE == named_in("nginx/lua", "*.lua") - OF_THE_EDGES_ALONE


def test_the_reference_names_the_keys_of_the_edges() -> None:
    assert named_in("nginx/lua", "*.lua") <= named_in("docs/reference", "*.md")


def test_the_reference_names_the_keys_of_sign_on() -> None:
    page = (ROOT / "docs/reference/sessions.md").read_text()
    assert {*NAME.findall(page)} == SIGN_ON <= of_python()


@pytest.mark.parametrize("room", ["slipway", "builder", "router", "webhook"])
def test_no_other_module_of_python_names_a_key(room: str) -> None:
    own = ROOT / "slipway/adapters/redis/keys.py"
    texts = {path: path.read_text() for path in (ROOT / room).rglob("*.py") if path != own}
    found = {path.name: set(NAME.findall(text)) - NO_KEY for path, text in texts.items()}
    assert {name: names for name, names in found.items() if names} == {}


def test_the_app_of_a_waiting_request_is_read_back_from_its_key() -> None:
    assert keys.awaited_app(keys.awaited(42)) == "42"
