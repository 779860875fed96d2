"""The state of a deployment, of a replica, of a run, of a service's task, of a certificate and of a GitHub App's
installation is set in one place each, where the table of legal moves is checked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRITERS = {
    "slipway/domain/attached/tasks.py",
    "slipway/domain/certificates/rows.py",
    "slipway/domain/github/installations.py",
    "slipway/domain/lifecycle.py",
    "slipway/domain/replica_lifecycle.py",
    "slipway/domain/runs/lifecycle.py",
}
ELSEWHERE = [
    path
    for package in ("builder", "router", "webhook", "slipway")
    for path in sorted((ROOT / package).rglob("*.py"))
    if str(path.relative_to(ROOT)) not in WRITERS and "migrations" not in path.parts
]


def writes_of_state(source: str) -> Iterator[int]:
    """Lines that assign to an attribute `state`, or pass `state` to `values(…)` of an SQL update. Only what
    contains the word is parsed."""
    if not re.search(r"\.\s*state\b|\bstate\s*=", source):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "state" and isinstance(node.ctx, ast.Store):
            yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
            yield from (each.value.lineno for each in node.keywords if each.arg == "state")


def test_nothing_sets_a_state_by_hand() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path in ELSEWHERE for line in writes_of_state(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "source", ["row.state = READY", "row.state, row.ready_at = READY, now()", "update(Replica).values(state='gone')"]
)
def test_such_a_write_is_found(source: str) -> None:
    assert list(writes_of_state(source)) == [1]
