"""Recognises what a repository without a Dockerfile holds, and generates one: a table of templates, tried in order.

Each row has what the template looks for, the files that it reads, whether it recognises the sources, and the Dockerfile
that it generates. The app runs as user 10001 on a read-only root.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from dataclasses import replace
from fnmatch import fnmatchcase

from slipway.core.build import languages
from slipway.core.build.templates import dotnet, generators, go, java, node, php, python, ruby, rust, static_site
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template
from slipway.errors import InvalidInput

TEMPLATES: tuple[Template, ...] = (
    *(generators.HUGO, generators.MKDOCS, generators.JEKYLL),
    *(python.PYTHON, php.PHP, ruby.RUBY, go.GO, java.JAVA, rust.RUST, dotnet.DOTNET, node.NODE),
    static_site.STATIC,
)
MOST_READ = 200
"""Files whose content is read because their path matches a pattern."""


def is_recognised(sources: Sources) -> bool:
    return any(template.recognises(sources) for template in TEMPLATES)


def read_files(paths: Collection[str]) -> list[str]:
    """The files whose content the templates read: those that they name, and those of `paths` that match their patterns,
    nearest to the root first."""
    wanted = dict.fromkeys(name for template in TEMPLATES for name in template.reads)
    patterns = [name for name in wanted if "*" in name]
    matching = [path for path in paths if any(fnmatchcase(path, pattern) for pattern in patterns)]
    nearest = sorted(matching, key=lambda path: (path.count("/"), path))[:MOST_READ]
    return list(dict.fromkeys([name for name in wanted if "*" not in name] + nearest))


def detect(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    """The Dockerfile of the first template that recognises the sources.

    Raises:
        InvalidInput: no template does, or the sources lack something that it needs.
    """
    recognising = [template for template in TEMPLATES if template.recognises(sources)]
    if recognising:
        return _with_note(_generated(recognising[0], sources, images), recognising[1:])
    _refuse_program(sources)
    looked_for = "; ".join(["a Dockerfile", *(template.looks_for for template in TEMPLATES)])
    raise InvalidInput(
        f"nothing here says how to build it. Looked for: {looked_for}",
        remedy="add a Dockerfile, or name it in slipway.toml: [build] dockerfile = … and context = …",
    )


def _generated(template: Template, sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    """The template's Dockerfile. A refusal beside a page says also how a finished site is named."""
    try:
        return template.generate(sources, images)
    except InvalidInput as error:
        if static_site.folder_of(sources) is None:
            raise
        raise InvalidInput(error.message, remedy=f"{error.remedy}; {_IS_SITE}") from None


def _with_note(made: GeneratedDockerfile, others: Collection[Template]) -> GeneratedDockerfile:
    """The Dockerfile, with a line for the log about other kinds of project that the sources look like."""
    unused = [other.looks_for for other in others if other.name not in made.uses]
    note = f"also seen, and not used: {'; '.join(unused)}"
    return replace(made, notes=(*made.notes, note)) if unused else made


def _refuse_program(sources: Sources) -> None:
    """Raise an error that names the kind of project, when its files show one."""
    found = languages.evidence(sources.paths, sources.contents)
    if found is not None and (folder := _folder_of_program(sources, found.path)):
        raise InvalidInput(
            f"this is {found.language.project} ({found.path}) in the folder {folder}",
            remedy=f'name the folder in slipway.toml: [build] context = "{folder}"; {_IS_SITE}',
        )
    if found is not None:
        folder = posixpath.dirname(found.path)
        below = f'if the app is in a folder of its own, name it in slipway.toml: [build] context = "{folder}"; '
        raise InvalidInput(
            f"this is {found.language.project} ({found.path}), which can't be built without a Dockerfile yet",
            remedy=f"{below if folder else ''}{found.language.remedy}; {_IS_SITE}",
        )
    if static_site.folder_of(sources) is not None:
        raise InvalidInput(
            "this has an index.html, but the Procfile or the settings say how a web process is started: it is no "
            "static site",
            remedy=f"add a Dockerfile, or take the command out; {_IS_SITE}",
        )


def _folder_of_program(sources: Sources, path: str) -> str:
    """The folder above a file that a template would recognise; empty where none is."""
    folder = posixpath.dirname(path)
    while folder:
        prefix = f"{folder}/"
        below = Sources(
            frozenset(each.removeprefix(prefix) for each in sources.paths if each.startswith(prefix)),
            {name.removeprefix(prefix): text for name, text in sources.contents.items() if name.startswith(prefix)},
            sources.has_web_command,
        )
        if any(template.recognises(below) for template in TEMPLATES[:-1]):
            return folder
        folder = posixpath.dirname(folder)
    return ""


_IS_SITE = "or, if a folder of it is a finished site, name that in slipway.toml: [static] root = …"
