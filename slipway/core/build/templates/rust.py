"""Rust projects: cargo builds a program, and the image has it and the folders that it reads."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from slipway.core.build.templates import base_images
from slipway.core.build.templates.base_images import WantedVersion
from slipway.core.build.templates.processes import NoStart, of_procfile, processes
from slipway.core.build.templates.steps import BUILD, copy, data_folders, shell, stage, system_packages
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text
from slipway.core.text import toml
from slipway.errors import InvalidInput

MANIFEST = "Cargo.toml"
READS = ("Procfile", MANIFEST, f"*/{MANIFEST}", "rust-toolchain", "rust-toolchain.toml", "Cargo.lock")
_CACHES = ("/usr/local/cargo/registry", "/usr/local/cargo/git", "/app/target")
_IGNORED = "target\n.git\n"
_LIBRARIES = {
    "openssl-sys": "libssl3",
    "pq-sys": "libpq5",
    "mysqlclient-sys": "libmariadb3",
    "libsqlite3-sys": "libsqlite3-0",
}
"""Crate → Debian's package with the library that its program needs."""
_LONGEST_CHANNEL = 20
_NO_START = NoStart("a Rust project", "a program (src/main.rs or [[bin]])", "add src/main.rs")


def _is_rust(sources: Sources) -> bool:
    return MANIFEST in sources.paths


def _rust(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    programs = _programs(sources)
    default = _default(sources, programs)
    started = processes(sources, _start(sources, default) if default else "", _NO_START)
    image = base_images.choose(images.rust, _wanted(sources), images.host)
    locked = " --locked" if "Cargo.lock" in sources.paths else ""
    kept = " ".join(f"target/release/{name}" for name in programs)
    lines = [
        stage(image.reference),
        "WORKDIR /app",
        copy("."),
        shell(f"cargo build --release --bins{locked}; mkdir -p /built; cp {kept} /built/", *_CACHES),
        f"FROM {images.debian}",
        "WORKDIR /app",
        *system_packages({"ca-certificates", *_libraries(sources)}),
        'ENV PATH="/app/target/release:/usr/local/bin:/usr/bin:/bin" ROCKET_ADDRESS=0.0.0.0',
        copy("/built/", to="/app/target/release/", stage=BUILD),
        *data_folders(sources.paths),
        *ending(started.argv),
    ]
    unlocked = () if locked else ("there is no Cargo.lock: each build may take other versions",)
    return GeneratedDockerfile("rust", text(lines), _IGNORED, started.command_lines, notes=(*image.notes, *unlocked))


def _start(sources: Sources, program: str) -> str:
    """Rocket reads its port from a variable of its own."""
    is_rocket = "rocket" in _dependencies(sources)
    return f"env ROCKET_PORT=$PORT /app/target/release/{program}" if is_rocket else f"/app/target/release/{program}"


def _dependencies(sources: Sources) -> set[str]:
    tables = [_manifest(sources, path).get("dependencies", {}) for path in _manifests(sources)]
    return {name for table in tables if isinstance(table, dict) for name in table}


def _manifests(sources: Sources) -> list[str]:
    return [path for path in sorted(sources.contents) if posixpath.basename(path) == MANIFEST and "vendor/" not in path]


def _manifest(sources: Sources, path: str) -> Mapping[str, Any]:
    try:
        return toml.values(sources.contents.get(path, ""))
    except ValueError as error:
        raise InvalidInput(
            f"this is a Rust project, and its {path} can't be read: {error}", remedy=f"correct {path} and push again"
        ) from None


def _text(manifest: Mapping[str, Any], table: str, key: str) -> str:
    """A text of a table; empty where it is missing, or of another type."""
    values = manifest.get(table)
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) else ""


def _programs(sources: Sources) -> list[str]:
    """The names of the programs that cargo builds.

    Raises:
        InvalidInput: there is none.
    """
    found = [name for path in _manifests(sources) for name in _programs_of(sources, path)]
    if not found:
        raise InvalidInput(
            "this is a Rust project without a program: it is a library", remedy="add src/main.rs, which starts a server"
        )
    return list(dict.fromkeys(found))


def _programs_of(sources: Sources, path: str) -> list[str]:
    folder = posixpath.dirname(path)
    manifest = _manifest(sources, path)
    bins = manifest.get("bin")
    listed = [each for each in bins if isinstance(each, dict)] if isinstance(bins, list) else []
    listed = [each for each in listed if isinstance(each.get("name"), str)]
    names = [each["name"] for each in listed]
    package = _text(manifest, "package", "name")
    is_listed = any(each.get("path", "src/main.rs") == "src/main.rs" for each in listed)
    if package and not is_listed and posixpath.join(folder, "src/main.rs") in sources.paths:
        names.append(package)
    return [*names, *_in_bin(sources, folder)]


def _in_bin(sources: Sources, folder: str) -> list[str]:
    prefix = posixpath.join(folder, "src/bin/")
    below = [path.removeprefix(prefix) for path in sorted(sources.paths) if path.startswith(prefix)]
    return [path.removesuffix(".rs") for path in below if "/" not in path and path.endswith(".rs")]


def _default(sources: Sources, programs: list[str]) -> str:
    """The program that is started where nothing says which.

    Raises:
        InvalidInput: there are several.
    """
    manifest = _manifest(sources, MANIFEST)
    for key in ("default-run", "name"):
        if (name := _text(manifest, "package", key)) in programs:
            return name
    if len(programs) > 1 and not (of_procfile(sources) or sources.has_web_command):
        raise InvalidInput(
            f"this Rust project has several programs ({', '.join(programs[:6])}), and nothing says which is the server",
            remedy=f"add a Procfile that names it: web: {programs[0]}",
        )
    return programs[0]


def _libraries(sources: Sources) -> set[str]:
    lock = sources.contents.get("Cargo.lock", "")
    return {library for crate, library in _LIBRARIES.items() if f'name = "{crate}"' in lock}


def _wanted(sources: Sources) -> WantedVersion | None:
    """A release that a toolchain file names; other channels are left to rustup, which the image has."""
    for name in ("rust-toolchain.toml", "rust-toolchain"):
        content = sources.contents.get(name, "").strip()
        channel = _text(_manifest(sources, name), "toolchain", "channel") if "[" in content else content
        if channel[:1].isdigit():
            return _release(channel[:_LONGEST_CHANNEL], name)
    return None


def _release(channel: str, where: str) -> WantedVersion:
    short = ".".join(channel.split(".")[:2])
    return WantedVersion("Rust", channel, where, lambda version: version in (short, channel), short)


RUST = Template("rust", "Cargo.toml (Rust)", READS, _is_rust, _rust)
