"""PHP projects: Apache with PHP serves the document root, and nothing of the sources as text."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from typing import Any

from slipway.core.app_settings.configuration import WEB
from slipway.core.build import procfile
from slipway.core.build.templates import base_images, node
from slipway.core.build.templates.base_images import WantedVersion
from slipway.core.build.templates.of_php import apache, extensions, versions
from slipway.core.build.templates.processes import has_web, of_procfile
from slipway.core.build.templates.steps import copy, run
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text
from slipway.errors import InvalidInput

MANIFEST = "composer.json"
LOCK = "composer.lock"
READS = ("Procfile", MANIFEST, ".php-version", *node.READS)
ROOTS = ("public", "web", "webroot", "public_html", "htdocs", "www", "")
"""Folders that are served, where they have an index.php. Empty: the repository's root."""
_COMPOSER = ["composer", "install", "--no-dev", "--no-interaction", "--no-progress", "--prefer-dist"]
_CACHE = "/root/.composer/cache"
_HEROKU = re.compile(r"\S*heroku-(?:php|hhvm)-\w+")


def _is_php(sources: Sources) -> bool:
    """A composer.json beside a package.json may list tools alone."""
    is_listed = MANIFEST in sources.paths and "package.json" not in sources.paths
    return is_listed or _root(sources) is not None


def _root(sources: Sources) -> str | None:
    return next((root for root in ROOTS if posixpath.join(root, "index.php") in sources.paths), None)


def _php(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    composer = _composer(sources)
    root, given = _document_root(sources)
    image = base_images.choose(images.php, _wanted(sources, composer), images.host)
    assets = node.build_of_assets(sources, images)
    lines = [
        *assets,
        f"FROM {image.reference}",
        "WORKDIR /app",
        *extensions.steps(_requirements(composer)),
        *_dependencies(sources, images),
        *([copy("/app/public/", to="/app/public/", stage=node.ASSETS)] if assets and root == "public" else []),
        *apache.steps(sources, root, has_front_controller=MANIFEST in sources.paths),
        *ending(["sh", "-c", apache.command(sources)]),
    ]
    notes = (*image.notes, *given, f"/{root} is served", *_notes(sources))
    ignore = "vendor\nnode_modules\n.git\n" if MANIFEST in sources.paths else "node_modules\n.git\n"
    return GeneratedDockerfile(
        "php", text(lines), ignore, _processes(sources), notes=notes, uses=("node",) if assets else ()
    )


def _composer(sources: Sources) -> Mapping[str, Any]:
    if MANIFEST not in sources.paths:
        return {}
    try:
        document = json.loads(sources.contents.get(MANIFEST, ""))
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(error)) from None
    if not isinstance(document, dict):
        raise _unreadable("it is no JSON object")
    return document


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(
        f"this is a PHP project, and its {MANIFEST} can't be read: {why}", remedy=f"correct {MANIFEST} and push again"
    )


def _document_root(sources: Sources) -> tuple[str, tuple[str, ...]]:
    """The folder that is served, and a note where a command of the Procfile names it.

    Raises:
        InvalidInput: no folder has an index.php.
    """
    web = of_procfile(sources).get(WEB, "")
    if _HEROKU.match(web):
        folders = [word.strip("/") for word in _words(web)[1:] if not word.startswith("-")]
        named = folders[-1] if folders else ""
        return named, ("Apache serves in place of Heroku's own script in the Procfile",)
    root = _root(sources)
    if root is None and has_web(sources):
        return "", ()
    if root is None:
        raise InvalidInput(
            "this is a PHP project, but no folder that could be served has an index.php. Looked in: "
            f"{', '.join(root or 'the root' for root in ROOTS)}",
            remedy="add public/index.php, or a Dockerfile",
        )
    return root, ()


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise InvalidInput(
            f"the Procfile's web line can't be split into words: {error}", remedy="close its quotes, and push again"
        ) from None


def _requirements(composer: Mapping[str, Any]) -> Mapping[str, str]:
    found = composer.get("require")
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: wanted for name, wanted in pairs if isinstance(wanted, str)}


def _dependencies(sources: Sources, images: BaseImages) -> list[str]:
    """The steps that install what composer.lock lists, and copy the sources."""
    if MANIFEST not in sources.paths:
        return [copy(".")]
    manifests = [name for name in (MANIFEST, LOCK) if name in sources.paths]
    finish = ["composer", "dump-autoload", "--no-dev", "--optimize", "--no-interaction"]
    return [
        "ENV COMPOSER_ALLOW_SUPERUSER=1",
        f"COPY --from={images.composer} /usr/bin/composer /usr/bin/composer",
        copy(*manifests),
        run([*_COMPOSER, "--no-scripts", "--no-autoloader"], _CACHE),
        copy("."),
        run([*finish, *([] if "artisan" in sources.paths else ["--no-scripts"])], _CACHE),
    ]


def _processes(sources: Sources) -> dict[str, str]:
    """The Procfile's other processes. Its `web` counts where it is not the script of Heroku's own image."""
    lines = of_procfile(sources)
    if _HEROKU.match(lines.get(WEB, "")):
        del lines[WEB]
    return {name: procfile.command_line(line) for name, line in lines.items()}


def _wanted(sources: Sources, composer: Mapping[str, Any]) -> WantedVersion | None:
    """The version of PHP that .php-version or composer.json asks for."""
    file = sources.contents.get(".php-version", "").strip()
    return versions.wanted(file, ".php-version") or versions.wanted(_requirements(composer).get("php", ""), MANIFEST)


def _notes(sources: Sources) -> tuple[str, ...]:
    notes = []
    if MANIFEST in sources.paths and LOCK not in sources.paths:
        notes.append("there is no composer.lock: each build may install other versions")
    if "artisan" in sources.paths:
        notes.append("Laravel needs APP_KEY: slipway env set APP_KEY=… (php artisan key:generate --show prints one)")
    if "artisan" in sources.paths or "bin/console" in sources.paths:
        notes.append("caches and sessions in files are in /tmp: of each replica, and gone with it")
    return tuple(notes)


PHP = Template("php", "composer.json or index.php (PHP)", READS, _is_php, _php)
