"""The tables of the edge's Lua have the rows that the settings, the agent and docs/reference/edge.md name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from builder.agent.telemetry.loads import BY_LOAD
from slipway.core.app_settings.model import Traffic

ROOT = Path(__file__).parents[2]
LUA = ROOT / "nginx/lua/slipway"
REFERENCE = (ROOT / "docs/reference/edge.md").read_text()
STRATEGIES = dict(re.findall(r"^  (\w+) = \{ (choose = .*) \},$", (LUA / "balancing.lua").read_text(), re.MULTILINE))
FAILURES = dict(
    re.findall(
        r'^  \["([a-z-]+)"\] = \{(.*?)^  \},$', (LUA / "responses/failures.lua").read_text(), re.MULTILINE | re.DOTALL
    )
)
"""Code → its fields, as they are written."""


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading of the reference, without its head."""
    section = re.split(rf"^#+ {heading}$", REFERENCE, flags=re.MULTILINE)[1]
    table = section[section.index("\n| ") :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()[2:]]


def codes(text: str) -> list[str]:
    return re.findall(r"`([a-z-]+)`", text)


def test_every_strategy_can_be_chosen_and_every_choice_is_one() -> None:
    assert STRATEGIES.keys() == set(get_args(Traffic.model_fields["balancing"].annotation))
    assert [row[0].strip("`") for row in rows("Which target")] == list(STRATEGIES)


def test_strategies_that_read_loads_or_latencies_are_those_that_get_them() -> None:
    sources = {name: (LUA / f"balancing/{name}.lua").read_text() for name in STRATEGIES}
    assert {name for name, source in sources.items() if "slipway.balancing.loads" in source} == set(BY_LOAD)
    reads = {name for name, source in sources.items() if "slipway.balancing.latencies" in source}
    assert reads == {name for name, row in STRATEGIES.items() if "needs_latencies = true" in row}


def test_the_reference_has_the_gates_in_their_order() -> None:
    names = re.findall(r'^  \{ name = "([a-z ]+)"', (LUA / "gates/gates.lua").read_text(), re.MULTILINE)
    assert [re.split(r" \(|: ", row[0])[0] for row in rows("Gates")] == names


def test_every_code_that_the_reference_names_for_a_gate_has_a_row() -> None:
    named = {code for row in rows("Gates") for code in codes(row[1])}
    assert named
    assert named <= FAILURES.keys()


def test_every_code_that_the_lua_names_has_a_row() -> None:
    named = set()
    for path in LUA.rglob("*.lua"):
        named |= set(re.findall(r'(?:REFUSE|WAIT), "([^"]+)"|refuse(?:_here)?\("([^"]+)"\)', path.read_text()))
    written = {first or second for first, second in named}
    assert {"circuit-open", "edge-starting"} <= written
    assert written <= FAILURES.keys()


def test_the_reference_has_every_code_with_its_status_and_fault_and_whether_to_come_again() -> None:
    said = {}
    for status, code, fault, when in rows("What the edge answers itself"):
        said[code.strip("`")] = (status, fault, "`Retry-After`" in when)
    assert said.keys() == FAILURES.keys()
    for code, fields in FAILURES.items():
        status, fault = re.findall(r'status = (\d+), fault = "(\w+)"', fields)[0]
        assert status in said[code][0]
        assert said[code][1:] == (fault, "retry_after_s" in fields), code
