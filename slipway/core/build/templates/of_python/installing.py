"""How the dependencies of a Python project are installed: a table of package managers, a row for each file that shows
one.

A lock file is installed by its own tool, exactly as it stands, into /venv; the tool is in a stage of its own and not in
the image. Everything else is installed by pip.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from slipway.core.build.templates.of_python import packages
from slipway.core.build.templates.of_python.project import PYPROJECT, REQUIREMENTS, Project
from slipway.core.build.templates.steps import copy
from slipway.errors import InvalidInput

COPY_ALL = "COPY . ."
VENV = "/venv"
_TOOL = "/opt/tool"
_PIP_CACHE = "--mount=type=cache,target=/root/.cache/pip"
_RECODE = (
    "import pathlib, sys\n"
    "for each in sys.argv[1:]:\n"
    "    path, codec = each.rsplit('=', 1)\n"
    "    file = pathlib.Path(path)\n"
    "    file.write_text(file.read_text(codec), 'utf-8')"
)


@dataclass(frozen=True, slots=True)
class Installation:
    """The steps that install what a project depends on."""

    manifest: str
    """The file that says what is installed; empty: nothing is."""
    steps: tuple[str, ...]
    tool: str = ""
    """The tool as pip gets it, for a stage of its own; empty: pip does everything, in the image's own Python."""
    includes_project: bool = False

    def stage(self, image: str) -> list[str]:
        """The stage that has the tool."""
        if not self.tool:
            return []
        made = f"python -m venv {_TOOL} && {_TOOL}/bin/pip install '{self.tool}'"
        return [f"FROM {image} AS tool", f"RUN {_PIP_CACHE} {made}"]

    def environment(self) -> list[str]:
        if not self.tool:
            return []
        return [f"ENV VIRTUAL_ENV={VENV} PATH={VENV}/bin:$PATH", f"RUN {json.dumps(['python', '-m', 'venv', VENV])}"]


@dataclass(frozen=True, slots=True)
class Manager:
    """A row of the table."""

    manifest: Callable[[Project], str]
    """The file that shows the manager; empty where it is not there."""
    install: Callable[[Project, str], Installation]


def installation(project: Project) -> Installation:
    """By the first manager of the table that the project has a file of.

    Raises:
        InvalidInput: there is a pyproject.toml that lists no dependencies, and nothing else that does.
    """
    for manager in MANAGERS:
        if manifest := manager.manifest(project):
            return manager.install(project, manifest)
    if PYPROJECT in project.sources.paths:
        raise InvalidInput(
            "pyproject.toml has no [project] table, so its dependencies are not known",
            remedy="add [project] with name, version and dependencies, or a requirements.txt (an empty one if it needs "
            "nothing)",
        )
    return Installation("", ())


def unused(project: Project, used: str) -> list[str]:
    """Other files that list dependencies, and are not used."""
    companions = {"Pipfile.lock": "Pipfile", "Pipfile": ""}
    of_used = {used, companions.get(used, ""), *(project.requirement_files() if used in REQUIREMENTS else ())}
    return [name for name in (*_LOCKS, *REQUIREMENTS, "Pipfile", "environment.yml")
            if name in project.sources.paths and name not in of_used]  # fmt: skip


def pip(arguments: Iterable[str], *, prefix: Iterable[str] = ()) -> str:
    """The step that runs `pip install`, with pip's cache kept for the tenant's next build."""
    return f"RUN {_PIP_CACHE} {json.dumps([*prefix, 'pip', 'install', *arguments], ensure_ascii=False)}"


def recoded(project: Project, names: Iterable[str]) -> list[str]:
    """The step that writes these files anew as UTF-8, those that are not: the tools can't read them."""
    encodings = project.sources.encodings
    files = [f"{name}={encodings[name]}" for name in names if name in encodings]
    return [f"RUN {json.dumps(['python', '-c', _RECODE, *files], ensure_ascii=False)}"] if files else []


def copied(names: Iterable[str]) -> list[str]:
    """The steps that copy these files alone, each into its folder."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    return [copy(*files, to=f"./{folder}/" if folder else "./") for folder, files in folders.items()]


def _by_tool(tool: str, cache: str, command: Callable[[Project], list[str]]) -> Callable[[Project, str], Installation]:
    """The installation by a tool: its command, and the folder of its cache."""
    mounts = f"--mount=type=bind,from=tool,source={_TOOL},target={_TOOL} --mount=type=cache,target=/root/.cache/{cache}"

    def install(project: Project, manifest: str) -> Installation:
        there = [name for name in (manifest, *_READ_BY_TOOLS) if name in project.sources.paths]
        files = list(dict.fromkeys(there))
        first = [COPY_ALL] if _has_local_dependencies(project) else copied(files)
        run = f"RUN {mounts} {json.dumps(command(project))}"
        return Installation(manifest, (*first, *recoded(project, files), run), tool)

    return install


def _has_local_dependencies(project: Project) -> bool:
    """Does a dependency lie in the repository itself?"""
    groups = [("tool", "poetry", "group", name) for name in project.table("tool", "poetry", "group")]
    tables = [
        project.pipfile_table("packages"),
        project.table("tool", "uv", "sources"),
        *(project.table(*names, "dependencies") for names in [("tool", "poetry"), *groups]),
    ]
    return (
        bool(project.table("tool", "uv", "workspace"))
        or any(_is_local(each) for table in tables for each in table.values())
        or any("file:" in each for each in project.strings("project", "dependencies"))
    )


def _is_local(dependency: object) -> bool:
    return isinstance(dependency, Mapping) and bool({"path", "workspace"} & dependency.keys())


def _uv(*command: str) -> list[str]:
    return [
        *("env", f"UV_PROJECT_ENVIRONMENT={VENV}", f"UV_PYTHON={VENV}/bin/python", "UV_PYTHON_DOWNLOADS=never"),
        *("UV_LINK_MODE=copy", f"{_TOOL}/bin/uv", *command),
    ]


def _uv_sync(project: Project) -> list[str]:
    groups = [part for name in _for_production(project.table("dependency-groups")) for part in ("--group", name)]
    return _uv("sync", "--no-dev", *groups, "--no-install-project", "--inexact")


def _frozen_uv_sync(project: Project) -> list[str]:
    return [*_uv_sync(project), "--frozen"]


def _uv_pylock(_project: Project) -> list[str]:
    return _uv("pip", "install", "-r", "pylock.toml")


def _poetry(project: Project) -> list[str]:
    groups = ",".join(["main", *_for_production(project.table("tool", "poetry", "group"))])
    return [
        *("env", "POETRY_CACHE_DIR=/root/.cache/pypoetry", f"{_TOOL}/bin/poetry", "install", "--only", groups),
        *("--no-root", "--no-interaction", "--no-ansi"),
    ]


def _pdm(_project: Project) -> list[str]:
    sync = ("sync", "--prod", "--no-self", "--no-editable")
    return ["env", "PDM_CHECK_UPDATE=0", f"PDM_PYTHON={VENV}/bin/python", f"{_TOOL}/bin/pdm", *sync]


def _pipenv(*command: str) -> Callable[[Project], list[str]]:
    return lambda _: ["env", "PIPENV_NOSPIN=1", "PIPENV_VERBOSITY=-1", f"{_TOOL}/bin/pipenv", *command]


def _for_production(groups: Iterable[str]) -> list[str]:
    return [name for name in groups if name in _OF_PRODUCTION]


_READ_BY_TOOLS = (PYPROJECT, "Pipfile", "uv.toml", "poetry.toml", "pdm.toml")
_OF_PRODUCTION = ("prod", "production", "deploy", "deployment", "server")
"""Groups that are installed beside the dependencies themselves."""


def _requirements(project: Project, manifest: str) -> Installation:
    files = project.requirement_files()
    first = [COPY_ALL] if project.requirements_name_sources() else copied(files)
    return Installation(manifest, (*first, *recoded(project, files), pip(["-r", manifest])))


def _listed(project: Project, manifest: str) -> Installation:
    """[project] without a lock file."""
    dependencies = project.strings("project", "dependencies")
    if _has_local_dependencies(project):
        return Installation(manifest, (COPY_ALL, pip(["."])), includes_project=True)
    return Installation(manifest, (pip(["--", *dependencies]),) if dependencies else ())


def _by_building(project: Project, manifest: str) -> Installation:
    """The project's build says what it depends on."""
    prefix = packages.version_from_git(project)
    return Installation(manifest, (COPY_ALL, pip(["."], prefix=prefix)), includes_project=True)


def _lock(name: str, manifest: str = PYPROJECT) -> Callable[[Project], str]:
    def found(project: Project) -> str:
        return name if {name, manifest} <= project.sources.paths else ""

    return found


def _unlocked_poetry(project: Project) -> str:
    return PYPROJECT if project.table("tool", "poetry", "dependencies") and not project.table("project") else ""


def _uv_sources(project: Project) -> str:
    uv = project.table("tool", "uv")
    return PYPROJECT if project.table("project") and {"sources", "workspace", "index"} & uv.keys() else ""


def _project_table(project: Project) -> str:
    is_dynamic = "dependencies" in project.strings("project", "dynamic")
    return PYPROJECT if project.table("project") and not is_dynamic else ""


def _built(project: Project) -> str:
    if project.table("project") or (project.table("build-system") and project.has_setup):
        return PYPROJECT
    return next((name for name in ("setup.py", "setup.cfg") if project.has_setup and name in project.sources.paths), "")


_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
MANAGERS: tuple[Manager, ...] = (
    Manager(_lock("uv.lock"), _by_tool("uv<1", "uv", _frozen_uv_sync)),
    Manager(_lock("poetry.lock"), _by_tool("poetry<3", "pypoetry", _poetry)),
    Manager(_lock("pdm.lock"), _by_tool("pdm[locked]<3", "pdm", _pdm)),
    Manager(_lock("Pipfile.lock", "Pipfile"), _by_tool("pipenv", "pipenv", _pipenv("sync"))),
    Manager(_lock("pylock.toml", "pylock.toml"), _by_tool("uv<1", "uv", _uv_pylock)),
    Manager(lambda project: project.requirements, _requirements),
    Manager(_unlocked_poetry, _by_tool("poetry<3", "pypoetry", _poetry)),
    Manager(_uv_sources, _by_tool("uv<1", "uv", _uv_sync)),
    Manager(_lock("Pipfile", "Pipfile"), _by_tool("pipenv", "pipenv", _pipenv("install", "--skip-lock"))),
    Manager(_project_table, _listed),
    Manager(_built, _by_building),
)
