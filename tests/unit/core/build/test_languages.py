"""A program's repository never becomes a static site, and is named; a site stays one."""

from __future__ import annotations

import pytest

from slipway.core.build.detection import detect
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources
from slipway.errors import InvalidInput

IMAGES = BaseImages("python:3.11-slim", "python:3.11-slim")


def made_of(files: dict[str, str], *, web_command: bool = False) -> GeneratedDockerfile:
    return detect(Sources(frozenset(files), files, web_command), IMAGES)


def repository(*paths: str, **contents: str) -> dict[str, str]:
    """With an index.html at its root."""
    return {"index.html": "<p>hello", **dict.fromkeys(paths, ""), **contents}


PROGRAMS = {
    "Node, by its manifest": ("a Node project", repository("package.json", "server.js")),
    "Node, by its lock file": ("a Node project", repository("yarn.lock", "server.js")),
    "Node below the root": ("a Node project", repository("api/package.json", "api/server.js")),
    "Node without a manifest": ("a Node project", repository() | {"server.js": 'const http = require("http")\n'}),
    "Node with modules": ("a Node project", repository() | {"app.mjs": "import fs from 'node:fs'\n"}),
    "Node that reads its environment": ("a Node project", repository() | {"index.js": "listen(process.env.PORT)\n"}),
    "Node, its page in public": ("a Node project", {"package.json": "{}", "public/index.html": ""}),
    "Node, built output in dist": ("a Node project", {"package.json": "{}", "dist/index.html": ""}),
    "CommonJS": ("a Node project", repository("lib/start.cjs")),
    "Vue": ("a Node project", repository("src/App.vue")),
    "TypeScript": ("a TypeScript project", repository("main.ts")),
    "Deno": ("a Deno project", repository("deno.json", "main.ts")),
    "Deno beside npm": ("a Deno project", repository("deno.jsonc", "package.json")),
    "Bun": ("a Bun project", repository("bun.lockb", "index.ts") | {"package.json": "{}"}),
    "Bun, with its text lock file": ("a Bun project", repository("bun.lock") | {"package.json": "{}"}),
    "PHP": ("a PHP project", repository("config.php")),
    "PHP deep below": ("a PHP project", repository("a/b/c/db.php")),
    "PHP in upper case": ("a PHP project", repository("CONFIG.PHP")),
    "Composer": ("a PHP project", repository("composer.json")),
    "Go": ("a Go project", repository("main.go")),
    "Go with a module": ("a Go project", repository("go.mod", "cmd/web/main.go")),
    "Ruby": ("a Ruby project", repository("Gemfile", "app.rb")),
    "Rack": ("a Ruby project", repository("config.ru")),
    "Rails without its Gemfile": ("a Ruby project", repository("Gemfile.lock", "public/index.html")),
    "Rust": ("a Rust project", repository("Cargo.toml", "src/main.rs")),
    "Maven": ("a Java project", repository("pom.xml")),
    "Gradle": ("a Java project", repository("build.gradle.kts", "src/main/kotlin/App.kt")),
    "JSP": ("a Java project", repository("login.jsp")),
    "Kotlin": ("a Kotlin project", repository("Main.kt")),
    "Scala": ("a Scala project", repository("build.sbt")),
    "Clojure": ("a Clojure project", repository("deps.edn", "src/core.clj")),
    ".NET": ("a .NET project", repository("Shop.csproj", "Program.cs")),
    ".NET in upper case": ("a .NET project", repository("SHOP.CSPROJ")),
    "ASP": ("a .NET project", repository("login.asp")),
    "Elixir": ("an Elixir project", repository("mix.exs", "lib/shop.ex")),
    "Erlang": ("an Erlang project", repository("rebar.config")),
    "Swift": ("a Swift project", repository("Package.swift")),
    "Dart": ("a Dart project", repository("pubspec.yaml", "bin/server.dart")),
    "Haskell": ("a Haskell project", repository("Main.hs")),
    "R": ("an R project", repository("app.R")),
    "Perl": ("a Perl project", repository("cpanfile", "app.psgi")),
    "CGI": ("a CGI program", repository("cgi-bin/form.cgi")),
    "Pipfile": ("a Python project", repository("Pipfile", "app.py")),
    "Pipfile's lock": ("a Python project", repository("Pipfile.lock")),
    "conda": ("a conda project", repository("environment.yml", "app.py")),
    "setup.py": ("a Python project", repository("setup.py")),
    "Python alone": ("a Python project", repository("app.py")),
    "requirements in upper case": ("a Python project", repository("Requirements.txt")),
    "requirements in a folder": ("a Python project", repository("requirements/base.txt", "manage.py")),
    "C": ("a C or C++ project", repository("Makefile", "main.c")),
    "C++": ("a C or C++ project", repository("CMakeLists.txt")),
    "Jekyll, generated": ("a Jekyll site", {"_config.yml": "", "_site/index.html": ""}),
    "a Dockerfile elsewhere": ("a Dockerfile in another place", repository("docker/Dockerfile")),
    "a Dockerfile with a name": ("a Dockerfile in another place", repository("Dockerfile.web")),
    "a Dockerfile for production": ("a Dockerfile in another place", repository("deploy/dockerfile-prod")),
    "a Dockerfile's template": ("a Dockerfile in another place", repository("Dockerfile.web.j2", "a.css")),
    "TypeScript beside a film": ("a TypeScript project", repository("film/list.m3u8", "film/1.ts", "src/main.ts")),
    "CoffeeScript": ("a Node project", repository("server.coffee")),
    "Tcl": ("a Tcl project", repository("cgi/app.tcl")),
    "Common Lisp": ("a Lisp or Scheme project", repository("app.lisp")),
    "Scheme": ("a Lisp or Scheme project", repository("app.scm")),
    "Racket": ("a Lisp or Scheme project", repository("app.rkt")),
    "F#": ("a .NET project", repository("Program.fs")),
    "COBOL": ("COBOL", repository("PAY.COB")),
    "BASIC": ("a BASIC or VBScript project", repository("a.bas")),
    "VBScript": ("a BASIC or VBScript project", repository("login.vbs")),
    "Raku": ("a Perl project", repository("app.raku")),
    "Haxe": ("a Haxe project", repository("Main.hx")),
    "Elm": ("an Elm project", repository("src/Main.elm")),
    "PureScript": ("a PureScript project", repository("src/Main.purs")),
    "literate Haskell": ("a Haskell project", repository("Main.lhs")),
    **{
        f"templates in {suffix}": ("a project of templates", repository(f"views/page.{suffix}"))
        for suffix in ("pug", "hbs", "njk", "liquid", "haml", "twig", "slim", "ejs", "html.erb", "mustache", "jinja2")
    },
    "a Containerfile": ("a Dockerfile in another place", repository("Containerfile")),
}


@pytest.mark.parametrize(("named", "files"), list(PROGRAMS.values()), ids=list(PROGRAMS))
def test_a_program_is_no_site_and_is_named(named: str, files: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        made_of(files)
    assert refused.value.message.startswith("this is ")
    assert named in refused.value.message
    assert "[static] root" in refused.value.remedy


def test_a_program_is_named_without_a_page_too() -> None:
    with pytest.raises(InvalidInput, match=r"this is a Go project \(main\.go\)"):
        made_of({"main.go": "package main"})


@pytest.mark.parametrize("procfile", ["web: ./start\n", "\ufeffweb: ./start\n", "WEB: ./start\n"])
def test_a_procfiles_web_is_no_site(procfile: str) -> None:
    with pytest.raises(InvalidInput, match="no static site"):
        made_of(repository(Procfile=procfile))


def test_a_command_of_the_settings_is_no_site() -> None:
    with pytest.raises(InvalidInput, match="no static site"):
        made_of(repository(), web_command=True)


SITES = {
    "pages, styles, scripts": repository("style.css", "app.js", "img/logo.svg", "robots.txt", "README.md"),
    "a page below public": {"public/index.html": "", "notes.md": ""},
    "a script of the browser's": repository() | {"app.js": "import {x} from './x.js'\nfetch('/api')\n", "x.js": ""},
    "a bundle that could be required": repository()
    | {"main.js": 'typeof exports === "object" ? module.exp = f(require("jquery")) : 0\n'},
    "workflows and other hidden programs": repository(".github/scripts/check.py", ".vscode/tasks.json"),
    "a library with its manifest": repository("vendor/bootstrap/package.json", "vendor/bootstrap/bootstrap.css"),
    "a film in pieces": repository("film/list.m3u8", "film/0001.ts", "film/low/0001.ts"),
    "a film in pieces at the root": repository("list.m3u8", "0001.ts"),
    "pages about Dockerfiles": repository(
        "dockerfile.html", "dockerfile-guide.html", "Dockerfile.md", "dockerfile.svg"
    ),
    "a Procfile without web": repository(Procfile="release: true\n"),
    "a Makefile and a script for publishing": repository("Makefile", "publish.sh"),
    "IIS' own configuration": repository("web.config"),
}


@pytest.mark.parametrize("files", list(SITES.values()), ids=list(SITES))
def test_a_site_is_recognised(files: dict[str, str]) -> None:
    assert made_of(files).template == "static"


def test_python_that_lists_its_needs_is_built_whatever_lies_beside_it() -> None:
    files = repository("package.json", "static/app.ts") | {"requirements.txt": "flask\n", "Procfile": "web: x\n"}
    assert made_of(files).template == "python"
