"""Recognises what a repository without a Dockerfile holds, and generates one: a table of templates, tried in order.

Each row has what the template looks for, whether it recognises the sources, and the Dockerfile that it generates.
Dependencies are installed before the sources are copied, so that a change of the sources builds from the cache. The app
runs as user 10001 on a read-only root.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slipway.core.app_settings.configuration import DEFAULT_PORT, WEB
from slipway.core.build import languages, procfile, published_files
from slipway.errors import InvalidInput

USER = "10001:10001"
READ_FILES = ("Procfile", "requirements.txt", "pyproject.toml", "app.py", "main.py", "wsgi.py", "asgi.py", "manage.py")
"""The files whose content detection reads, when they are regular files."""
STATIC_FOLDERS = ("", "public", "dist", "_site", "site")
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Sources:
    """The context folder as detection sees it."""

    paths: frozenset[str]
    """Every file, as a relative path with slashes."""
    contents: Mapping[str, str]
    """The content of those READ_FILES that exist, and the beginnings of the files in `program_content.glanced_at`."""
    has_web_command: bool = False
    """Does slipway.toml or the app's settings have a command for `web`?"""


@dataclass(frozen=True, slots=True)
class BaseImages:
    """From Settings."""

    python: str
    static: str


@dataclass(frozen=True, slots=True)
class GeneratedDockerfile:
    """A generated Dockerfile, its ignore file, and the processes that the app runs."""

    template: str
    dockerfile: str
    ignore: str
    """Lines of `.dockerignore` before the repository's own."""
    processes: Mapping[str, str] = field(default_factory=dict)
    """Process → command line, split without a shell."""
    ignore_after: str = ""
    """Lines of `.dockerignore` after the repository's own, which can't undo them."""
    notes: tuple[str, ...] = ()
    """Lines for the deployment's log."""


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    looks_for: str
    recognises: Callable[[Sources], bool]
    generate: Callable[[Sources, BaseImages], GeneratedDockerfile]


def detect(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    """The Dockerfile of the first template that recognises the sources.

    Raises:
        InvalidInput: no template does, or the sources lack something that it needs.
    """
    for template in TEMPLATES:
        if template.recognises(sources):
            return template.generate(sources, images)
    _refuse_program(sources)
    looked_for = "; ".join(["a Dockerfile", *(template.looks_for for template in TEMPLATES)])
    raise InvalidInput(
        f"nothing here says how to build it. Looked for: {looked_for}",
        remedy="add a Dockerfile, or name it in slipway.toml: [build] dockerfile = … and context = …",
    )


def _refuse_program(sources: Sources) -> None:
    """Raise an error that names the kind of project, when its files show one."""
    found = languages.evidence(sources.paths, sources.contents)
    if found is not None:
        raise InvalidInput(
            f"this is {found.language.project} ({found.path}), which can't be built without a Dockerfile yet",
            remedy=f"{found.language.remedy}; {_IS_SITE}",
        )
    if _static_folder(sources) is not None:
        raise InvalidInput(
            "this has an index.html, but the Procfile or the settings say how a web process is started: it is no "
            "static site",
            remedy=f"add a Dockerfile, or take the command out; {_IS_SITE}",
        )


_IS_SITE = "or, if a folder of it is a finished site, name that in slipway.toml: [static] root = …"


# Python


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
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore",
        "WORKDIR /app",
        *installs,
        *([_pip(extra)] if extra else []),
        *([] if "COPY . ." in installs else ["COPY . ."]),
        *_project_itself(sources),
        *_ending(procfile.argv(web) if web else None),
    ]
    ready = {name: procfile.command_line(line) for name, line in processes.items()}
    if web:
        ready[WEB] = procfile.command_line(web)
    return GeneratedDockerfile("python", _text(lines), "**/__pycache__\n**/*.pyc\n.venv\nvenv\n", ready)


def _installs(sources: Sources) -> list[str]:
    """The steps that install what the app depends on, before its sources where that is possible."""
    if "requirements.txt" in sources.paths:
        requirements = sources.contents.get("requirements.txt", "")
        copied = "COPY . ." if _names_local_files(requirements) else "COPY requirements.txt ./"
        return [copied, _pip(["-r", "requirements.txt"])]
    dependencies = _project(sources).get("dependencies", [])
    return [_pip(["--", *dependencies])] if dependencies else []


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
    return [_pip([*no_dependencies, "--no-cache-dir", "."])]


_LOCAL = re.compile(
    r"^\s*(?:-[rce]|--requirement|--constraint|--editable|\.{1,2}/|\.\s*$|\.\[|file:|/)|@ file:", re.MULTILINE
)


def _names_local_files(requirements: str) -> bool:
    return _LOCAL.search(requirements) is not None


def _pip(arguments: list[str]) -> str:
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


# Static sites


def _is_static(sources: Sources) -> bool:
    """Is it a finished site, without any sign of a program? All of its files will be published."""
    starts_web = sources.has_web_command or WEB in procfile.parse(sources.contents.get("Procfile", "").encode())
    return (
        _static_folder(sources) is not None
        and not starts_web
        and languages.evidence(sources.paths, sources.contents) is None
    )


def _static_folder(sources: Sources) -> str | None:
    for folder in STATIC_FOLDERS:
        if f"{folder}/index.html".lstrip("/") in sources.paths:
            return folder
    return None


def _static(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    folder = _static_folder(sources) or "."
    prefix = "" if folder == "." else f"{folder}/"
    served = [path.removeprefix(prefix) for path in sources.paths if path.startswith(prefix)]
    return _site(folder, served, images, published_files.withheld(is_named=False))


def named_site(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    """The Dockerfile for a folder that the owner names as a finished site; `sources` are that folder's."""
    made = _site(".", sorted(sources.paths), images, published_files.withheld(is_named=True))
    notes = list(made.notes)
    if "index.html" not in sources.paths:
        notes.append("[static] root has no index.html: / answers 404")
    found = languages.evidence(sources.paths, {})
    if found is not None and not re.search(published_files.expression(published_files.NEVER), f"/{found.path}"):
        notes.append(f"sources are published as text, since [static] root says so: {found.path}")
    return replace(made, notes=tuple(notes))


_SITE = """\
import os
import re

from whitenoise import WhiteNoise

WITHHELD = re.compile({withheld!r})

def published(root):
    for folder, folders, names in os.walk(root, followlinks=True):
        here = os.path.realpath(folder) + "/"
        folders[:] = [name for name in folders if leads(root, here, os.path.join(folder, name) + "/")]
        for path in (os.path.join(folder, name) for name in names):
            if leads(root, "", path) and os.path.isfile(path):
                yield path

def leads(root, here, path):
    real = os.path.realpath(path) + "/" * path.endswith("/")
    is_below = real.startswith(root) and not here.startswith(real)
    return is_below and not any(WITHHELD.search(each[len(root) - 1 :].rstrip("/")) for each in (path, real))

class Site(WhiteNoise):
    def update_files_dictionary(self, root, prefix):
        found = {{path: os.stat(path) for path in published(root)}}
        for path in found:
            self.add_file_to_dictionary(prefix + path[len(root) :], path, stat_cache=found)

def missing(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"not found\\n"]

app = Site(missing, root="/site", index_file=True)
"""
"""The server of a site. It follows no link out of the site, nor to a file that is withheld."""


def _site(folder: str, served: Iterable[str], images: BaseImages, withheld: tuple[str, ...]) -> GeneratedDockerfile:
    """A Dockerfile that serves a folder of the context, except the names that are withheld."""
    expression = published_files.expression(withheld)
    script = f"import pathlib; pathlib.Path('/srv/static_site.py').write_text({_SITE.format(withheld=expression)!r})"
    options = "--preload --threads 8 --worker-tmp-dir /dev/shm --bind 0.0.0.0:$PORT"
    serve = f"exec gunicorn --chdir /srv {options} static_site:app"
    lines = [
        f"FROM {images.static}",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore",
        _pip(["--", "gunicorn", "whitenoise"]),
        f"RUN {json.dumps(['python', '-c', script])}",
        f"COPY {json.dumps([folder, '/site/'], ensure_ascii=False)}",
        *_ending(["sh", "-c", serve]),
    ]
    return GeneratedDockerfile(
        "static",
        _text(lines),
        published_files.HIDDEN_IGNORED,
        ignore_after=published_files.ignore_lines(withheld),
        notes=_withheld_note(served, re.compile(expression)),
    )


def _withheld_note(served: Iterable[str], withheld: re.Pattern[str]) -> tuple[str, ...]:
    found = sorted(path for path in served if withheld.search(f"/{path}") and not path.startswith("."))
    if not found:
        return ()
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return (f"not served, since sites don't publish such files: {', '.join(found[:MOST_NAMED])}{more}",)


def _ending(argv: list[str] | None) -> list[str]:
    command = [f"CMD {json.dumps(argv, ensure_ascii=False)}"] if argv else []
    return ["ENV HOME=/tmp", f"USER {USER}", f"EXPOSE {DEFAULT_PORT}", *command]


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


TEMPLATES: tuple[Template, ...] = (
    Template("python", "requirements.txt or pyproject.toml (Python)", _is_python, _python),
    Template(
        "static",
        "index.html, also in public, dist, _site or site (a static site)",
        _is_static,
        _static,
    ),
)
