"""What a template takes and gives: the files of a repository in, a Dockerfile out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from slipway.core.app_settings.configuration import DEFAULT_PORT
from slipway.core.build.templates.base_images import HostImages

USER = "10001:10001"


@dataclass(frozen=True, slots=True)
class Sources:
    """The context folder as detection sees it."""

    paths: frozenset[str]
    """Every file, as a relative path with slashes."""
    contents: Mapping[str, str]
    """Of those in `detection.read_files` that exist, and the beginnings of those in `program_content.glanced_at`."""
    has_web_command: bool = False
    """Does slipway.toml or the app's settings have a command for `web`?"""
    encodings: Mapping[str, str] = field(default_factory=dict)
    """The encodings of files in `contents` that are not plain UTF-8, as Python names them."""


@dataclass(frozen=True, slots=True)
class BaseImages:
    """The host's image for each language, from Settings, and what other images are to be had."""

    python: str
    static: str
    debian: str = "debian:bookworm-slim"
    """What compiled programs run on."""
    node: str = "node:24-slim"
    go: str = "golang:1-bookworm"
    php: str = "php:8.2-apache"
    composer: str = "composer:2"
    """Composer is taken from it, and Maven and Gradle from theirs."""
    ruby: str = "ruby:3.4"
    ruby_runtime: str = "ruby:3.4-slim"
    java: str = "eclipse-temurin:17-jdk"
    java_runtime: str = "eclipse-temurin:17-jre"
    maven: str = "maven:3"
    gradle: str = "gradle:8"
    rust: str = "rust:1-bookworm"
    dotnet: str = "mcr.microsoft.com/dotnet/sdk:10.0"
    dotnet_runtime: str = "mcr.microsoft.com/dotnet/aspnet:10.0"
    buildpacks_builder: str = "heroku/builder:24"
    buildpacks_run: str = "heroku/heroku:24"
    """What apps of Cloud Native Buildpacks run on."""
    railpack: str = "ghcr.io/railwayapp/railpack-frontend:v0.36.4"
    host: HostImages = HostImages()


@dataclass(frozen=True, slots=True)
class GeneratedDockerfile:
    """A generated Dockerfile, its ignore file, and the processes that the app runs."""

    template: str
    dockerfile: str
    ignore: str
    """Lines of `.dockerignore` before the repository's own."""
    processes: Mapping[str, str] = field(default_factory=dict)
    """Process → command line, split without a shell."""
    ignore_after: str = ""
    """Lines of `.dockerignore` after the repository's own, which can't undo them."""
    notes: tuple[str, ...] = ()
    """Lines for the deployment's log."""
    uses: tuple[str, ...] = ()
    """Other templates whose files it uses as well."""


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of project: a row of the table in `detection`."""

    name: str
    looks_for: str
    reads: tuple[str, ...]
    """The files whose content it reads, where they are regular files: paths, or patterns with `*`, which stands for
    slashes, too."""
    recognises: Callable[[Sources], bool]
    generate: Callable[[Sources, BaseImages], GeneratedDockerfile]


def ending(argv: Sequence[str] | None) -> list[str]:
    """The last lines of each generated Dockerfile: who runs it, its port, and the command if there is one."""
    command = [f"CMD {json.dumps(argv, ensure_ascii=False)}"] if argv else []
    return ["ENV HOME=/tmp", f"USER {USER}", f"EXPOSE {DEFAULT_PORT}", *command]


def text(lines: Sequence[str]) -> str:
    """The lines as a file."""
    return "\n".join(lines) + "\n"
