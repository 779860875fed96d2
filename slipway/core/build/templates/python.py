"""Python projects.

Dependencies are installed before the sources are copied where that is possible, so that a change of the sources builds
from the cache.
"""

from __future__ import annotations

import re

from slipway.core.app_settings.configuration import WEB
from slipway.core.build import languages, procfile
from slipway.core.build.templates import base_images
from slipway.core.build.templates.of_python import django, installing, packages, start, system_packages, versions
from slipway.core.build.templates.of_python.django import Django
from slipway.core.build.templates.of_python.installing import COPY_ALL, Installation, pip
from slipway.core.build.templates.of_python.project import PYPROJECT, REQUIREMENTS, Project, read
from slipway.core.build.templates.of_python.start import Start
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text
from slipway.errors import InvalidInput

__all__ = ["ENVIRONMENT", "PYTHON", "pip"]

READS = (
    *("Procfile", PYPROJECT, "Pipfile", "setup.py", "setup.cfg", ".python-version", "runtime.txt", ".tool-versions"),
    *(*REQUIREMENTS, "*requirements*.txt", "requirements/*.txt", *start.READS, *django.READS),
)
ENVIRONMENT = (
    "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore"
)
_MANIFESTS = frozenset({*REQUIREMENTS, "Pipfile", "setup.py", "pylock.toml"})
_OF_OTHERS = frozenset(
    (
        *("package.json", "go.mod", "Gemfile", "composer.json", "pom.xml", "build.gradle", "build.gradle.kts"),
        *("Cargo.toml", "mix.exs"),
    )
)
_RUNS_PYTHON = re.compile(r"^(?:exec )?(?:python3?|gunicorn|uvicorn|hypercorn|daphne|waitress-serve|flask|streamlit)\b")
_RUNS_OTHERS = re.compile(
    r"(?:exec )?(?:node|npm|npx|yarn|pnpm|bun|deno|ruby|bundle|rails|puma|rackup|java|php|heroku-php|vendor/bin|mix|"
    r"cargo|target/|mvn|\./(?:gradlew|mvnw|target/)|dotnet)"
)


def _is_python(sources: Sources) -> bool:
    """Is it a Python project? Beside another language's manifest, only one that says how it is started: many projects
    have a requirements.txt for their documentation or scripts."""
    if _is_started_by_python(sources):
        return True
    is_listed = bool(sources.paths & _MANIFESTS) or _has_pyproject(sources)
    return is_listed and (not sources.paths & _OF_OTHERS or _has_start(sources))


def _has_start(sources: Sources) -> bool:
    if web := _procfiles_web(sources):
        return _RUNS_OTHERS.match(web) is None
    project = read(sources)
    return sources.has_web_command or django.found(project) is not None or bool(start.found(project).command)


def _has_pyproject(sources: Sources) -> bool:
    """Is there a pyproject.toml, and does nothing else show that it only holds settings of tools?"""
    if PYPROJECT not in sources.paths:
        return False
    content = sources.contents.get(PYPROJECT, "")
    if re.search(r"^[ \t]*\[(?:project|build-system|tool\.poetry)\b", content, re.MULTILINE):
        return True
    found = languages.evidence([path for path in sources.paths if path != PYPROJECT], {})
    return found is None or found.language.project == "a Python project"


def _is_started_by_python(sources: Sources) -> bool:
    """Is there a Procfile alone, whose web process is a program in Python?"""
    is_python = _RUNS_PYTHON.match(_procfiles_web(sources)) is not None
    return is_python and any(path.endswith(".py") for path in sources.paths)


def _procfiles_web(sources: Sources) -> str:
    return procfile.parse(sources.contents.get("Procfile", "").encode()).get(WEB, "")


def _python(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    project = read(sources)
    version, version_notes = versions.wanted(project)
    image = base_images.choose(images.python, version, images.host)
    processes = procfile.parse(sources.contents.get("Procfile", "").encode())
    of_django = django.found(project)
    started = _start(project, processes.get(WEB, ""), of_django)
    installed = installing.installation(project)
    servers = _servers(project, started, of_django)
    lines = [
        *installed.stage(image.reference),
        f"FROM {image.reference}",
        ENVIRONMENT,
        "WORKDIR /app",
        *system_packages.steps(project),
        *installed.environment(),
        *_installing(project, installed, servers),
        *(django.steps(of_django) if of_django else ()),
        *([f"ENV PYTHONPATH=/app/{started.root}"] if started.root else ()),
        *ending(procfile.argv(started.command) if started.command else None),
    ]
    ready = {name: procfile.command_line(line) for name, line in processes.items()}
    if started.command:
        ready[WEB] = procfile.command_line(started.command)
    notes = (*version_notes, *image.notes, *_notes(project, installed, servers))
    return GeneratedDockerfile("python", text(lines), "**/__pycache__\n**/*.pyc\n.venv\nvenv\n", ready, notes=notes)


def _start(project: Project, web: str, of_django: Django | None) -> Start:
    """How the web process is started.

    Raises:
        InvalidInput: nothing says so.
    """
    if web:
        return Start(web)
    if project.sources.has_web_command:
        return Start()
    started = django.start(project, of_django) if of_django else start.found(project)
    if not started.command:
        raise InvalidInput(
            "this is a Python project, but nothing says how to start it. Looked for: a web line in the Procfile; "
            "manage.py; an `app` or `create_app()` in app, main, wsgi or asgi.py, of a package too; Streamlit; Gradio",
            remedy="add a Procfile with: web: gunicorn --bind 0.0.0.0:$PORT app:app",
        )
    return started


def _servers(project: Project, started: Start, of_django: Django | None) -> list[str]:
    """What the command runs, where the project does not list it."""
    wanted = [started.server] if started.server else []
    wanted += ["whitenoise"] if of_django and started.server == "gunicorn" else []
    return [each for each in wanted if not project.lists(each)]


def _installing(project: Project, installed: Installation, servers: list[str]) -> list[str]:
    """All steps that install something, and the one that copies the sources."""
    steps = [*installed.steps, *([pip(servers)] if servers else [])]
    steps += [] if COPY_ALL in steps else [COPY_ALL]
    return steps if installed.includes_project else [*steps, *_project_itself(project, installed)]


def _project_itself(project: Project, installed: Installation) -> list[str]:
    """A project that is a package is installed itself, unless it has a file of requirements: that would name it."""
    if installed.manifest in REQUIREMENTS or not packages.is_package(project):
        return []
    prefix = packages.version_from_git(project)
    return [*installing.recoded(project, [PYPROJECT]), pip(["--no-deps", "--no-cache-dir", "."], prefix=prefix)]


def _notes(project: Project, installed: Installation, servers: list[str]) -> list[str]:
    notes = system_packages.notes(project)
    notes += [f"the project does not list {each}: its newest release is installed" for each in servers]
    if not installed.manifest:
        notes.append("nothing is installed: there is no requirements.txt and no other file that lists dependencies")
    if unused := installing.unused(project, installed.manifest):
        notes.append(f"{installed.manifest} says what is installed; not used: {', '.join(unused)}")
    if installed.manifest not in REQUIREMENTS and project.table("build-system") and not packages.is_package(project):
        notes.append("the project itself is not installed, since it holds no package: it runs from its sources")
    return notes


PYTHON = Template(
    "python", "requirements.txt, pyproject.toml, Pipfile or setup.py (Python)", READS, _is_python, _python
)
