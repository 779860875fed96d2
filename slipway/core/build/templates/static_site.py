"""Static sites: one that is recognised, where nothing shows a program, and one that its owner names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace

from slipway.core.app_settings.configuration import WEB
from slipway.core.build import languages, procfile, published_files
from slipway.core.build.templates import python, steps
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
    is_page = "." not in environ["PATH_INFO"].rpartition("/")[2]
    for name, status, needs_page in {otherwise!r}:
        if os.path.isfile("/site/" + name) and (is_page or not needs_page):
            start_response(status, [("Content-Type", "text/html; charset=utf-8")])
            with open("/site/" + name, "rb") as file:
                return [file.read()]
    start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"not found\\n"]

app = Site(missing, root="/site", index_file=True)
"""
"""The server of a site. It follows no link out of the site, nor to a file that is withheld."""
_SINGLE_PAGE = (("index.html", "200 OK", True),)
"""What a site of a single page answers where there is no file: its script reads the address."""
_OWN_404 = (("404.html", "404 Not Found", False),)


def check(folder: str) -> str:
    """The step that ends a build which has made no pages in its folder."""
    page = shlex.quote(f"{folder}/index.html")
    return steps.shell(f"test -f {page} || {{ echo 'Error: the build made no '{page} >&2; exit 1; }}")


def generated_site(
    template: str,
    build: Sequence[str],
    pages: str,
    images: BaseImages,
    *,
    is_single_page: bool = False,
    ignore: str = "",
    notes: tuple[str, ...] = (),
) -> GeneratedDockerfile:
    """The Dockerfile of pages that the stage `build` makes in its folder `pages`: nothing else of it is published."""
    expression = published_files.expression(published_files.withheld(is_named=True))
    otherwise = _SINGLE_PAGE if is_single_page else _OWN_404
    server = _server(steps.copy(pages, to="/site/", stage=steps.BUILD), images, expression, otherwise)
    return GeneratedDockerfile(template, text([*build, *server]), ignore, notes=notes)


def _site(folder: str, served: Iterable[str], images: BaseImages, withheld: tuple[str, ...]) -> GeneratedDockerfile:
    """A Dockerfile that serves a folder of the context, except the names that are withheld."""
    expression = published_files.expression(withheld)
    return GeneratedDockerfile(
        "static",
        text(_server(steps.copy(folder, to="/site/"), images, expression)),
        published_files.HIDDEN_IGNORED,
        ignore_after=published_files.ignore_lines(withheld),
        notes=_withheld_note(served, re.compile(expression)),
    )


def _server(
    copied: str, images: BaseImages, withheld: str, otherwise: Sequence[tuple[str, str, bool]] = ()
) -> list[str]:
    """The last stage: the server, and the pages that the step `copied` copies. `otherwise` are the pages that answer
    where there is no file: each with its status, and whether it answers for addresses without a suffix alone."""
    program = _SITE.format(withheld=withheld, otherwise=tuple(otherwise))
    script = f"import pathlib; pathlib.Path('/srv/static_site.py').write_text({program!r})"
    options = "--preload --threads 8 --worker-tmp-dir /dev/shm --bind 0.0.0.0:$PORT"
    return [
        f"FROM {images.static}",
        python.ENVIRONMENT,
        python.pip(["--", "gunicorn", "whitenoise"]),
        steps.run(["python", "-c", script]),
        copied,
        *ending(["sh", "-c", f"exec gunicorn --chdir /srv {options} static_site:app"]),
    ]


def _withheld_note(served: Iterable[str], withheld: re.Pattern[str]) -> tuple[str, ...]:
    found = sorted(path for path in served if withheld.search(f"/{path}") and not path.startswith("."))
    if not found:
        return ()
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return (f"not served, since sites don't publish such files: {', '.join(found[:MOST_NAMED])}{more}",)


STATIC = Template(
    "static", "index.html, also in public, dist, _site or site (a static site)", ("Procfile",), _is_static, _static
)
