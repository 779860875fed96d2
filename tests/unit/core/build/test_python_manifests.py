"""Manifests that are written wrongly, or to hold a worker up, are refused or read as far as they go."""

from __future__ import annotations

import contextlib

import pytest

from slipway.core.build.detection import detect
from slipway.core.build.dockerfile import parse
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources
from slipway.errors import InvalidInput

IMAGES = BaseImages("python:3.11-slim", "python:3.11-slim")
LARGE = 1 << 20
TABLES = (
    *("project", "build-system", "tool", "tool.uv", "tool.uv.sources", "tool.uv.workspace", "tool.poetry"),
    *("tool.poetry.dependencies", "tool.poetry.group", "tool.poetry.group.main", "tool.poetry.packages"),
    *("tool.pdm", "tool.pdm.version", "tool.hatch.build", "tool.setuptools", "project.dynamic", "project.dependencies"),
    *("project.name", "project.requires-python", "build-system.requires", "build-system.build-backend"),
    *("packages", "requires", "requires.python_version", "tool.poetry.dependencies.python"),
)
VALUES = ("5", "'text'", "true", "[]", "[1, [2]]", "{}", "{ a = 1 }", "[{ path = 1 }]", "1979-05-27", "nan")


def made(**contents: str) -> GeneratedDockerfile:
    files = {"Procfile": "web: python app.py\n"}
    files |= {name.replace("__", ".").removeprefix("dot"): text for name, text in contents.items()}
    return detect(Sources(frozenset(files), files), IMAGES)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["pyproject__toml", "Pipfile"])
def test_a_value_of_the_wrong_kind_is_no_fault_of_ours(name: str, table: str, value: str) -> None:
    with contextlib.suppress(InvalidInput):
        made(**{name: f"{table} = {value}\n", "uv__lock": ""})


@pytest.mark.parametrize(
    "name", ["pyproject__toml", "Pipfile", "requirements__txt", "setup__cfg", "dot__python-version"]
)
@pytest.mark.parametrize("content", ["\n", " ", "-r x\n", "-r\n", "[", "a = [", "9", ".", "a,", "def create_app("])
def test_a_long_manifest_holds_nothing_up(name: str, content: str) -> None:
    with contextlib.suppress(InvalidInput):
        made(**{"requirements__txt": "", name: content * (LARGE // len(content))})


@pytest.mark.parametrize(
    "content", ["\n", " ", "app", "app.", "a, ", "app:", "import ", "def create_app(\n", "(", "env'"]
)
def test_a_long_module_holds_nothing_up(content: str) -> None:
    with contextlib.suppress(InvalidInput):
        files = {"requirements.txt": "", "app.py": content * (LARGE // len(content)), "manage.py": "django"}
        detect(Sources(frozenset(files), files), IMAGES)


@pytest.mark.parametrize("name", ["--from=slipway/another", "<<EOF", "--link", "a\nRUN id", "a b", "[a]"])
def test_a_files_name_is_no_part_of_the_dockerfile(name: str) -> None:
    with contextlib.suppress(InvalidInput):
        lines = made(**{"requirements__txt": f"-r {name}\n-r x/{name}\n", name: "", f"x/{name}": ""}).dockerfile
        read = parse(lines.encode()).instructions
        copies = [each for each in read if each.keyword == "COPY"]
        assert not any(each.flags for each in copies)
        assert all(each.arguments.startswith(("[", ". .")) for each in copies)
