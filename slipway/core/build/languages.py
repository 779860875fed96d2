"""The files that show a program and not a finished site: a table with one row for each language.

A manifest, a lock file or a source file counts in any folder, because a site would publish all folders. Folders that
begin with a dot are never published, so files in them do not count; nor do manifests in folders of libraries.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from slipway.core.build import program_content
from slipway.core.build.program_content import VENDORED

PAGE_SUFFIXES = (
    *("html", "htm", "xhtml", "md", "rst", "pdf", "css", "js", "mjs", "map", "json", "xml", "rss", "csv"),
    *("svg", "png", "jpg", "jpeg", "gif", "webp", "avif", "ico", "mp4", "webm", "mp3", "woff", "woff2"),
)
"""Suffixes of pages and their media: `dockerfile-tutorial.html` is no Dockerfile."""
DOCKERFILE_VARIANT = re.compile(
    rf"(?:docker|container)file[._-](?!(?:[^/]*\.)?(?:{'|'.join(PAGE_SUFFIXES)})$)[^/]+", re.IGNORECASE
)
"""`Dockerfile.web`, `Dockerfile-prod`."""


@dataclass(frozen=True, slots=True)
class Language:
    """Names and suffixes are in lower case; files are compared without regard to case."""

    project: str
    """With an article: "a Node project"."""
    manifests: frozenset[str] = frozenset()
    """Names of manifests and lock files."""
    suffixes: tuple[str, ...] = ()
    """Suffixes of sources, and of manifests that are named after the project."""
    remedy: str = "add a Dockerfile that builds and starts it"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that shows what the repository is."""

    language: Language
    path: str


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GENERATOR = "add a Dockerfile that generates the pages and serves them"
_NODE_REMEDY = 'add a package.json with a start script ("scripts": {"start": "node server.js"}), or a Dockerfile'
_LISTED = "list what it needs in a requirements.txt (an empty one if it needs nothing), or add a Dockerfile"

RENDERED_BY_SERVERS = (
    *(".pug", ".jade", ".haml", ".slim", ".erb", ".twig", ".njk", ".nunjucks", ".liquid", ".jinja", ".jinja2", ".j2"),
    *(".latte", ".ftl", ".ftlh", ".mako", ".gohtml", ".leex"),
)
"""Suffixes of templates that no browser loads; some sites load others (Handlebars, Mustache, EJS) and fill them in."""

LANGUAGES: tuple[Language, ...] = (
    Language("a Deno project", _names("deno.json deno.jsonc deno.lock")),
    Language("a Bun project", _names("bun.lock bun.lockb bunfig.toml")),
    Language(
        "a PHP project",
        _names("composer.json composer.lock artisan wp-config.php"),
        (".php", ".phtml", ".php3", ".php4", ".php5", ".php7", ".php8", ".phar"),
        "add an index.php to the folder that is served, such as public/, or a Dockerfile",
    ),
    Language("a Jekyll site, whose pages have to be generated", _names("_config.yml _config.yaml"), (), _GENERATOR),
    Language(
        "a Ruby project",
        _names("gemfile gemfile.lock gems.rb gems.locked config.ru"),
        (".rb", ".rbw", ".rake", ".gemspec"),
        "add a Gemfile that lists its gems and a server such as puma, or a Dockerfile",
    ),
    Language(
        "a Rust project",
        _names("cargo.toml cargo.lock"),
        (".rs",),
        "add a Cargo.toml (cargo init), or a Dockerfile",
    ),
    Language("a Hugo site, whose pages have to be generated", _names("hugo.toml hugo.yaml hugo.json"), (), _GENERATOR),
    Language(
        "a Go project",
        _names("go.mod go.sum go.work gopkg.lock glide.yaml"),
        (".go",),
        "add a go.mod (go mod init), or a Dockerfile",
    ),
    Language(
        "a Java project",
        _names("pom.xml build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradlew mvnw build.xml"),
        (".java", ".jsp", ".jspx", ".gradle"),
        "add a pom.xml or a build.gradle, or a Dockerfile",
    ),
    Language("a Kotlin project", suffixes=(".kt", ".kts")),
    Language("a Scala project", _names("build.sbt build.sc"), (".scala", ".sbt")),
    Language("a Clojure project", _names("project.clj deps.edn shadow-cljs.edn"), (".clj", ".cljs", ".cljc")),
    Language("a Groovy project", suffixes=(".groovy",)),
    Language(
        "a .NET project",
        _names("global.json nuget.config packages.config packages.lock.json directory.build.props"),
        (
            *(".csproj", ".fsproj", ".vbproj", ".sln", ".slnx", ".cs", ".fs", ".fsi", ".fsx", ".vb"),
            *(".cshtml", ".vbhtml", ".razor", ".aspx", ".asp", ".asax", ".ascx", ".ashx", ".asmx"),
        ),
        "add a project file of a web project (dotnet new web), or a Dockerfile",
    ),
    Language("an Elixir project", _names("mix.exs mix.lock"), (".ex", ".exs", ".eex", ".heex")),
    Language("an Erlang project", _names("rebar.config rebar.lock"), (".erl", ".hrl")),
    Language("a Gleam project", _names("gleam.toml"), (".gleam",)),
    Language("a Swift project", _names("package.swift package.resolved"), (".swift",)),
    Language("a Dart project", _names("pubspec.yaml pubspec.lock"), (".dart",)),
    Language("a Haskell project", _names("stack.yaml cabal.project"), (".hs", ".lhs", ".cabal")),
    Language("a Crystal project", _names("shard.yml shard.lock"), (".cr",)),
    Language("a Zig project", _names("build.zig build.zig.zon"), (".zig",)),
    Language("a Nim project", suffixes=(".nim", ".nimble")),
    Language("an OCaml project", _names("dune-project dune"), (".ml", ".mli", ".opam")),
    Language("a Julia project", suffixes=(".jl",)),
    Language("an R project", _names("renv.lock packrat.lock"), (".r", ".rmd", ".rproj")),
    Language(
        "a Perl project",
        _names("cpanfile cpanfile.snapshot makefile.pl build.pl"),
        (".pl", ".pm", ".psgi", ".raku", ".rakumod"),
    ),
    Language("a CGI program", suffixes=(".cgi", ".fcgi")),
    Language("a ColdFusion project", suffixes=(".cfm", ".cfc")),
    Language("a Lua project", suffixes=(".lua", ".rockspec")),
    Language("a conda project", _names("environment.yml environment.yaml conda-lock.yml"), (), _LISTED),
    Language(
        "a Python project",
        _names(
            "requirements.txt pyproject.toml setup.py setup.cfg poetry.lock uv.lock pdm.lock pylock.toml manage.py "
            "pipfile pipfile.lock"
        ),
        (".py", ".pyw", ".pyx", ".pyi", ".wsgi"),
        _LISTED,
    ),
    Language(
        "a C or C++ project",
        _names("cmakelists.txt configure.ac meson.build conanfile.txt conanfile.py vcpkg.json"),
        (".c", ".cc", ".cpp", ".cxx", ".c++", ".h", ".hh", ".hpp"),
    ),
    Language("an Objective-C project", _names("podfile podfile.lock cartfile"), (".mm",)),
    Language(
        "a Fortran, Pascal, COBOL or Ada project",
        _names("alire.toml"),
        (".f90", ".f95", ".f03", ".f08", ".pas", ".lpr", ".dpr", ".cob", ".cbl", ".adb", ".ads"),
    ),
    Language(
        "a Lisp or Scheme project",
        suffixes=(".lisp", ".lsp", ".asd", ".scm", ".rkt", ".fnl", ".janet", ".hy"),
    ),
    Language("a BASIC or VBScript project", suffixes=(".bas", ".vbs", ".vbe", ".wsf")),
    Language("a Tcl project", suffixes=(".tcl", ".tk")),
    Language("a Haxe project", suffixes=(".hx", ".hxml")),
    Language("an Elm project", _names("elm.json elm-package.json"), (".elm",)),
    Language("a PureScript project", _names("spago.dhall spago.yaml"), (".purs",)),
    Language("a Standard ML, Idris, Agda or Lean project", suffixes=(".sml", ".idr", ".agda", ".lean")),
    Language("a D project", _names("dub.json dub.sdl dub.selections.json")),
    Language("a V project", _names("v.mod")),
    Language("a Vala project", suffixes=(".vala",)),
    Language("an Odin, Pony or Mojo project", suffixes=(".odin", ".pony", ".mojo")),
    Language("an MkDocs site, whose pages have to be generated", _names("mkdocs.yml mkdocs.yaml"), (), _GENERATOR),
    Language(
        "a Node project",
        _names(
            "package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml lerna.json"
        ),
        (
            *(".cjs", ".jsx", ".vue", ".svelte", ".astro", ".mdx", ".marko", ".riot", ".imba"),
            *(".coffee", ".litcoffee", ".iced", ".ls", ".civet", ".gjs"),
        ),
        _NODE_REMEDY,
    ),
    Language(
        "a TypeScript project",
        _names("tsconfig.json"),
        (".ts", ".tsx", ".mts", ".cts", ".gts"),
        "add a Dockerfile that builds it",
    ),
    Language(
        "a project of templates, whose pages have to be rendered",
        frozenset(),
        (*RENDERED_BY_SERVERS, ".hbs", ".handlebars", ".mustache", ".ejs"),
        "add a Dockerfile that renders the pages and serves them",
    ),
    Language(
        "a project with a Dockerfile in another place",
        _names("dockerfile containerfile"),
        (".dockerfile",),
        "name it in slipway.toml: [build] dockerfile = …",
    ),
)

_ROWS = {language.project: language for language in LANGUAGES}
_DOCKERFILE = _ROWS["a project with a Dockerfile in another place"]
_BY_CONTENT = {
    program_content.NODE: _ROWS["a Node project"],
    program_content.PYTHON: _ROWS["a Python project"],
    program_content.OTHER: Language("a project with a program that its first line (#!) starts"),
}
_BY_SUFFIX = {suffix: place for place, language in enumerate(LANGUAGES) for suffix in language.suffixes}
MANIFESTS: frozenset[str] = frozenset().union(*(language.manifests for language in LANGUAGES))


def evidence(paths: Collection[str], contents: Mapping[str, str]) -> Evidence | None:
    """The file that shows best what the repository is, or None. Manifests go before sources, and files nearest to the
    root first."""
    looked_at = sorted((path for path in paths if _counts(path)), key=lambda path: (path.count("/"), path))
    return _by_manifest(looked_at) or _by_source(looked_at) or _by_content(looked_at, contents)


def _counts(path: str) -> bool:
    return not any(part.startswith(".") for part in path.split("/"))


def _by_manifest(paths: Collection[str]) -> Evidence | None:
    found: dict[int, list[Evidence]] = {}
    for path in paths:
        *folders, name = path.lower().split("/")
        if not VENDORED.intersection(folders):
            found.setdefault(len(folders), []).extend(
                Evidence(language, path) for language in LANGUAGES if _is_manifest(name, language)
            )
    nearest = next((each for _, each in sorted(found.items()) if each), [])
    return min(nearest, key=lambda each: LANGUAGES.index(each.language), default=None)


def _is_manifest(name: str, language: Language) -> bool:
    return name in language.manifests or (language is _DOCKERFILE and DOCKERFILE_VARIANT.fullmatch(name) is not None)


def _by_source(paths: Collection[str]) -> Evidence | None:
    films = _film_folders(paths)
    found: dict[int, str] = {}
    for path in paths:
        suffix = posixpath.splitext(path)[1].lower()
        place = _BY_SUFFIX.get(suffix)
        if place is not None and not (suffix == ".ts" and path.startswith(films)):
            found.setdefault(place, path)
    return Evidence(LANGUAGES[min(found)], found[min(found)]) if found else None


def _film_folders(paths: Collection[str]) -> tuple[str, ...]:
    """Folders with a playlist: in and below them, `.ts` is a piece of a film (MPEG transport stream)."""
    return tuple({path[: path.rfind("/") + 1] for path in paths if path.lower().endswith(".m3u8")})


def _by_content(paths: Collection[str], contents: Mapping[str, str]) -> Evidence | None:
    shown = program_content.kind_of_program(paths, contents)
    return Evidence(_BY_CONTENT[shown[0]], shown[1]) if shown else None
