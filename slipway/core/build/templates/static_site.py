"""Static sites: one that is recognised, where nothing shows a program, and one that its owner names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from slipway.core.app_settings.configuration import WEB
from slipway.core.build import languages, procfile, published_files
from slipway.core.build.templates import python
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text

FOLDERS = ("", "public", "dist", "_site", "site")
MOST_NAMED = 5


def _is_static(sources: Sources) -> bool:
    """Is it a finished site, without any sign of a program? All of its files will be published."""
    starts_web = sources.has_web_command or WEB in procfile.parse(sources.contents.get("Procfile", "").encode())
    return (
        folder_of(sources) is not None
        and not starts_web
        and languages.evidence(sources.paths, sources.contents) is None
    )


def folder_of(sources: Sources) -> str | None:
    """The folder with the site's index.html; None where there is none."""
    for folder in FOLDERS:
        if f"{folder}/index.html".lstrip("/") in sources.paths:
            return folder
    return None


def _static(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    folder = folder_of(sources) or "."
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
        python.ENVIRONMENT,
        python.pip(["--", "gunicorn", "whitenoise"]),
        f"RUN {json.dumps(['python', '-c', script])}",
        f"COPY {json.dumps([folder, '/site/'], ensure_ascii=False)}",
        *ending(["sh", "-c", serve]),
    ]
    return GeneratedDockerfile(
        "static",
        text(lines),
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


STATIC = Template(
    "static", "index.html, also in public, dist, _site or site (a static site)", ("Procfile",), _is_static, _static
)
