"""Apache in front of PHP: what it serves, and what it never does."""

from __future__ import annotations

import posixpath
import shlex

from slipway.core.build import languages, published_files
from slipway.core.build.templates.steps import shell
from slipway.core.build.templates.template import Sources

_MODULES = "a2enmod -q rewrite headers; a2dismod -q -f status autoindex; rm -f /etc/apache2/conf-enabled/other-vhosts-*"
_LARAVEL = {
    "LOG_CHANNEL": "stderr",
    "LARAVEL_STORAGE_PATH": "/tmp/storage",  # noqa: S108
    "VIEW_COMPILED_PATH": "/tmp/storage/framework/views",  # noqa: S108
}
_SYMFONY = {"APP_ENV": "prod", "APP_CACHE_DIR": "/tmp/cache", "APP_LOG_DIR": "/tmp/log"}  # noqa: S108
_STORAGE = (
    "cd /tmp && mkdir -p storage/logs storage/framework/cache/data storage/framework/sessions storage/framework/views"
)
_APACHE = """\
ServerName localhost
PidFile /tmp/apache2.pid
DefaultRuntimeDir /tmp
Mutex file:/tmp default
DocumentRoot /app{root}
ErrorLog /proc/self/fd/2
CustomLog /proc/self/fd/1 combined
ServerTokens Prod
TraceEnable Off
RewriteEngine On
RewriteCond %{{DOCUMENT_ROOT}}%{{REQUEST_URI}} -f
RewriteCond %{{REQUEST_URI}} "{withheld}"
RewriteRule ^ - [R=404,L]
<Directory /app{root}>
  Options -Indexes +FollowSymLinks
  AllowOverride All
  Require all granted
  DirectoryIndex index.php index.html
{fallback}</Directory>
"""
_SERVED_BY_PHP = frozenset({"*.php"})


def steps(sources: Sources, root: str, *, has_front_controller: bool) -> list[str]:
    """The steps that set it up for the document root. `has_front_controller`: addresses without a file get index.php,
    unless the folder has rules of its own."""
    has_rules = posixpath.join(root, ".htaccess") in sources.paths
    configuration = _APACHE.format(
        root=f"/{root}" if root else "",
        withheld=_withheld(),
        fallback="  FallbackResource /index.php\n" if has_front_controller and not has_rules else "",
    )
    written = f"printf '%s' {shlex.quote(configuration)} > /etc/apache2/sites-enabled/000-default.conf"
    environment = _of_framework(sources)
    return [
        shell(f"{written}; {_MODULES}; echo 'Listen ${{PORT}}' > /etc/apache2/ports.conf"),
        *(f"ENV {name}={value}" for name, value in environment.items()),
    ]


def _withheld() -> str:
    """What answers 404: what no site publishes, and the sources of other languages."""
    names = [name for name in published_files.NEVER if name not in _SERVED_BY_PHP]
    suffixes = [suffix for row in languages.LANGUAGES for suffix in row.suffixes]
    return published_files.expression((*names, *(f"*{suffix}" for suffix in suffixes if suffix != ".php")))


def _of_framework(sources: Sources) -> dict[str, str]:
    if "artisan" in sources.paths:
        return _LARAVEL
    return _SYMFONY if "bin/console" in sources.paths else {}


def command(sources: Sources) -> str:
    """The line of a shell that starts it."""
    prepared = f"{_STORAGE} && cd /app && " if "artisan" in sources.paths else ""
    return f"{prepared}exec apache2-foreground"
