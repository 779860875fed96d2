"""How a Python app is started where no Procfile says it: by what its usual files hold."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from slipway.core.build.templates.of_python import packages
from slipway.core.build.templates.of_python.project import Project

NAMES = ("asgi", "wsgi", "app", "main", "application", "server", "api", "run", "index", "factory", "__init__")
_STREAMLIT = (
    *("streamlit_app.py", "Home.py", "home.py", "Hello.py", "app.py", "App.py", "main.py", "Main.py"),
    *("dashboard.py", "Dashboard.py", "src/streamlit_app.py", "src/app.py", "src/main.py"),
)
_SCRIPTS = ("app.py", "main.py", "server.py", "run.py", "application.py", "index.py", "src/main.py", "src/app.py")
READS = (
    *(f"{name}.py" for name in NAMES if name != "__init__"),
    *(f"*/{name}.py" for name in NAMES),
    *_STREAMLIT,
)
_NO_APPS = frozenset(
    (
        *("tests", "test", "testing", "examples", "example", "docs", "doc", "scripts", "migrations", "alembic"),
        *("node_modules", "venv", ".venv"),
    )
)
"""Folders that hold no app of the project's own."""
_ASGI = "FastAPI|Starlette|Quart|Litestar|Sanic|BlackSheep|FastHTML|fast_app|Esmerald"
_WSGI = "Flask|APIFlask|OpenAPI|Bottle|Eve"
_ASSIGNED = r"[ \t]*(?::[^=\n]+)?=[ \t]*(?:\w+\.)*"
_OBJECT = re.compile(
    rf"^(?P<name>\w+)(?:, *\w+)*{_ASSIGNED}(?:(?P<asgi>{_ASGI}|asgi\.App)|(?P<wsgi>{_WSGI}|falcon\.App))\(",
    re.MULTILINE,
)
_AIOHTTP = re.compile(rf"^(?P<name>\w+){_ASSIGNED}web\.Application\(", re.MULTILINE)
_DASH = re.compile(r"^(?P<name>\w+)[ \t]*=[ \t]*\w+\.server\b", re.MULTILINE)
_ANY_OBJECT = re.compile(r"^(?P<name>app|application)[ \t]*(?::[^=\n]+)?=[^=]", re.MULTILINE)
_NO_SERVER = re.compile(
    rf"^(?:app|application){_ASSIGNED}"
    r"(?:Typer|Celery|QApplication|Tk|Blocks|Interface|ChatInterface|Dash|App|Client|Bot)\(",
    re.MULTILINE,
)
"""Programs that no server of ours can serve."""
_FACTORY = re.compile(
    r"^(?P<async>async )?def (?P<name>create_app|make_app|get_app|create_application)\((?P<parameters>[^()]*)\)",
    re.MULTILINE,
)
_PLAIN = re.compile(r"(?:[\w-]+/)*\w+\.py")
"""A file whose path needs no quotes in a command."""
_IMPORTS = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.MULTILINE)
_IS_ASGI = re.compile(
    rf"\b(?:{_ASGI})\(|^[ \t]*(?:from|import)[ \t]+(?:fastapi|starlette|quart|litestar|sanic)\b", re.M
)
_READS_PORT = re.compile(r"\b(?:environ|\w*env)\b[^\n]{0,20}[\"']PORT[\"']")


@dataclass(frozen=True, slots=True)
class Start:
    """The command that starts the app."""

    command: str = ""
    """Empty: none is known."""
    root: str = ""
    """The folder that modules are imported from, beside that of the repository."""
    server: str = ""
    """The package that the command runs, which is installed if the project does not list it."""


def found(project: Project) -> Start:
    """How a well-known kind of app is started."""
    return _streamlit(project) or _gradio(project) or _by_object(project) or _script(project) or Start()


def _streamlit(project: Project) -> Start | None:
    path = _importing(project, "streamlit", _STREAMLIT)
    options = "--server.port $PORT --server.address 0.0.0.0 --server.headless true --server.fileWatcherType none"
    quiet = "--browser.gatherUsageStats false"
    return Start(f"streamlit run {path} {options} {quiet}", server="streamlit") if path else None


def _gradio(project: Project) -> Start | None:
    path = _importing(project, "gradio", _SCRIPTS)
    if not path or ".launch(" not in project.sources.contents[path]:
        return None
    return Start(f"GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=$PORT exec python {path}")


def _importing(project: Project, package: str, names: Iterable[str]) -> str:
    """The first of these files that imports the package, where the project lists it."""
    imports = re.compile(rf"^[ \t]*(?:import|from)[ \t]+{package}\b", re.MULTILINE)
    contents = project.sources.contents
    paths = [name for name in names if imports.search(contents.get(name, ""))]
    return paths[0] if paths and project.lists(package) else ""


def _script(project: Project) -> Start | None:
    """A script that listens on `PORT` by itself."""
    contents = project.sources.contents
    path = next((name for name in _SCRIPTS if _READS_PORT.search(contents.get(name, ""))), "")
    return Start(f"python {path}") if path else None


def _by_object(project: Project) -> Start | None:
    for path in _candidates(project):
        if started := _of_module(project, path, project.sources.contents[path]):
            return started
    return None


def _candidates(project: Project) -> list[str]:
    """Files that may hold the app: those at the root first, then those of the project's own package."""
    package = packages.name_of(project)
    first = ("", "app", "src", f"src/{package}", package, "api", "src/app", "backend", "server")
    folders = {folder: place for place, folder in reversed(list(enumerate(first)))}
    usual = {name: place for place, name in enumerate(NAMES)}
    ranked = []
    for path in project.sources.contents:
        folder, stem = posixpath.split(path)
        if _PLAIN.fullmatch(path) and stem[:-3] in usual and not _NO_APPS.intersection(folder.split("/")):
            ranked.append((folders.get(folder, len(first)), path.count("/"), folder, usual[stem[:-3]], path))
    return [path for *_, path in sorted(ranked)]


def _of_module(project: Project, path: str, content: str) -> Start | None:
    root, module = _module(project, path, content)
    if match := _OBJECT.search(content):
        return _served(root, f"{module}:{match['name']}", is_asgi=match["asgi"] is not None)
    if match := _AIOHTTP.search(content):
        worker = "--worker-class aiohttp.GunicornWebWorker"
        return Start(f"gunicorn --bind 0.0.0.0:$PORT {worker} {module}:{match['name']}", root, "gunicorn")
    if match := _DASH.search(content):
        return _served(root, f"{module}:{match['name']}", is_asgi=False)
    is_asgi = path.endswith("asgi.py") or _IS_ASGI.search(content) is not None
    match = _ANY_OBJECT.search(content)
    if match and not _NO_SERVER.search(content) and not path.endswith("__init__.py"):
        return _served(root, f"{module}:{match['name']}", is_asgi=is_asgi)
    match = _FACTORY.search(content)
    return _made(root, module, match["name"], is_asgi=is_asgi) if match and _needs_nothing(match) else None


def _served(root: str, target: str, *, is_asgi: bool) -> Start:
    if is_asgi:
        return Start(f"uvicorn --host 0.0.0.0 --port $PORT {target}", root, "uvicorn")
    return Start(f"gunicorn --bind 0.0.0.0:$PORT {target}", root, "gunicorn")


def _made(root: str, module: str, factory: str, *, is_asgi: bool) -> Start:
    if is_asgi:
        return Start(f"uvicorn --factory --host 0.0.0.0 --port $PORT {module}:{factory}", root, "uvicorn")
    return Start(f"exec gunicorn --bind 0.0.0.0:$PORT '{module}:{factory}()'", root, "gunicorn")


def _needs_nothing(factory: re.Match[str]) -> bool:
    """Can it be called without arguments?"""
    parameters = [each.strip() for each in factory["parameters"].split(",")]
    return not factory["async"] and all("=" in each or each.startswith("*") or not each for each in parameters)


def _module(project: Project, path: str, content: str) -> tuple[str, str]:
    """The folder that the module is imported from, and its name there."""
    folder = posixpath.dirname(path)
    root = folder if _imports_neighbours(project, folder, content) else ""
    is_layout = folder.split("/")[0] == "src" and path != "src/__init__.py"
    if not root and is_layout and not re.search(r"^[ \t]*(?:from|import)[ \t]+src\b", content, re.M):
        root = "src"
    inside = path.removeprefix(f"{root}/").removesuffix(".py").removesuffix("/__init__")
    return root, inside.replace("/", ".")


def _imports_neighbours(project: Project, folder: str, content: str) -> bool:
    """Does the module import files of its own folder by their names alone, which are not at the root?"""

    def is_at(place: str) -> bool:
        return f"{place}.py" in project.sources.paths or place in project.folders

    names = set(_IMPORTS.findall(content)) if folder else set()
    return any(is_at(f"{folder}/{name}") and not is_at(name) for name in names)
