"""Extensions of PHP that a project needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway.core.build.templates.steps import run, system_packages

_ALWAYS = (
    "core",
    "ctype",
    "date",
    "fileinfo",
    "filter",
    "hash",
    "json",
    "pcre",
    "posix",
    "random",
    "reflection",
    "spl",
)
_LIBRARY_BOUND = (
    "curl",
    "ftp",
    "iconv",
    "libxml",
    "mbstring",
    "openssl",
    "phar",
    "readline",
    "sodium",
    "standard",
    "zlib",
)
_DATA = ("mysqlnd", "pdo", "pdo_sqlite", "session", "sqlite3", "tokenizer")
_XML = ("dom", "simplexml", "xml", "xmlreader", "xmlwriter")
BUILT_IN = frozenset((*_ALWAYS, *_LIBRARY_BOUND, *_DATA, *_XML))
"""Those that PHP's image has."""
_LIBRARIES = {
    "bz2": "libbz2-dev",
    "gd": "libpng-dev libjpeg-dev libfreetype-dev libwebp-dev",
    "gmp": "libgmp-dev",
    "intl": "libicu-dev",
    "ldap": "libldap2-dev",
    "pdo_pgsql": "libpq-dev",
    "pgsql": "libpq-dev",
    "soap": "libxml2-dev",
    "xsl": "libxslt1-dev",
    "zip": "libzip-dev",
}
"""Extension → Debian's packages that it is compiled with."""
_USUAL = ("opcache", "pdo_mysql", "pdo_pgsql")
"""Extensions that each app gets: few projects name the one of their database."""


def steps(requirements: Iterable[str]) -> list[str]:
    """The steps that add the extensions among what composer.json requires, and what Composer itself needs."""
    named = {name.removeprefix("ext-").lower() for name in requirements if name.startswith("ext-")}
    wanted = sorted((named - BUILT_IN) | set(_USUAL))
    known = [name for name in wanted if re.fullmatch(r"\w+", name)]
    libraries = {package for name in known for package in _LIBRARIES.get(name, "").split()}
    return [*system_packages(libraries | {"git", "unzip"}), run(["docker-php-ext-install", *known])]
