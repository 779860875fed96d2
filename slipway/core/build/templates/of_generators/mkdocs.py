"""The packages that a configuration of MkDocs needs: those of its theme, its plugins and its extensions of Markdown.

The table stands for the catalog that `mkdocs get-deps` fetches from the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MATERIAL = "mkdocs-material"
_OF_MATERIAL = (
    "blog",
    "tags",
    "social",
    "offline",
    "privacy",
    "info",
    "meta",
    "group",
    "optimize",
    "projects",
    "typeset",
)
_THEMES = {
    "material": _MATERIAL,
    **{
        name: f"mkdocs-{name}"
        for name in ("cinder", "gitbook", "ivory", "terminal", "windmill", "shadcn", "rtd-dropdown")
    },
}
_PLUGINS = {
    **dict.fromkeys(_OF_MATERIAL, _MATERIAL),
    **{
        name: f"mkdocs-{name}-plugin"
        for name in (
            *("awesome-pages", "git-authors", "git-committers", "git-revision-date", "git-revision-date-localized"),
            *("include-markdown", "macros", "mermaid2", "minify", "monorepo", "print-site", "rss", "table-reader"),
        )
    },
    **{
        name: f"mkdocs-{name}"
        for name in (
            *(
                "autorefs",
                "awesome-nav",
                "exclude",
                "gen-files",
                "glightbox",
                "img2fig-plugin",
                "jupyter",
                "literate-nav",
            ),
            *(
                "redirects",
                "section-index",
                "swagger-ui-tag",
                "static-i18n",
                "markdownextradata-plugin",
                "simple-hooks",
            ),
        )
    },
    "mkdocstrings": "mkdocstrings[python]",
    "mkdocs-jupyter": "mkdocs-jupyter",
    "i18n": "mkdocs-static-i18n",
}
_EXTENSIONS = {
    "pymdownx": "pymdown-extensions",
    "mkdocs-click": "mkdocs-click",
    "markdown_include": "markdown-include",
    "mdx_include": "mdx-include",
    "mdx_gh_links": "mdx-gh-links",
    "mdx_truly_sane_lists": "mdx-truly-sane-lists",
    "mdx_math": "python-markdown-math",
    "plantuml_markdown": "plantuml-markdown",
    "callouts": "markdown-callouts",
    "github-callouts": "markdown-callouts",
    "markdown_grid_tables": "markdown-grid-tables",
}
_KEY = re.compile(r"(?P<key>[\w-]+)[ \t]*:(?P<rest>.*)")
_ITEM = re.compile(r"(?P<indent>[ \t]*)-[ \t]+[\"']?(?P<name>[\w./-]+)")
_THEME = re.compile(r"[ \t]+name[ \t]*:[ \t]*[\"']?(?P<name>[\w-]+)")


def packages(configuration: str) -> list[str]:
    """What pip installs for this mkdocs.yml. Names that no table has are left out: MkDocs says which it misses."""
    found = {"mkdocs": None}
    for key, name in _named(configuration):
        if package := _package(key, name):
            found[package] = None
    return list(found)


def _package(key: str, name: str) -> str | None:
    if key == "theme":
        return _THEMES.get(name)
    if key == "plugins":
        return _MATERIAL if name.startswith("material/") else _PLUGINS.get(name)
    return _EXTENSIONS.get(name.partition(".")[0])


def _named(configuration: str) -> Iterator[tuple[str, str]]:
    """The names under `theme`, `plugins` and `markdown_extensions`, line by line: the file may hold Python's own tags,
    which no safe reader of YAML takes."""
    key, indent = "", None
    for line in configuration.splitlines():
        if top := _KEY.match(line):
            key, indent = top["key"], None
            yield from _in_line(key, top["rest"])
        elif key == "theme" and (named := _THEME.match(line)):
            yield key, named["name"]
        elif key in ("plugins", "markdown_extensions") and (item := _ITEM.match(line)):
            indent = item["indent"] if indent is None else indent
            if item["indent"] == indent:
                yield key, item["name"]


def _in_line(key: str, rest: str) -> Iterator[tuple[str, str]]:
    """`theme: material`, `plugins: [search, tags]`."""
    if key in ("theme", "plugins", "markdown_extensions"):
        for name in re.findall(r"[\w./-]+", rest.partition(" #")[0]):
            yield key, name
