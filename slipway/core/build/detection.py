"""Recognises what a repository without a Dockerfile holds, and generates one: a table of templates, tried in order.

Each row has what the template looks for, the files that it reads, whether it recognises the sources, and the Dockerfile
that it generates. The app runs as user 10001 on a read-only root.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from fnmatch import fnmatchcase

from slipway.core.build import languages
from slipway.core.build.templates import python, static_site
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template
from slipway.errors import InvalidInput

TEMPLATES: tuple[Template, ...] = (python.PYTHON, static_site.STATIC)
MOST_READ = 200
"""Files whose content is read because their path matches a pattern."""


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
    for template in TEMPLATES:
        if template.recognises(sources):
            return _generated(template, sources, images)
    _refuse_program(sources)
    looked_for = "; ".join(["a Dockerfile", *(template.looks_for for template in TEMPLATES)])
    raise InvalidInput(
        f"nothing here says how to build it. Looked for: {looked_for}",
        remedy="add a Dockerfile, or name it in slipway.toml: [build] dockerfile = … and context = …",
    )


def _generated(template: Template, sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    try:
        return template.generate(sources, images)
    except InvalidInput as error:
        if static_site.folder_of(sources) is None:
            raise
        raise InvalidInput(error.message, remedy=f"{error.remedy}; {_IS_SITE}") from None


def _refuse_program(sources: Sources) -> None:
    """Raise an error that names the kind of project, when its files show one."""
    found = languages.evidence(sources.paths, sources.contents)
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


_IS_SITE = "or, if a folder of it is a finished site, name that in slipway.toml: [static] root = …"
