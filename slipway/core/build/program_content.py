"""Finds programs by the content of files whose names do not show it: JavaScript, which a browser or a server may run,
and files without a suffix.

A library for browsers can often run in Node as well. It tests where it runs (`typeof module`), or has a bundler's
loader. In such a file only code that no browser library has counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping

VENDORED = frozenset({"vendor", "vendors", "node_modules", "bower_components", "third_party", "third-party"})
"""Folders of other people's code, which does not show what the repository is."""

MOST_GLANCED_AT = 200
"""How many files of each kind are read, likely names and those nearest to the root first."""
GLANCE_BYTES = 64 * 1024
NODE, PYTHON, OTHER = "node", "python", "other"
TOOLS = frozenset(
    f"{tool}.{suffix}"
    for tool in (
        *("gruntfile", "gulpfile", "karma.conf", "webpack.config", "vite.config", "rollup.config", "tailwind.config"),
        *("postcss.config", "purgecss.config", "babel.config", "jest.config", "vitest.config", "eslint.config"),
        *("prettier.config", "stylelint.config"),
    )
    for suffix in ("js", "mjs", "cjs", "ts")
)
"""Configuration of tools that a finished site was made with. They are no program of the site."""

_SCRIPTS = (".js", ".mjs")
_PAGES = (".html", ".htm")
_LIKELY = re.compile(r"(?:server|app|index|main|backend|api|www|worker|start)(?:\.m?js)?")
_SHEBANGS = (
    (re.compile(r"\ufeff?#![^\n]*\b(?:node|nodejs|deno|bun)\b"), NODE),
    (re.compile(r"\ufeff?#![^\n]*\bpython"), PYTHON),
    (re.compile(r"\ufeff?#![ \t]*/"), OTHER),
)
_BUNDLED = re.compile(
    r"\btypeof\s*+\(?\s*+(?:process|module|exports|define|Deno|Bun|importScripts)\b|__webpack_require__|webpackChunk|"
    r"webpackJsonp|\bparcelRequire|\bSystem\.register\(|\b__commonJS\(|"
    r"\[\s*+function\s*+\(\s*+require\s*+,\s*+module\s*+,\s*+exports\s*+\)|(?<![.\w$])define\s*+\(\s*+(?:function\b|\(|\[|[\"'])"
)
_SERVER_MODULES = r"(?:node:)?(?:https?|http2|net|cluster|child_process)|express|koa|fastify"
_SERVER = re.compile(
    rf"\b(?:Bun|Deno)\.serve(?:Http)?\(|\bDeno\.listen\(|\bfrom\s*+[\"'](?:{_SERVER_MODULES})[\"']|"
    rf"\brequire\(\s*+[\"'](?:{_SERVER_MODULES})[\"']\s*+\)"
)
"""Code that only a server has, also when it is bundled."""

_IN_OBJECT = r"(?:[^{}]|\{[^{}]*\})*?"
_FUNCTION = r"(?:(?:async\s++)?function\b\s*+\*?\s*+\w*+\s*+|async\s*+)?"
_REQUEST = r"\(\s*+_?(?:req|request|event)\b\s*+"
_NODE_PROGRAM = re.compile(
    r"\bprocess\.(?:env(?!\.NODE_ENV)|argv)\b|\bmodule\.exports\b|^exports\.[\w$]+\s*+=(?!=)|\bexports\.handler\s*+=|"
    r"\b(?:Bun|Deno)\.(?:env|args|listen|file|readTextFile)\b|"
    r"(?:\b(?:const|let|var)\s++[^=;]{1,300}=\s*+|^)require\(\s*+[\"'`][^\"'`]+[\"'`]\s*+\)|"
    r"\brequire\(\s*+[\"'](?:node:\w+|fs|os|path)[\"']\s*+\)|\b(?:from|import)\s*+[\"'](?:node:|npm:|jsr:|bun:|fs[\"'])|"
    rf"^export\s++default\s*+\{{(?:{_IN_OBJECT}\bfetch\s*+(?:\([^()]*\)\s*+\{{|:)|(?:{_IN_OBJECT},)?\s*+fetch\s*+[,}}])|"
    rf"^export\s++default\s++{_FUNCTION}{_REQUEST}"
    r"(?:,\s*+_?(?:res|response|reply|context|ctx|env)\b|(?=[\s\S]*\bResponse(?:\.json)?\())|"
    r"^export\s++default\s++(?:async\s++)?function\s++handler\b|"
    rf"^export\s++(?:const|let|var)\s++(?:handler|onRequest\w*)\s*+=\s*+async\s*+(?:function\s*+)?{_REQUEST}|"
    r"^export\s++(?:async\s++)?function\s++(?:handler|onRequest\w*|GET|POST|PUT|PATCH|DELETE)\s*+"
    r"\(\s*+(?:[{)]|_?(?:req|request|event|context|ctx)\b)",
    re.MULTILINE,
)
_BARE_IMPORT = re.compile(
    r"(?:^|;)[ \t]*+(?:import|export)\b(?:[^\"'`;()=]{1,2000}?\bfrom\b)?\s*+"
    r"[\"'](?![./]|[a-z][a-z0-9+.-]*:|[\"'])[^\"'\n]+[\"']",
    re.MULTILINE,
)
"""An import by a bare name, which a browser resolves only with a page's import map."""
_IMPORT_MAP = re.compile(r"\bimportmap\b|\bimportmap-shim\b", re.IGNORECASE)


def glanced_at(paths: Collection[str]) -> list[str]:
    """The files whose beginning shows whether there is a program: scripts, files without a suffix, pages."""
    own = sorted((path for path in paths if _is_own(path)), key=_likely_first)
    kinds = (_with(own, _SCRIPTS), _with(own, ("",)), _with(own, _PAGES))
    return [path for kind in kinds for path in kind[:MOST_GLANCED_AT]]


def kind_of_program(paths: Collection[str], contents: Mapping[str, str]) -> tuple[str, str] | None:
    """NODE, PYTHON or OTHER, and the file that shows it; None when there is no program."""
    looked_at = [path for path in glanced_at(paths) if path in contents]
    has_import_map = any(_IMPORT_MAP.search(contents[path]) for path in looked_at)
    for path in looked_at:
        if kind := _kind(path, contents[path], has_import_map=has_import_map):
            return kind, path
    return None


def _kind(path: str, content: str, *, has_import_map: bool) -> str:
    suffix = _suffix(path)
    if suffix in _PAGES:
        return ""
    if suffix in _SCRIPTS:
        is_node = content.startswith("#!") or _is_node(content, has_import_map=has_import_map)
        return NODE if is_node else ""
    return next((kind for shebang, kind in _SHEBANGS if shebang.match(content)), "")


def _is_node(content: str, *, has_import_map: bool) -> bool:
    if _SERVER.search(content):
        return True
    if _BUNDLED.search(content):
        return False
    return bool(_NODE_PROGRAM.search(content) or (not has_import_map and _BARE_IMPORT.search(content)))


def _is_own(path: str) -> bool:
    *folders, name = path.lower().split("/")
    is_hidden = any(part.startswith(".") for part in (*folders, name))
    return not (is_hidden or VENDORED.intersection(folders) or name in TOOLS or name.endswith((".min.js", ".min.mjs")))


def _likely_first(path: str) -> tuple[bool, int, str]:
    return _LIKELY.fullmatch(posixpath.basename(path).lower()) is None, path.count("/"), path


def _with(paths: Iterable[str], suffixes: tuple[str, ...]) -> list[str]:
    return [path for path in paths if _suffix(path) in suffixes]


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()
