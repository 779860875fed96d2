"""The audit log has one vocabulary, and whoever writes to it uses all of it and nothing else."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from slipway.domain import audit
from slipway.domain.audit import Action

ROOT = Path(__file__).parents[3]
SOURCES = [path for folder in ("slipway", "webhook", "builder", "router") for path in (ROOT / folder).rglob("*.py")]
SESSIONS, PASSED_ON = "router/login/recording.py", "action"
"""There `_write` and `_try_to_write` pass on the action that their callers name."""
THE_LOG = ROOT / "slipway/domain/audit.py"


class Calls(ast.NodeVisitor):
    """The calls of one function in a module: the lines, the texts, and the arguments' texts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.found: list[tuple[int, str, list[str]]] = []

    def visit_Call(self, node: Any) -> None:
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called.endswith(self._name.rpartition(".")[2]) and ast.unparse(node.func).endswith(self._name):
            self.found.append((node.lineno, ast.unparse(node), [ast.unparse(each) for each in node.args]))
        self.generic_visit(node)


parsed = functools.cache(ast.parse)


def calls(name: str) -> Iterator[tuple[str, str, list[str]]]:
    """Of all sources. Only those that contain the function's own name are parsed."""
    for path in SOURCES:
        source = path.read_text()
        if name.rpartition(".")[2] not in source:
            continue
        visitor = Calls(name)
        visitor.visit(parsed(source))
        yield from ((f"{path.relative_to(ROOT)}:{line}", text, arguments) for line, text, arguments in visitor.found)


def test_every_action_that_is_written_is_in_the_table_and_every_one_in_the_table_is_written() -> None:
    written = {where: arguments[3] for where, _, arguments in calls("audit.record")}
    by_sessions = [each for each in (*calls("_write"), *calls("_try_to_write")) if each[0].startswith(SESSIONS)]
    written |= {where: arguments[2] for where, _, arguments in by_sessions}
    written = {where: action for where, action in written.items() if action != PASSED_ON}
    strangers = {where: action for where, action in written.items() if not action.startswith("Action.")}
    assert strangers == {}
    assert {action.removeprefix("Action.") for action in written.values()} == set(Action.__members__)


def test_nothing_writes_past_the_table() -> None:
    names = ("AuditRecord", "insert")
    past = [
        where
        for name in names
        for where, text, _ in calls(name)
        if "AuditRecord" in text and not where.startswith("slipway/domain/audit.py")
    ]
    assert past == []


def test_nothing_decides_by_the_log() -> None:
    readers = {str(path.relative_to(ROOT)) for path in SOURCES if re.search(r"\bAuditRecord\b", path.read_text())} - {
        "slipway/domain/audit.py",
        "slipway/models/__init__.py",
        "slipway/models/tenancy.py",
    }
    removes, shows = "builder/agent/maintenance/retention.py", "router/usecases/access/audit_log.py"
    assert readers == {removes, shows}


def test_actions_are_a_noun_and_a_verb_and_each_is_described() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+", action) for action in Action)
    described = re.findall(r"^    ([A-Z_]+) = .*\n    \"\"\"", THE_LOG.read_text(), re.MULTILINE)
    assert described == list(Action.__members__)


def test_an_action_of_another_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="'deploy' is not a valid Action"):
        audit.record(Session(), 1, audit.HOST, "deploy", "app:shop")  # type: ignore[arg-type]
