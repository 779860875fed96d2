"""Frameworks of Node that need a build: what they make, a server or a folder of pages. A table, a row a framework."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.core.build.templates.of_node.package import Package
from slipway.core.build.templates.template import Sources
from slipway.errors import InvalidInput

CONFIGURATIONS = (
    *("next.config.*", "nuxt.config.*", "astro.config.*", "svelte.config.*", "vite.config.*", "angular.json"),
    *(".eleventy.js", "eleventy.config.*"),
)
"""The files whose content the table reads."""
_DEVELOPMENT = re.compile(
    r"(?:^|[\s&;/])(?:vite|vite-node|astro|gatsby|docusaurus|eleventy|vitepress|hexo|parcel|serve|http-server|live-server"
    r"|ng serve|vue-cli-service serve|react-scripts start|craco start|react-app-rewired start|webpack serve"
    r"|webpack-dev-server|next dev|nuxt dev|nuxi dev|remix dev|react-router dev|remix vite:dev)(?=\s|$|[&;])"
)
"""Commands of development, which watch sources and compile them as they are asked for."""
_WATCHES = re.compile(
    r"(?:^|[\s;&/])(?:(?:gulp|grunt)(?: (?:watch|serve|dev|default))?"
    r"|(?:browser-sync|live-server|lite-server)(?: [^;&]*)?)\s*(?:$|[;&])"
)
"""Commands that only reload pages while somebody writes them."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the build makes."""

    folder: str = ""
    """Of pages, which a static server publishes; empty: a program is started."""
    start: str = ""
    """The command that starts the program; empty: the project's own scripts say it."""
    is_single_page: bool = False
    """Do addresses without a file get the page `index.html`, whose script reads them?"""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Framework:
    name: str
    dependencies: tuple[str, ...]
    """A project that lists one of them uses the framework."""
    build: str
    """The command that builds it, where package.json has no script for that; empty: nothing is built then, and what the
    start script runs is a server of development."""
    served: Callable[[Sources, Package], Served]


def is_development(script: str) -> bool:
    return _DEVELOPMENT.search(script) is not None


def is_watching(script: str) -> bool:
    return _WATCHES.search(script) is not None


def found(package: Package) -> Framework | None:
    return next((each for each in FRAMEWORKS if package.dependencies.keys() & set(each.dependencies)), None)


def _configuration(sources: Sources, name: str) -> str:
    return "\n".join(text for path, text in sources.contents.items() if path.startswith(f"{name}."))


def _option(text: str, name: str) -> str:
    """The text of an option such as `outDir: 'public'`; empty where it is missing or computed."""
    match = re.search(rf"\b{name}\s*+:\s*+[\"']([^\"'\n]+)[\"']", text)
    return posixpath.normpath(match[1]) if match else ""


def _pages(folder: str, *, is_single_page: bool = False) -> Callable[[Sources, Package], Served]:
    return lambda _sources, _package: Served(folder, is_single_page=is_single_page)


def _next(sources: Sources, _package: Package) -> Served:
    configuration = _configuration(sources, "next.config")
    output = _option(configuration, "output")
    if output == "export":
        return Served(_option(configuration, "distDir") or "out")
    everywhere = {"HOSTNAME": "0.0.0.0", "NEXT_TELEMETRY_DISABLED": "1"}  # noqa: S104 - in its container
    standalone = "node .next/standalone/server.js"
    start = standalone if output == "standalone" else "next start --hostname 0.0.0.0 --port $PORT"
    return Served(start=start, environment=everywhere)


def _nuxt(_sources: Sources, package: Package) -> Served:
    if "generate" in package.scripts.get("build", ""):
        return Served(".output/public")
    return Served(start="node .output/server/index.mjs", environment={"HOST": "0.0.0.0"})  # noqa: S104


def _remix(_sources: Sources, package: Package) -> Served:
    command = "remix-serve" if "@remix-run/serve" in package.dependencies else "react-router-serve"
    has_server = {"@remix-run/serve", "@react-router/serve"} & package.dependencies.keys()
    return Served(start=f"{command} ./build/server/index.js" if has_server else "")


def _astro(sources: Sources, package: Package) -> Served:
    if "@astrojs/node" in package.dependencies:
        return Served(start="node ./dist/server/entry.mjs", environment={"HOST": "0.0.0.0"})  # noqa: S104
    return Served(_option(_configuration(sources, "astro.config"), "outDir") or "dist")


def _svelte(sources: Sources, package: Package) -> Served:
    if "@sveltejs/adapter-node" in package.dependencies:
        return Served(start="node build")
    if "@sveltejs/adapter-static" in package.dependencies:
        return Served(_option(_configuration(sources, "svelte.config"), "pages") or "build", is_single_page=True)
    raise InvalidInput(
        "this is a SvelteKit project without an adapter for a server of its own",
        remedy="npm install --save-dev @sveltejs/adapter-node, and use it in svelte.config.js",
    )


def _vite(sources: Sources, _package: Package) -> Served:
    return Served(_option(_configuration(sources, "vite.config"), "outDir") or "dist", is_single_page=True)


def _eleventy(sources: Sources, _package: Package) -> Served:
    text = sources.contents.get(".eleventy.js", "") + _configuration(sources, "eleventy.config")
    return Served(_option(text, "output") or "_site")


_SITES = ("dist", "public", "_site", "site", "build")
_SERVERS = (
    *("express", "koa", "fastify", "@hapi/hapi", "hapi", "restify", "polka", "connect", "hono", "@hono/node-server"),
    *("@nestjs/core", "h3", "ws", "socket.io"),
)


def _finished(sources: Sources, package: Package) -> Served:
    """Pages in a folder of the repository, of a project that has no server but the one that reloads them."""
    if package.dependencies.keys() & set(_SERVERS):
        return Served()
    return Served(next((folder for folder in _SITES if f"{folder}/index.html" in sources.paths), ""))


def _angular(sources: Sources, package: Package) -> Served:
    if "@angular/ssr" in package.dependencies:
        return Served(start=f"node dist/{_angular_project(sources)}/server/server.mjs")
    return Served(_angular_folder(sources), is_single_page=True)


def _angular_folder(sources: Sources) -> str:
    project = _angular_project(sources)
    build = _table(_table(_table(_angular_projects(sources), project), "architect"), "build")
    output = _table(build, "options").get("outputPath", f"dist/{project}")
    base = output.get("base", "") if isinstance(output, dict) else output
    has_browser = str(build.get("builder", "")).endswith((":application", ":browser-esbuild"))
    return posixpath.normpath(f"{base}/browser" if has_browser else f"{base}")


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table in a table; an empty one where it is missing, or of another type."""
    found = tables.get(name)
    return found if isinstance(found, dict) else {}


def _angular_projects(sources: Sources) -> Mapping[str, Any]:
    try:
        document = json.loads(sources.contents.get("angular.json", "{}"))
    except (ValueError, RecursionError):
        return {}
    return _table(document, "projects") if isinstance(document, dict) else {}


def _angular_project(sources: Sources) -> str:
    return next(iter(_angular_projects(sources)), "app")


FRAMEWORKS: tuple[Framework, ...] = (
    Framework("Next", ("next",), "next build", _next),
    Framework("Nuxt", ("nuxt", "nuxt3"), "nuxt build", _nuxt),
    Framework("Remix", ("@remix-run/serve", "@remix-run/node", "@remix-run/react"), "remix vite:build", _remix),
    Framework("React Router", ("@react-router/serve", "@react-router/node"), "react-router build", _remix),
    Framework("Astro", ("astro",), "astro build", _astro),
    Framework("SvelteKit", ("@sveltejs/kit",), "vite build", _svelte),
    Framework("Gatsby", ("gatsby",), "gatsby build", _pages("public")),
    Framework("Docusaurus", ("@docusaurus/core",), "docusaurus build", _pages("build")),
    Framework("Eleventy", ("@11ty/eleventy",), "eleventy", _eleventy),
    Framework("Hexo", ("hexo",), "hexo generate", _pages("public")),
    Framework("Angular", ("@angular/core",), "ng build", _angular),
    Framework("Vue CLI", ("@vue/cli-service",), "vue-cli-service build", _pages("dist", is_single_page=True)),
    Framework("Create React App", ("react-scripts",), "react-scripts build", _pages("build", is_single_page=True)),
    Framework("Parcel", ("parcel", "parcel-bundler"), "parcel build", _pages("dist", is_single_page=True)),
    Framework("Vite", ("vite",), "vite build", _vite),
    Framework("pages", ("browser-sync", "live-server", "lite-server"), "", _finished),
)
"""The first that a project lists is taken, so frameworks stand before the tools that they use."""
