"""Python projects.

Dependencies are installed before the sources are copied where that is possible, so that a change of the sources builds
from the cache.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from slipway.core.app_settings.configuration import WEB
from slipway.core.build import procfile
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text
from slipway.errors import InvalidInput

READS = ("Procfile", "requirements.txt", "pyproject.toml", "app.py", "main.py", "wsgi.py", "asgi.py", "manage.py")
ENVIRONMENT = (
    "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore"
)


def _is_python(sources: Sources) -> bool:
    return bool(sources.paths & {"requirements.txt", "pyproject.toml"})


def _python(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    processes = procfile.parse(sources.contents.get("Procfile", "").encode())
    installs = _installs(sources)
    web = processes.get(WEB) or _guessed_command(sources)
    if not web and not sources.has_web_command:
        raise InvalidInput(
            "this is a Python project, but nothing says how to start it. Looked for: a web line in the Procfile; "
            "manage.py; app, wsgi, asgi or main.py with an `app` in it",
            remedy="add a Procfile with: web: gunicorn --bind 0.0.0.0:$PORT app:app",
        )
    extra = _missing_server(web, sources)
    lines = [
        f"FROM {images.python}",
        ENVIRONMENT,
        "WORKDIR /app",
        *installs,
        *([pip(extra)] if extra else []),
        *([] if "COPY . ." in installs else ["COPY . ."]),
        *_project_itself(sources),
        *ending(procfile.argv(web) if web else None),
    ]
    ready = {name: procfile.command_line(line) for name, line in processes.items()}
    if web:
        ready[WEB] = procfile.command_line(web)
    return GeneratedDockerfile("python", text(lines), "**/__pycache__\n**/*.pyc\n.venv\nvenv\n", ready)


def _installs(sources: Sources) -> list[str]:
    """The steps that install what the app depends on, before its sources where that is possible."""
    if "requirements.txt" in sources.paths:
        requirements = sources.contents.get("requirements.txt", "")
        copied = "COPY . ." if _names_local_files(requirements) else "COPY requirements.txt ./"
        return [copied, pip(["-r", "requirements.txt"])]
    dependencies = _project(sources).get("dependencies", [])
    return [pip(["--", *dependencies])] if dependencies else []


def _project(sources: Sources) -> dict[str, Any]:
    try:
        document = tomllib.loads(sources.contents.get("pyproject.toml", ""))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"pyproject.toml: {error}", remedy="correct pyproject.toml and push again") from None
    project = document.get("project")
    if not isinstance(project, dict):
        raise InvalidInput(
            "pyproject.toml has no [project] table, so its dependencies are not known",
            remedy="add [project] with name, version and dependencies, or a requirements.txt",
        )
    return project | {"installable": "build-system" in document}


def _project_itself(sources: Sources) -> list[str]:
    """A pyproject.toml with a build system is installed itself; one without only lists dependencies."""
    if "requirements.txt" in sources.paths or not _project(sources)["installable"]:
        return []
    no_dependencies = [] if "dependencies" in _project(sources).get("dynamic", []) else ["--no-deps"]
    return [pip([*no_dependencies, "--no-cache-dir", "."])]


_LOCAL = re.compile(
    r"^\s*(?:-[rce]|--requirement|--constraint|--editable|\.{1,2}/|\.\s*$|\.\[|file:|/)|@ file:", re.MULTILINE
)


def _names_local_files(requirements: str) -> bool:
    return _LOCAL.search(requirements) is not None


def pip(arguments: list[str]) -> str:
    """The step that runs `pip install`, with pip's cache kept for the tenant's next build."""
    cache = "--mount=type=cache,target=/root/.cache/pip"
    return f"RUN {cache} {json.dumps(['pip', 'install', *arguments], ensure_ascii=False)}"


_APP_OBJECT = re.compile(r"^(app|application)\s*(?::[^=\n]+)?=[^=]", re.MULTILINE)


def _guessed_command(sources: Sources) -> str:
    """The command that starts a well-known kind of app; empty when it is none."""
    if "manage.py" in sources.contents and (module := _django_module(sources)):
        return f"gunicorn --bind 0.0.0.0:$PORT {module}"
    for name in ("asgi.py", "wsgi.py", "app.py", "main.py"):
        content = sources.contents.get(name, "")
        match = _APP_OBJECT.search(content)
        if match and _is_asgi(name, content):
            return f"uvicorn --host 0.0.0.0 --port $PORT {name[:-3]}:{match[1]}"
        if match:
            return f"gunicorn --bind 0.0.0.0:$PORT {name[:-3]}:{match[1]}"
    return ""


def _django_module(sources: Sources) -> str:
    return next(
        (path[:-3].replace("/", ".") for path in sorted(sources.paths) if re.fullmatch(r"\w+/wsgi\.py", path)), ""
    )


def _is_asgi(name: str, content: str) -> bool:
    return name == "asgi.py" or re.search(r"\b(?:FastAPI|Starlette|Quart|Litestar)\(", content) is not None


def _missing_server(web: str, sources: Sources) -> list[str]:
    """The guessed server, when the project does not list it as a dependency."""
    server = web.split(" ", 1)[0]
    listed = sources.contents.get("requirements.txt", "") + sources.contents.get("pyproject.toml", "")
    return [server] if server in ("gunicorn", "uvicorn") and not re.search(rf"\b{server}\b", listed) else []


PYTHON = Template("python", "requirements.txt or pyproject.toml (Python)", READS, _is_python, _python)
