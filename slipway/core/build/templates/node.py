"""Node projects: servers, and pages that a build makes."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace

from slipway.core.build.templates import base_images, static_site
from slipway.core.build.templates.base_images import WantedVersion
from slipway.core.build.templates.of_node import frameworks, package_managers, scripts
from slipway.core.build.templates.of_node import package as node_package
from slipway.core.build.templates.of_node.frameworks import Framework, Served
from slipway.core.build.templates.of_node.package import MANIFEST, Package
from slipway.core.build.templates.of_node.package_managers import BERRY, MANAGERS, Chosen
from slipway.core.build.templates.processes import NoStart, has_web, processes
from slipway.core.build.templates.steps import BUILD, run, shell, stage
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text
from slipway.errors import InvalidInput

ASSETS = "assets"
"""The stage that `build_of_assets` makes."""
_MAJORS = (24, 22, 20, 18, 26, 16, 14)
"""Versions that are pulled for a range, the ones with long support first."""
READS = (
    *("Procfile", MANIFEST, f"*/{MANIFEST}", ".yarnrc.yml", *node_package.VERSION_FILES),
    *(name for manager in MANAGERS for name in manager.locks if manager.package),
    *frameworks.CONFIGURATIONS,
)
_STATE = "ENV YARN_INSTALL_STATE_PATH=/tmp/yarn-state.gz"
"""Yarn writes there when it runs a script."""
_OF_DENO = ("deno.json", "deno.jsonc", "deno.lock")
_IGNORED = "**/node_modules\n**/.next\n.output\n.git\n"
_STARTED = ("server.js", "server.mjs", "index.js", "index.mjs", "app.js", "app.mjs", "src/index.js", "src/server.js")
_NO_START = NoStart(
    "a Node project",
    "a start script or main in package.json; server.js, index.js or app.js",
    'add "start" to "scripts" in package.json, such as: "node server.js"',
)
_RUN_BY_NODE = (".js", ".mjs", ".cjs")
_NEEDS_MANAGER = re.compile(r"\b(?:npm|npx|pnpm|yarn)\b|\$\{?npm_")


@dataclass(frozen=True, slots=True)
class Project:
    """What is known of a Node project before its Dockerfile is made."""

    sources: Sources
    package: Package
    manager: Chosen
    framework: Framework | None
    image: str
    notes: tuple[str, ...]


def _is_node(sources: Sources) -> bool:
    return MANIFEST in sources.paths and not sources.paths.intersection(_OF_DENO)


def _node(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    project = _project(sources, images)
    served = _served(project)
    return _site(project, served, images) if served.folder else _server(project, served)


def _project(sources: Sources, images: BaseImages) -> Project:
    package = node_package.read(sources)
    manager = package_managers.chosen(sources, package)
    image = base_images.choose(images.node, _wanted(sources, package), images.host)
    framework = frameworks.found(package)
    return Project(sources, package, manager, framework, image.reference, (*manager.notes, *image.notes))


def _wanted(sources: Sources, package: Package) -> WantedVersion | None:
    wanted, where = node_package.wanted_version(sources, package)
    if not wanted:
        return None

    def accepts(version: str) -> bool:
        return node_package.accepts(wanted, int(version.partition(".")[0]))

    pulled = next((str(major) for major in _MAJORS if node_package.accepts(wanted, major)), "")
    exact = re.match(r"\D*(\d+)", wanted)
    return WantedVersion("Node", wanted, where, accepts, pulled or (exact[1] if exact else "lts"))


def _served(project: Project) -> Served:
    """What the framework's build makes. A project that starts a server of its own is that server."""
    if project.framework is None:
        return Served()
    framework = project.framework
    served = framework.served(project.sources, project.package)
    if has_web(project.sources) or (served.folder and _has_own_server(project, framework)):
        return Served(environment=served.environment)
    named = scripts.folder_of_pages(project.package, framework.build) if served.folder else ""
    return replace(served, folder=named) if named else served


def _has_own_server(project: Project, framework: Framework) -> bool:
    """Does the start script run something other than the framework's own server of development?"""
    words = scripts.whole(project.package, "start").split()
    is_tool = not framework.build or words[:1] == framework.build.split()[:1]
    return bool(words) and not is_tool and not frameworks.is_development(" ".join(words))


def _site(project: Project, served: Served, images: BaseImages) -> GeneratedDockerfile:
    """A build, whose pages the server of static sites publishes: of the sources nothing is in the image."""
    made = [*_built(project, served, BUILD), static_site.check(served.folder)]
    return static_site.generated_site(
        "node",
        made,
        f"/app/{served.folder}/",
        images,
        is_single_page=served.is_single_page,
        ignore=_IGNORED,
        notes=(*project.notes, f"{_name(project)}: its build's pages in {served.folder} are published"),
    )


def _server(project: Project, served: Served) -> GeneratedDockerfile:
    started = processes(project.sources, _command(project, served), _NO_START)
    lines = [*_built(project, served), *ending(started.argv)]
    return GeneratedDockerfile("node", text(lines), _IGNORED, started.command_lines, notes=project.notes)


def _name(project: Project) -> str:
    return project.framework.name if project.framework else "Node"


def _built(project: Project, served: Served, name: str = "") -> list[str]:
    """The steps from the base image to what the build makes. `name` is the stage's."""
    environment = {"PATH": "/app/node_modules/.bin:$PATH"} | dict(served.environment)
    environment |= project.manager.manager.environment
    return [
        stage(project.image, name) if name else f"FROM {project.image}",
        "WORKDIR /app",
        "ENV " + " ".join(f'{variable}="{value}"' for variable, value in environment.items()),
        *project.manager.steps(project.sources, project.package),
        "ENV NODE_ENV=production",
        *([_STATE] if project.manager.manager is BERRY else []),
        *_build(project),
        *_standalone(served),
    ]


def _build(project: Project) -> list[str]:
    script = next((name for name in ("heroku-postbuild", "build") if name in project.package.scripts), "")
    if script:
        return [run(_script(project, script).split(" "))]
    if project.framework is not None and project.framework.build:
        return [shell(project.framework.build)]
    folder = _started_member(project)
    if folder and "build" in node_package.read(project.sources, f"{folder}/{MANIFEST}").scripts:
        return [shell(project.manager.manager.in_member(folder, "build"))]
    return []


def _standalone(served: Served) -> list[str]:
    """Next's standalone server serves two folders that its build leaves elsewhere."""
    if not served.start.startswith("node .next/standalone/"):
        return []
    target = ".next/standalone"
    public = f"if [ -d public ]; then cp -R public {target}/; fi"
    return [shell(f"mkdir -p {target}/.next; cp -R .next/static {target}/.next/; {public}")]


def _command(project: Project, served: Served) -> str:
    """The command that starts the server; empty when none is found.

    Raises:
        InvalidInput: the start script starts none.
    """
    start = project.package.scripts.get("start", "")
    runs = scripts.whole(project.package, "start")
    if start and not frameworks.is_development(runs) and not frameworks.is_watching(runs):
        return _start_script(project, start)
    if served.start:
        return served.start
    if start and not frameworks.is_watching(runs):
        return _start_script(project, start)
    if file := _started_file(project):
        return f"node {file}"
    folder = _started_member(project)
    if start and not folder and not has_web(project.sources):
        raise InvalidInput(
            f"the start script of package.json runs a tool of development ({runs[:80]}), and no server",
            remedy='let "start" run a server, such as: "node server.js"',
        )
    return project.manager.manager.in_member(folder, "start") if folder else ""


def _start_script(project: Project, start: str) -> str:
    """The script's own line, so that signals reach the app; its manager runs what needs the manager's surroundings."""
    if "prestart" in project.package.scripts or _NEEDS_MANAGER.search(start):
        return _script(project, "start")
    return start


def _script(project: Project, name: str) -> str:
    return f"{project.manager.manager.name.split(' ')[0]} run {name}"


def _started_file(project: Project) -> str:
    main = project.package.main
    if main.endswith(".js") and "build" in project.package.scripts:
        return main  # which the build makes, if it is not there yet
    candidates = [main, f"{main}.js", f"{main}/index.js"] if main else []
    known = (posixpath.normpath(each) for each in (*candidates, *_STARTED))
    return next((path for path in known if path in project.sources.paths and path.endswith(_RUN_BY_NODE)), "")


def _started_member(project: Project) -> str:
    """The folder of the workspace's only member that has a start script; empty where there is none.

    Raises:
        InvalidInput: there are several.
    """
    manifests = package_managers.members(project.sources)
    starting = [path for path in manifests if "start" in node_package.read(project.sources, path).scripts]
    if len(starting) > 1 and not has_web(project.sources):
        raise InvalidInput(
            f"several members of the workspace have a start script: {', '.join(starting[:5])}",
            remedy="add a Procfile that names one: web: npm start --workspace=<name>",
        )
    return posixpath.dirname(starting[0]) if starting else ""


def build_of_assets(sources: Sources, images: BaseImages) -> list[str]:
    """The stage that builds the pages' scripts and styles of a project in another language; none where it has no build
    script."""
    if not _is_node(sources) or "build" not in node_package.read(sources).scripts:
        return []
    return _built(_project(sources, images), Served(), ASSETS)


NODE = Template("node", "package.json (Node)", READS, _is_node, _node)
