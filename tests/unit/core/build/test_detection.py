"""What is recognised without a Dockerfile, and what is made of it."""

from __future__ import annotations

import json
import shlex

import pytest

from slipway.core.build import dockerfile, procfile
from slipway.core.build.detection import detect
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources
from slipway.errors import InvalidInput

IMAGES = BaseImages("python:3.11-slim", "python:3.11-slim")
FLASK_APP = "from flask import Flask\n\napp = Flask(__name__)\n"


def build_plan(*, web_command: bool = False, **files: str) -> GeneratedDockerfile:
    """Of files whose `__` is a dot and `___` a slash."""
    named = {name.replace("___", "/").replace("__", "."): text for name, text in files.items()}
    return detect(Sources(frozenset(named), named, web_command), IMAGES)


def command(made: GeneratedDockerfile) -> str:
    """What the image runs."""
    last = dockerfile.parse(made.dockerfile.encode()).instructions[-1]
    assert last.keyword == "CMD"
    shell, option, line = json.loads(last.arguments)
    assert (shell, option) == ("sh", "-c")
    return str(line)


def steps(made: GeneratedDockerfile) -> list[str]:
    return [f"{each.keyword} {each.arguments}" for each in dockerfile.parse(made.dockerfile.encode()).instructions]


def test_a_procfile_says_how_python_starts() -> None:
    made = build_plan(
        requirements__txt="flask\n", Procfile="web: gunicorn -b 0.0.0.0:$PORT app:app\nworker: python w.py\n"
    )
    assert made.template == "python"
    assert command(made) == "exec gunicorn -b 0.0.0.0:$PORT app:app"
    assert shlex.split(made.processes["worker"]) == ["sh", "-c", "exec python w.py"]
    assert shlex.split(made.processes["web"]) == ["sh", "-c", "exec gunicorn -b 0.0.0.0:$PORT app:app"]


def test_dependencies_come_before_sources_and_the_user_is_nobody_special() -> None:
    made = steps(build_plan(requirements__txt="flask\n", Procfile="web: x\n"))
    order = [made.index(step) for step in ('COPY ["requirements.txt", "./"]', "COPY . .", "USER 10001:10001")]
    assert order == sorted(order)
    assert any("pip" in step for step in made[order[0] : order[1]])


@pytest.mark.parametrize("line", ["-r base.txt", "-c constraints.txt", "-e .", "./lib", ".", ".[dev]", "x @ file:///x"])
def test_requirements_that_name_local_files_are_installed_after_the_sources(line: str) -> None:
    made = steps(build_plan(requirements__txt=f"flask\n{line}\n", Procfile="web: x\n"))
    assert 'COPY ["requirements.txt", "./"]' not in made
    assert made.count("COPY . .") == 1


def test_a_pyproject_lists_dependencies_and_is_installed_only_if_it_says_how() -> None:
    project = '[project]\nname = "x"\nversion = "1"\ndependencies = ["flask>=3", "gunicorn"]\n'
    plain = build_plan(pyproject__toml=project, Procfile="web: x\n").dockerfile
    assert '["pip", "install", "--", "flask>=3", "gunicorn"]' in plain
    assert '"."]' not in plain
    build = '[build-system]\nrequires = ["setuptools"]\n'
    assert (
        '"--no-deps", "--no-cache-dir", "."]'
        in build_plan(pyproject__toml=project + build, Procfile="web: x\n").dockerfile
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"app__py": FLASK_APP}, "exec gunicorn --bind 0.0.0.0:$PORT app:app"),
        (
            {"main__py": "from fastapi import FastAPI\napp: FastAPI = FastAPI()\n"},
            "exec uvicorn --host 0.0.0.0 --port $PORT main:app",
        ),
        (
            {"manage__py": "x", "site1___wsgi__py": "x"},
            "exec gunicorn --bind 0.0.0.0:$PORT --pythonpath /srv slipway_django:application",
        ),
        ({"wsgi__py": "application = make()\n"}, "exec gunicorn --bind 0.0.0.0:$PORT wsgi:application"),
    ],
)
def test_well_known_apps_start_without_a_procfile(files: dict[str, str], expected: str) -> None:
    made = build_plan(requirements__txt="flask\n", **files)
    assert command(made) == expected
    assert f'"{expected.split()[1]}"' in made.dockerfile, "the server is installed, since the project does not list it"


def test_a_server_that_is_listed_is_not_installed_again() -> None:
    made = build_plan(requirements__txt="flask\ngunicorn==23\n", app__py=FLASK_APP)
    assert '"gunicorn"' not in made.dockerfile


def test_a_command_from_the_settings_needs_no_procfile() -> None:
    made = build_plan(web_command=True, requirements__txt="flask\n")
    assert "CMD" not in made.dockerfile
    assert made.processes == {}


def test_python_without_a_start_says_what_was_looked_for() -> None:
    with pytest.raises(InvalidInput, match="Procfile") as refused:
        build_plan(requirements__txt="flask\n")
    assert "web: gunicorn" in refused.value.remedy


def test_a_pyproject_without_a_project_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"\[project\]"):
        build_plan(pyproject__toml="[tool.x]\n", Procfile="web: x\n")


@pytest.mark.parametrize(("path", "copied"), [("index__html", "."), ("public___index__html", "public")])
def test_a_static_site_is_served_from_its_folder(path: str, copied: str) -> None:
    made = build_plan(**{path: "<p>hello"})
    assert made.template == "static"
    assert f'COPY ["{copied}", "/site/"]' in made.dockerfile
    assert "$PORT" in command(made)
    assert "**/.*" in made.ignore


def test_what_is_not_recognised_says_what_was_looked_for() -> None:
    with pytest.raises(InvalidInput, match=r"Dockerfile.*requirements\.txt.*index\.html"):
        build_plan(README__md="hello")


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("gunicorn app:app", "exec gunicorn app:app"),
        ("python migrate.py && gunicorn app:app", "python migrate.py && gunicorn app:app"),
        ("DEBUG=1 gunicorn app:app", "DEBUG=1 gunicorn app:app"),
        ("cd src; gunicorn app:app", "cd src; gunicorn app:app"),
    ],
)
def test_exec_goes_before_single_commands_only(line: str, run: str) -> None:
    assert procfile.argv(line) == ["sh", "-c", run]


def test_a_procfile_keeps_comments_out_and_names_a_bad_line() -> None:
    assert procfile.parse(b"# hi\n\nweb: a: b\nBack_ground: c\n") == {"web": "a: b", "back-ground": "c"}
    with pytest.raises(InvalidInput, match="line 1"):
        procfile.parse(b"gunicorn app:app\n")
