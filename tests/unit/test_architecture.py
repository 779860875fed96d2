"""docs/architecture.md names every folder, and each file and function of its walks exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
FILES_OF_A_PUSH, FILES_OF_A_REQUEST = 25, 12
NAMED_WHOLE = ("slipway/core/", "slipway/adapters/")
"""Their folders stand in one row."""
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+/)`")
_STEP = re.compile(r"^\| \d+ \| `(?P<file>[^`]+)` \| `(?P<name>[^`]+)` \|", re.MULTILINE)


class Step(NamedTuple):
    file: str
    name: str


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


PUSH = [Step(**each.groupdict()) for each in _STEP.finditer(section("A push"))]
REQUEST = [Step(**each.groupdict()) for each in _STEP.finditer(section("A request"))]


def test_the_walks_are_short_enough_to_read() -> None:
    assert 15 <= len({step.file for step in PUSH}) <= FILES_OF_A_PUSH
    assert 8 <= len({step.file for step in REQUEST}) <= FILES_OF_A_REQUEST


@pytest.mark.parametrize("step", [*PUSH, *REQUEST], ids=lambda step: f"{step.file}:{step.name}")
def test_each_step_is_a_function_of_its_file(step: Step) -> None:
    path = ROOT / step.file
    assert step.name in names_in(path)


@pytest.mark.parametrize("path", sorted(set(_PATH.findall(PAGE))))
def test_each_path_exists(path: str) -> None:
    parents = [ROOT, *(ROOT / each for each in (*NAMED_WHOLE, "tests"))]
    assert any((parent / path).exists() for parent in parents)


def test_each_folder_is_named() -> None:
    folders = {*packages(ROOT)} - {"slipway/"} | {f"slipway/{each}" for each in packages(ROOT / "slipway")}
    folders |= {f"builder/{each}" for each in packages(ROOT / "builder")}
    folders |= {f"builder/agent/{each}" for each in packages(ROOT / "builder" / "agent")}
    folders |= {f"nginx/lua/slipway/{each}" for each in packages(ROOT / "nginx" / "lua" / "slipway")}
    within = {each for parent in NAMED_WHOLE for each in packages(ROOT / parent)}
    assert {each for each in folders | within if f"`{each}`" not in section("Folders")} == set()


@pytest.mark.parametrize(
    ("file", "holds"),
    [
        ("nginx/lua/slipway/balancing.lua", "local STRATEGIES = {"),
        ("slipway/core/app_settings/model.py", "    balancing: Literal["),
        ("nginx/lua/slipway/gates/gates.lua", '{ name = "access",'),
        ("slipway/core/build/detection.py", "TEMPLATES"),
        ("slipway/models/apps.py", "class App("),
        ("router/documents/apps.py", "class App("),
        ("router/usecases/showing/apps.py", "documents.App("),
        ("slipway/core/push/push_event.py", "def decide_app("),
        ("slipway/core/push/push_event.py", "def decide_push("),
        ("slipway/core/push/push_event.py", "def parse("),
        ("webhook/endpoint.py", "PayloadTooLarge"),
        ("webhook/bodies.py", "def parse("),
        ("webhook/deliveries.py", "is missing or malformed"),
        ("builder/agent/event_listener.py", "    def sources("),
        ("builder/agent/event_listener.py", "    def _handle("),
        ("slipway/ports/runtime.py", "class Happened"),
        ("builder/agent/telemetry/loads.py", "BY_LOAD = ("),
        ("nginx/lua/slipway/responses/failures.lua", "_M.BY_CODE = {"),
        ("slipway/core/build/templates/template.py", "class BaseImages"),
        ("builder/dependencies.py", "BaseImages("),
        ("slipway/core/causes/starts.py", "def cause("),
        ("builder/agent/rollout/explaining_failures.py", "class Failures"),
        ("slipway/core/text/redaction.py", "_SHAPES = ("),
        ("slipway/core/access/tokens.py", "SHAPE = "),
        ("slipway/core/app_settings/model.py", "class Resources("),
        ("slipway/core/app_settings/configuration.py", "class Configuration"),
        ("slipway/cli/__init__.py", "SECTIONS = {"),
    ],
)
def test_where_a_change_goes_is_there(file: str, holds: str) -> None:
    path = ROOT / file
    assert f"`{file}`" in section("Where does a change go?")
    assert holds in path.read_text()


def packages(parent: Path) -> Iterator[str]:
    """The folders in it that hold files of the project."""
    for each in parent.iterdir():
        hidden = each.name.startswith((".", "__")) or each.name in ("htmlcov", "build", "dist")
        if each.is_dir() and not hidden and not each.name.endswith(".egg-info"):
            yield f"{each.name}/"


def names_in(path: Path) -> set[str]:
    """The functions and classes that a file defines; methods as `Class.method`, and functions within functions."""
    text = path.read_text()
    if path.suffix == ".lua":
        return set(re.findall(r"function (?:_M\.)?(\w+)\(", text)) | set(
            re.findall(r"^_M\.(\w+) =", text, re.MULTILINE)
        )
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found
