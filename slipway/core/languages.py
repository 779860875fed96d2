"""What shows that a repository holds a program and not a finished site: a table, a row a language.

A manifest, a lock file or a source counts wherever it lies, since a site that is made of the whole folder would publish
all of it. Folders that begin with a dot are never published, so nothing in them counts; nor do the manifests that
libraries bring along.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

VENDORED = frozenset({"vendor", "vendors", "node_modules", "bower_components", "third_party", "third-party"})
"""Folders of other people's code, whose manifests say nothing about the repository."""

_NODE_PROGRAM = re.compile(
    r"^#!.*\b(?:node|deno|bun)\b|\bprocess\.(?:env|argv)\b|\bmodule\.exports\b|"
    r"\bfrom\s*[\"'](?:node:\w+|https?|fs|express|koa|fastify)[\"']|"
    r"\brequire\(\s*[\"'](?:node:\w+|https?|net|fs|os|path|child_process|cluster|express|koa|fastify)[\"']\s*\)",
    re.MULTILINE,
)
PROGRAM_FILES = tuple(f"{stem}.{suffix}" for stem in ("server", "app", "index", "main") for suffix in ("js", "mjs"))
"""JavaScript that a browser loads or that Node runs: only the content tells."""


@dataclass(frozen=True, slots=True)
class Language:
    """All names and suffixes are in lower case: they count in any case."""

    project: str
    """With its article: "a Node project"."""
    manifests: frozenset[str] = frozenset()
    """Names of manifests and lock files."""
    suffixes: tuple[str, ...] = ()
    """Of its sources, and of manifests that are named after the project."""
    remedy: str = "add a Dockerfile that builds and starts it"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that shows what the repository is."""

    language: Language
    path: str


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GENERATOR = "add a Dockerfile that generates the pages and serves them"
_LISTED = "list what it needs in a requirements.txt (an empty one if it needs nothing), or add a Dockerfile"

LANGUAGES: tuple[Language, ...] = (
    Language("a Deno project", _names("deno.json deno.jsonc deno.lock")),
    Language("a Bun project", _names("bun.lock bun.lockb bunfig.toml")),
    Language(
        "a PHP project",
        _names("composer.json composer.lock artisan wp-config.php"),
        (".php", ".phtml", ".php3", ".php4", ".php5", ".php7", ".php8", ".phar"),
    ),
    Language("a Jekyll site, whose pages have to be generated", _names("_config.yml _config.yaml"), (), _GENERATOR),
    Language(
        "a Ruby project", _names("gemfile gemfile.lock gems.rb gems.locked config.ru rakefile"), (".rb", ".gemspec")
    ),
    Language("a Rust project", _names("cargo.toml cargo.lock"), (".rs",)),
    Language("a Hugo site, whose pages have to be generated", _names("hugo.toml hugo.yaml hugo.json"), (), _GENERATOR),
    Language("a Go project", _names("go.mod go.sum go.work gopkg.lock glide.yaml"), (".go",)),
    Language(
        "a Java project",
        _names("pom.xml build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradlew mvnw build.xml"),
        (".java", ".jsp", ".jspx"),
    ),
    Language("a Kotlin project", suffixes=(".kt", ".kts")),
    Language("a Scala project", _names("build.sbt build.sc"), (".scala", ".sbt")),
    Language("a Clojure project", _names("project.clj deps.edn shadow-cljs.edn"), (".clj", ".cljs", ".cljc")),
    Language("a Groovy project", suffixes=(".groovy",)),
    Language(
        "a .NET project",
        _names("global.json nuget.config packages.config packages.lock.json directory.build.props"),
        (".csproj", ".fsproj", ".vbproj", ".sln", ".slnx", ".cs", ".fsx", ".vb", ".cshtml", ".razor", ".aspx", ".asp"),
    ),
    Language("an Elixir project", _names("mix.exs mix.lock"), (".ex", ".exs", ".eex", ".heex")),
    Language("an Erlang project", _names("rebar.config rebar.lock"), (".erl", ".hrl")),
    Language("a Gleam project", _names("gleam.toml"), (".gleam",)),
    Language("a Swift project", _names("package.swift package.resolved"), (".swift",)),
    Language("a Dart project", _names("pubspec.yaml pubspec.lock"), (".dart",)),
    Language("a Haskell project", _names("stack.yaml cabal.project"), (".hs", ".cabal")),
    Language("a Crystal project", _names("shard.yml shard.lock"), (".cr",)),
    Language("a Zig project", _names("build.zig build.zig.zon"), (".zig",)),
    Language("a Nim project", suffixes=(".nim", ".nimble")),
    Language("an OCaml project", _names("dune-project dune"), (".ml", ".mli", ".opam")),
    Language("a Julia project", suffixes=(".jl",)),
    Language("an R project", _names("renv.lock packrat.lock"), (".r", ".rmd", ".rproj")),
    Language("a Perl project", _names("cpanfile cpanfile.snapshot makefile.pl build.pl"), (".pl", ".pm", ".psgi")),
    Language("a CGI program", suffixes=(".cgi", ".fcgi")),
    Language("a ColdFusion project", suffixes=(".cfm", ".cfc")),
    Language("a Lua project", suffixes=(".lua", ".rockspec")),
    Language(
        "a Python project with a Pipfile", _names("pipfile pipfile.lock"), (), f"run pipenv requirements and {_LISTED}"
    ),
    Language("a conda project", _names("environment.yml environment.yaml conda-lock.yml"), (), _LISTED),
    Language(
        "a Python project",
        _names("requirements.txt pyproject.toml setup.py setup.cfg poetry.lock uv.lock pdm.lock pylock.toml manage.py"),
        (".py", ".pyw", ".pyx", ".wsgi"),
        _LISTED,
    ),
    Language(
        "a C or C++ project",
        _names("cmakelists.txt configure.ac meson.build conanfile.txt conanfile.py vcpkg.json"),
        (".c", ".cc", ".cpp", ".cxx", ".c++", ".h", ".hh", ".hpp"),
    ),
    Language("an Objective-C project", _names("podfile podfile.lock cartfile"), (".mm",)),
    Language("a Fortran or Pascal project", suffixes=(".f90", ".f95", ".pas", ".lpr")),
    Language("an MkDocs site, whose pages have to be generated", _names("mkdocs.yml mkdocs.yaml"), (), _GENERATOR),
    Language(
        "a Node project",
        _names(
            "package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml lerna.json"
        ),
        (".cjs", ".jsx", ".vue", ".svelte", ".astro", ".ejs"),
    ),
    Language(
        "a TypeScript project",
        _names("tsconfig.json"),
        (".ts", ".tsx", ".mts", ".cts"),
        "add a Dockerfile that builds it",
    ),
    Language(
        "a project with a Dockerfile in another place",
        _names("dockerfile containerfile"),
        (".dockerfile",),
        "name it in slipway.toml: [build] dockerfile = …",
    ),
)

_NODE = next(language for language in LANGUAGES if language.project == "a Node project")
_BY_SUFFIX = {suffix: place for place, language in enumerate(LANGUAGES) for suffix in language.suffixes}
MANIFESTS: frozenset[str] = frozenset().union(*(language.manifests for language in LANGUAGES))


def evidence(paths: Collection[str], contents: Mapping[str, str]) -> Evidence | None:
    """What shows best what the repository is, or None: manifests before sources, those nearest to the root first."""
    looked_at = sorted((path for path in paths if _counts(path)), key=lambda path: (path.count("/"), path))
    return _by_manifest(looked_at) or _by_source(looked_at, _film_pieces(looked_at)) or _by_content(contents)


def _counts(path: str) -> bool:
    return not any(part.startswith(".") for part in path.split("/"))


def _by_manifest(paths: Collection[str]) -> Evidence | None:
    found: dict[int, list[Evidence]] = {}
    for path in paths:
        *folders, name = path.lower().split("/")
        if not VENDORED.intersection(folders):
            found.setdefault(len(folders), []).extend(
                Evidence(language, path) for language in LANGUAGES if name in language.manifests
            )
    nearest = next((each for _, each in sorted(found.items()) if each), [])
    return min(nearest, key=lambda each: LANGUAGES.index(each.language), default=None)


def _by_source(paths: Collection[str], not_sources: frozenset[str]) -> Evidence | None:
    found: dict[int, str] = {}
    for path in paths:
        suffix = posixpath.splitext(path)[1].lower()
        place = _BY_SUFFIX.get(suffix)
        if place is not None and suffix not in not_sources:
            found.setdefault(place, path)
    return Evidence(LANGUAGES[min(found)], found[min(found)]) if found else None


def _film_pieces(paths: Collection[str]) -> frozenset[str]:
    """Beside a playlist, `.ts` is a piece of a film (MPEG transport stream)."""
    return frozenset({".ts"}) if any(path.lower().endswith(".m3u8") for path in paths) else frozenset()


def _by_content(contents: Mapping[str, str]) -> Evidence | None:
    for name in PROGRAM_FILES:
        if _NODE_PROGRAM.search(contents.get(name, "")):
            return Evidence(_NODE, name)
    return None
