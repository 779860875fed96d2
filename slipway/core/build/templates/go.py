"""Go projects: a program is built, and the image has nothing but it and the folders that it reads."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence

from slipway.core.app_settings.configuration import WEB
from slipway.core.build.templates.processes import NoStart, of_procfile, processes
from slipway.core.build.templates.steps import BUILD, CERTIFICATES, copy, data_folders, run, stage
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text
from slipway.errors import InvalidInput

READS = ("Procfile", "go.mod", "go.work", "*.go")
_PROGRAM = re.compile(r"^package main\b", re.MULTILINE)
_SERVERS = ("server", "web", "api", "app", "http", "httpd")
"""Names of commands that are a web server, in the order of preference."""
_NEEDS_C = ("github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go", "github.com/h2non/bimg")
_CACHES = ("/go/pkg/mod", "/root/.cache/go-build")
_IGNORED = "**/*_test.go\n.git\n"
_NO_START = NoStart("a Go project", "a package main", "add a main package, such as cmd/server/main.go")


def _is_go(sources: Sources) -> bool:
    return bool(sources.paths & {"go.mod", "go.work"})


def _go(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    built = _built_programs(sources)
    web = _web(sources, built)
    started = processes(sources, f"/app/bin/{_program(sources, web)}" if web is not None else "", _NO_START)
    needs_c = any(name in sources.contents.get("go.mod", "") for name in _NEEDS_C)
    needs_system = needs_c or bool(of_procfile(sources)) or sources.has_web_command
    lines = [
        *_build(sources, built, images, needs_c=needs_c),
        f"FROM {images.debian if needs_system else 'scratch'}",
        "WORKDIR /app",
        'ENV PATH="/app/bin:/usr/local/bin:/usr/bin:/bin"',
        copy(CERTIFICATES, to=CERTIFICATES, stage=BUILD),
        copy("/app/bin/", to="/app/bin/", stage=BUILD),
        *data_folders(sources.paths),
        *ending(started.argv if needs_system else [f"/app/bin/{_program(sources, web or '.')}"]),
    ]
    lines_of_processes = started.command_lines if needs_system else {}
    return GeneratedDockerfile("go", text(lines), _IGNORED, lines_of_processes, notes=_notes(web, needs_c=needs_c))


def _build(sources: Sources, built: Sequence[str], images: BaseImages, *, needs_c: bool) -> list[str]:
    """The stage that builds. Go itself fetches the version that go.mod asks for, where the image's is older."""
    is_vendored = "vendor/modules.txt" in sources.paths
    manifests = [name for name in ("go.mod", "go.sum") if name in sources.paths]
    has_local_modules = "go.work" in sources.paths or re.search(r"=>[ \t]*+\.", sources.contents.get("go.mod", ""))
    downloads = (
        [] if is_vendored or has_local_modules else [copy(*manifests), run(["go", "mod", "download"], _CACHES[0])]
    )
    options = ["-trimpath", "-tags", "timetzdata", "-ldflags", "-s -w", "-o", "/app/bin/"]
    return [
        stage(images.go),
        "WORKDIR /src",
        f"ENV CGO_ENABLED={int(needs_c)} GOTOOLCHAIN=auto GOFLAGS=-buildvcs=false",
        *downloads,
        copy("."),
        run(["go", "build", *options, *(_package(folder) for folder in built)], *_CACHES),
    ]


def _package(folder: str) -> str:
    return "." if folder == "." else f"./{folder}"


def _notes(web: str | None, *, needs_c: bool) -> tuple[str, ...]:
    started = (f"the program in {'the root' if web == '.' else web} is started",) if web is not None else ()
    return (
        *started,
        *(("go.mod lists a package that is written in C: the program is built with CGO",) if needs_c else ()),
    )


def _built_programs(sources: Sources) -> list[str]:
    """The folders with a program: the one that is started by default, and all that the Procfile names."""
    folders = _programs(sources)
    if not folders:
        raise InvalidInput(
            "this is a Go project without a package main: it is a library",
            remedy="add a main package, such as cmd/server/main.go",
        )
    named = [folder for folder in folders if _is_named(sources, folder)]
    if named or WEB in of_procfile(sources) or sources.has_web_command:
        return named or folders
    return [_default(sources, folders)]


def _programs(sources: Sources) -> list[str]:
    found = {
        posixpath.dirname(path) or "."
        for path, content in sources.contents.items()
        if path.endswith(".go") and _counts(path) and _PROGRAM.search(content)
    }
    return sorted(found, key=lambda folder: (folder != ".", folder.count("/"), folder))


def _counts(path: str) -> bool:
    folders = path.split("/")[:-1]
    left_out = {"vendor", "testdata", "examples", "example", "tools", "scripts", "hack", "test", "tests"}
    return not path.endswith("_test.go") and not any(
        part in left_out or part.startswith((".", "_")) for part in folders
    )


def _is_named(sources: Sources, folder: str) -> bool:
    """Does a line of the Procfile start this program?"""
    name = _program(sources, folder)
    return any(posixpath.basename(word) == name for line in of_procfile(sources).values() for word in _words(line))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _web(sources: Sources, built: Sequence[str]) -> str | None:
    """The program that is started where the Procfile has no `web`."""
    if WEB in of_procfile(sources) or sources.has_web_command:
        return None
    return built[0] if len(built) == 1 else _default(sources, _programs(sources))


def _default(sources: Sources, folders: Sequence[str]) -> str:
    if "." in folders or len(folders) == 1:
        return folders[0]
    by_name = {posixpath.basename(folder): folder for folder in reversed(folders)}
    preferred = next((name for name in (_program(sources, "."), *_SERVERS) if name in by_name), "")
    if not preferred:
        raise InvalidInput(
            f"this Go project has several programs ({', '.join(folders[:6])}), and nothing says which is the server",
            remedy=f"add a Procfile that names it: web: bin/{posixpath.basename(folders[0])}",
        )
    return by_name[preferred]


def _program(sources: Sources, folder: str) -> str:
    """The name that Go gives to the program of a folder."""
    if folder != ".":
        return posixpath.basename(folder)
    found = re.search(r"^module[ \t]++\"?([^\s\"]+)", sources.contents.get("go.mod", ""), re.MULTILINE)
    path = re.sub(r"/v\d+$", "", found[1]) if found else "app"
    return posixpath.basename(path)


GO = Template("go", "go.mod (Go)", READS, _is_go, _go)
