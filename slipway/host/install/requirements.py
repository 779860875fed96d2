"""What a host needs, as a table: how to see that it is there, which Debian packages bring it, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from slipway.core.build import git_version
from slipway.host.commands import Commands

# lua-nginx 0.10.23-1 reads past a HEAD request's end (CVE-2024-33452); Debian fixed it in this build.
LUA_MODULE_AT_LEAST = "1:0.10.23-1+deb12u1"
JAVA_AT_LEAST = 17
_JAVA_VERSION = re.compile(r'version "(\d+)')

Group = Literal["run", "images", "keycloak", "test", "acme", "go", "bench", "browser"]
"""`go` is no package of Debian's, whose Go is too old: pip brings it (`go.py`)."""
Check = Callable[["Host"], bool]


class Host:
    """What is installed here. Debian's package list is read once, when first asked for."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._packages: dict[str, str] | None = None

    def program(self, name: str) -> bool:
        return self._commands.found(name) is not None

    def package(self, name: str) -> str:
        """The installed version of a Debian package; empty when it is not installed."""
        if self._packages is None:
            wanted = "${db:Status-Status} ${Package} ${Version}\n"
            listed = self._commands.run(["dpkg-query", "--show", f"--showformat={wanted}"])
            rows = [line.split(" ", 2) for line in listed.output.splitlines()]
            self._packages = {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "installed"}
        return self._packages.get(name, "")

    def at_least(self, package: str, version: str) -> bool:
        have = self.package(package)
        return bool(have) and self._commands.run(["dpkg", "--compare-versions", have, "ge", version]).ok

    def git_is_enough(self) -> bool:
        return self.program("git") and git_version.is_enough(self._commands.run(["git", "--version"]).output)

    def java_is_enough(self) -> bool:
        said = self._commands.run(["java", "-version"]).output if self.program("java") else ""
        found = _JAVA_VERSION.search(said)
        return found is not None and int(found[1]) >= JAVA_AT_LEAST

    def python_can(self, module: str) -> bool:
        return find_spec(module) is not None

    def file(self, path: str) -> bool:
        return Path(path).exists()


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing a host needs. `packages` are Debian's names for it."""

    name: str
    group: Group
    packages: tuple[str, ...]
    why: str
    met: Check
    remedy: str = ""
    """What to do when the installed package is too old."""


def _package(name: str, why: str, group: Group = "run") -> Requirement:
    return Requirement(name, group, (name,), why, lambda host: bool(host.package(name)))


def _program(name: str, package: str, why: str, group: Group = "run") -> Requirement:
    return Requirement(name, group, (package,), why, lambda host: host.program(name))


REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement(
        "Docker Engine",
        "run",
        ("docker.io",),
        "builds images and runs the apps",
        lambda host: host.program("dockerd") and host.program("docker"),
    ),
    _program("nginx", "nginx-light", "the edge: carries every request"),
    Requirement(
        "nginx's Lua module",
        "run",
        ("libnginx-mod-http-lua",),
        "routes, limits and counts inside the edge",
        lambda host: host.at_least("libnginx-mod-http-lua", LUA_MODULE_AT_LEAST),
    ),
    _package("lua-resty-core", "the Lua module's own library"),
    _package("lua-resty-lrucache", "caches inside the edge"),
    _package("lua-cjson", "reads route entries in the edge"),
    _package("lua-nginx-redis", "the edge's connection to Redis"),
    _package("lua-nginx-string", "digests in the edge"),
    _package("lua-luaossl", "verifies and signs identity in the edge"),
    _program("redis-server", "redis-server", "queue, route table for the edges, sessions, limits"),
    _program("iptables", "iptables", "keeps builds and apps away from the host"),
    _program("ss", "iproute2", "closes connections to addresses that are given back"),
    Requirement(
        "git 2.37 or newer",
        "run",
        ("git",),
        "fetches what is deployed, from the addresses that were checked",
        lambda host: host.git_is_enough(),
        git_version.REMEDY,
    ),
    Requirement(
        "Python's venv",
        "run",
        ("python3-venv",),
        "keeps the project's Python packages to itself",
        lambda host: host.python_can("ensurepip"),
    ),
    Requirement(
        "CA certificates",
        "run",
        ("ca-certificates",),
        "downloads are verified",
        lambda host: host.file("/etc/ssl/certs/ca-certificates.crt"),
    ),
    _program("debootstrap", "debootstrap", "makes the base images: no image registry answers here", "images"),
    Requirement(
        "Java 17 or newer",
        "keycloak",
        ("openjdk-17-jdk-headless",),
        "runs Keycloak, which signs people in",
        lambda host: host.java_is_enough(),
    ),
    _program("javac", "openjdk-17-jdk-headless", "compiles what Slipway adds to Keycloak", "keycloak"),
    _program("mvn", "maven", "fetches Keycloak", "keycloak"),
    _package("postgresql", "the tests run on PostgreSQL too", "test"),
    _package("docker-registry", "apps of images are tested against a real registry", "test"),
    _program("luacheck", "lua-check", "lints the edge's Lua", "test"),
    _program("busted", "lua-busted", "tests the edge's Lua modules", "test"),
    _program("luajit", "luajit2", "runs those tests on the Lua that nginx has", "test"),
    _program("named", "bind9", "wildcards' certificates are tested with a real name server", "acme"),
    _program("chromium", "chromium", "shows the console to its tests", "browser"),
    _program("wrk", "wrk", "load for the benchmarks", "bench"),
    _program("h2load", "nghttp2-client", "open-loop load for the benchmarks", "bench"),
)


def too_old(host: Host, groups: Iterable[Group]) -> list[Requirement]:
    """Requirements that are installed in too old a version, and for which the package manager has no newer one."""
    return [need for need in missing(host, groups) if need.remedy and host.program(need.packages[0])]


def missing(host: Host, groups: Iterable[Group]) -> list[Requirement]:
    """What of these groups is not there yet, in the table's order."""
    wanted = frozenset(groups)
    return [need for need in REQUIREMENTS if need.group in wanted and not need.met(host)]
