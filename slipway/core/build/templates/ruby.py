"""Ruby projects: Rails, Sinatra and whatever else Rack starts."""

from __future__ import annotations

import re

from slipway.core.build.templates import base_images, node
from slipway.core.build.templates.base_images import WantedVersion
from slipway.core.build.templates.processes import NoStart, processes
from slipway.core.build.templates.steps import copy, run, shell, stage, system_packages
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources, Template, ending, text

MANIFEST = "Gemfile"
LOCK = "Gemfile.lock"
READS = ("Procfile", MANIFEST, LOCK, ".ruby-version", ".tool-versions", "app.rb", "server.rb", "main.rb", *node.READS)
PATH = "/usr/local/bundle"
_MINORS = ("3.4", "3.3", "3.2", "3.1", "4.0")
_LIBRARIES = {
    "mysql2": "libmariadb3",
    "pg": "libpq5",
    "rmagick": "libmagickwand-6.q16-6",
    "ruby-vips": "libvips42",
    "sqlite3": "libsqlite3-0",
    "trilogy": "libssl3",
}
"""Gem → Debian's package with the library that it needs while it runs."""
_SERVERS = ("puma", "falcon", "unicorn", "thin", "iodine")
_RACKUP = ("rackup", "webrick")
_IGNORED = "vendor/bundle\nnode_modules\nlog\ntmp\n.git\n"
_NO_START = NoStart(
    "a Ruby project",
    "config.ru with a server such as puma in the Gemfile; Rails; an app.rb with Sinatra",
    "bundle add puma, and add a Procfile with: web: bundle exec puma -b tcp://0.0.0.0:$PORT",
)
_RAILS = {
    "RAILS_ENV": "production",
    "RACK_ENV": "production",
    "RAILS_LOG_TO_STDOUT": "1",
    "RAILS_SERVE_STATIC_FILES": "1",
    "BOOTSNAP_CACHE_DIR": "/tmp/bootsnap",  # noqa: S108 - the folder that is writable
}


def _is_ruby(sources: Sources) -> bool:
    """A Gemfile beside a package.json often lists tools alone."""
    starts = "config.ru" in sources.paths or _is_rails(sources) or "sinatra" in _gems(sources)
    return MANIFEST in sources.paths and (starts or "package.json" not in sources.paths)


def _ruby(sources: Sources, images: BaseImages) -> GeneratedDockerfile:
    started = processes(sources, _command(sources), _NO_START)
    wanted = wanted_version(sources)
    image = base_images.choose(images.ruby, wanted, images.host)
    runtime = base_images.choose(images.ruby_runtime, wanted, images.host)
    assets = node.build_of_assets(sources, images)
    environment = _RAILS if _is_rails(sources) else {"RACK_ENV": "production", "APP_ENV": "production"}
    variables = "ENV " + " ".join(f"{name}={value}" for name, value in environment.items())
    lines = [
        *assets,
        *installed(sources, image.reference),
        variables,
        *([copy("/app/public/", to="./public/", stage=node.ASSETS)] if assets and _has_public(sources) else []),
        *_precompiled(sources),
        f"FROM {runtime.reference}",
        "WORKDIR /app",
        *system_packages(_libraries(sources)),
        bundle_environment(sources),
        variables,
        copy(PATH, to=PATH, stage="build"),
        copy("/app/", to="/app/", stage="build"),
        *ending(started.argv),
    ]
    notes = (*image.notes, *_notes(sources))
    uses = ("node",) if assets else ()
    return GeneratedDockerfile("ruby", text(lines), _IGNORED, started.command_lines, notes=notes, uses=uses)


def installed(sources: Sources, image: str) -> list[str]:
    """The stage that installs the gems that Gemfile.lock lists, and copies the sources."""
    manifests = [name for name in (MANIFEST, LOCK, ".ruby-version", ".tool-versions") if name in sources.paths]
    is_vendored = any(path.startswith("vendor/cache/") for path in sources.paths)
    whole = is_local(sources)
    install = ["bundle", "install", *(["--local"] if is_vendored else []), "--jobs", "4"]
    return [
        stage(image),
        "WORKDIR /app",
        bundle_environment(sources),
        *([copy(".")] if whole else [copy(*manifests)]),
        *([copy("vendor/cache/", to="./vendor/cache/")] if is_vendored and not whole else []),
        run(install),
        *([] if whole else [copy(".")]),
    ]


def is_local(sources: Sources) -> bool:
    """Does the Gemfile name gems in folders of the repository?"""
    content = sources.contents.get(MANIFEST, "")
    return (
        re.search(r"^[ \t]*+gemspec\b|\bpath:[ \t]*+[\"']|:path[ \t]*+=>|\beval_gemfile\b", content, re.MULTILINE)
        is not None
    )


def bundle_environment(sources: Sources) -> str:
    """Bundler's settings: with a lock file, exactly what it lists is installed."""
    frozen = " BUNDLE_FROZEN=1" if LOCK in sources.paths else ""
    return f"ENV BUNDLE_PATH={PATH} BUNDLE_WITHOUT=development:test{frozen}"


def _gems(sources: Sources) -> set[str]:
    """The gems that the Gemfile or its lock names."""
    listed = re.findall(
        r"^[ \t]*+gem[ \t]*+\(?[ \t]*+[\"']([\w.-]+)[\"']", sources.contents.get(MANIFEST, ""), re.MULTILINE
    )
    locked = re.findall(r"^    ([\w.-]+) \(", sources.contents.get(LOCK, ""), re.MULTILINE)
    return {*listed, *locked}


def _is_rails(sources: Sources) -> bool:
    return "config/application.rb" in sources.paths and bool(_gems(sources) & {"rails", "railties"})


def _command(sources: Sources) -> str:
    """The command that starts the app; empty where nothing shows it."""
    gems = _gems(sources)
    if _is_rails(sources):
        return "bundle exec rails server -b 0.0.0.0 -p $PORT -P /tmp/server.pid"
    if "config.ru" in sources.paths:
        return _rack(gems)
    for name in ("app.rb", "server.rb", "main.rb"):
        if "sinatra" in gems and re.search(
            r"require[ \t]*+\(?[ \t]*+[\"']sinatra[\"']", sources.contents.get(name, "")
        ):
            return f"bundle exec ruby {name} -o 0.0.0.0 -p $PORT"
    return ""


def _rack(gems: set[str]) -> str:
    """The command for config.ru, by the server that is among the gems; empty where none is."""
    server = next((name for name in _SERVERS if name in gems), "")
    if server == "puma":
        return "bundle exec puma -b tcp://0.0.0.0:$PORT"
    if server == "falcon":
        return "bundle exec falcon serve --bind http://0.0.0.0:$PORT"
    if server == "unicorn":
        return "bundle exec unicorn -o 0.0.0.0 -p $PORT"
    if server or gems & set(_RACKUP):
        return "bundle exec rackup -o 0.0.0.0 -p $PORT"
    return ""


def _precompiled(sources: Sources) -> list[str]:
    """The step that makes Rails' assets. The key that it needs is a made-up one: the app's own is no build's."""
    has_assets = any(path.startswith(("app/assets/", "app/javascript/")) for path in sources.paths)
    if not (_is_rails(sources) and has_assets):
        return []
    return [shell("SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=build bundle exec rails assets:precompile")]


def _has_public(sources: Sources) -> bool:
    return any(path.startswith("public/") for path in sources.paths)


def _libraries(sources: Sources) -> set[str]:
    gems = _gems(sources)
    return {library for gem, library in _LIBRARIES.items() if gem in gems}


def wanted_version(sources: Sources) -> WantedVersion | None:
    """The version of Ruby that a file asks for."""
    found = {
        ".ruby-version": r"^(?:ruby-)?(\d{1,9}\.\d{1,9}[\w.]{0,20}(?![\w.]))",
        ".tool-versions": r"^ruby[ \t]+(\d{1,9}\.\d{1,9}[\w.]{0,20}(?![\w.]))",
        MANIFEST: r"^[ \t]*+ruby[ \t]*+\(?[ \t]*+[\"'](?:(?:~>|>=)[ \t]*+)?(\d{1,9}\.\d{1,9}[\w.]{0,20}(?![\w.]))[\"']",
        LOCK: r"^RUBY VERSION\r?\n[ ]++ruby (\d{1,9}\.\d{1,9}\.\d{1,9})",
    }
    for name, pattern in found.items():
        match = re.search(pattern, sources.contents.get(name, ""), re.MULTILINE)
        if match:
            return _wanted(match[1], name, at_least=">=" in match[0])
    return None


def _wanted(version: str, where: str, *, at_least: bool) -> WantedVersion:
    minor = ".".join(version.split(".")[:2])
    lowest = _numbers(minor)

    def accepts(candidate: str) -> bool:
        numbers = _numbers(candidate)
        return numbers >= lowest if at_least else numbers[:2] == lowest

    pulled = next((each for each in _MINORS if accepts(each)), minor) if at_least else minor
    return WantedVersion("Ruby", f">= {version}" if at_least else version, where, accepts, pulled)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:2]]


def _notes(sources: Sources) -> tuple[str, ...]:
    notes = []
    if LOCK not in sources.paths:
        notes.append("there is no Gemfile.lock: each build may install other versions")
    if _is_rails(sources):
        notes.append("Rails needs RAILS_MASTER_KEY or SECRET_KEY_BASE: slipway env set SECRET_KEY_BASE=…")
    return tuple(notes)


RUBY = Template("ruby", "Gemfile (Ruby)", READS, _is_ruby, _ruby)
