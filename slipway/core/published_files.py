"""Which files of a site are never served, whatever its owner says: a web server that knew them would not either.

One table for both ends: the build's ignore file, which keeps them out of the image, and the expression by which the
site's server passes over what came into it all the same. Names count in any case.
"""

from __future__ import annotations

import re
from itertools import chain

from slipway.core import languages

WELL_KNOWN = ".well-known"
_HIDDEN = (".*",)
_COPIES = ("*~", "#*#", "*.bak", "*.backup", "*.old", "*.orig", "*.save", "*.swp", "*.swo", "*.tmp", "*.rej")
_RUN_BY_SERVERS = (
    *("*.php", "*.php3", "*.php4", "*.php5", "*.php7", "*.php8", "*.phtml", "*.phps", "*.phar", "*.inc"),
    *("*.cgi", "*.fcgi", "*.pl", "*.psgi", "*.wsgi", "*.asp", "*.aspx", "*.ashx", "*.asmx", "*.jsp", "*.jspx"),
    *("*.cfm", "*.cfc", "*.erb", "*.cshtml", "*.razor", "web.config"),
)
_COMPILED = ("*.pyc", "*.pyo", "*.class", "*.war", "*.o", "*.so")
_DATA = (
    *("*.sql", "*.sqlite", "*.sqlite3", "*.db", "*.mdb", "*.dump", "*.rdb", "*.ldif", "*.log"),
    *("backup*.zip", "backup*.tgz", "backup*.tar", "backup*.tar.*"),
)
_CONFIGURATION = ("*.ini", "*.conf", "*.cfg", "database.yml", "database.yaml", "config.yml", "config.yaml")
_SECRETS = (
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.jks", "*.keystore", "*.ppk", "*.kdbx", "*.ovpn"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.env", "*.htpasswd", "htpasswd", "kubeconfig"),
    *("secret.json", "secrets.json", "secrets.yml", "secrets.yaml", "secrets.toml", "secrets.xml"),
    *("credentials.json", "credentials.yml", "credentials.yaml", "credentials.csv", "*credentials.json"),
    *("service-account*.json", "serviceaccount*.json", "*.tfstate", "*.tfvars"),
)
_FOLDERS = ("node_modules", "bower_components", "__pycache__")
_TOOLS = (
    *("slipway.toml", "procfile", "dockerfile", "dockerfile.dev", "dockerfile.local", "dockerfile.prod"),
    *("*.dockerfile", "containerfile", "docker-compose*.yml", "docker-compose*.yaml", "compose.yml", "compose.yaml"),
    *("makefile", "vagrantfile", "jenkinsfile", "netlify.toml", "fly.toml", "wrangler.toml", "vercel.json"),
    *("firebase.json", "*.tf", "bower.json", "gruntfile.js", "gulpfile.js", "webpack.config.js", "vite.config.js"),
)
_IN_NO_LINE = tuple(name for name in (*_TOOLS, *sorted(languages.MANIFESTS)) if re.fullmatch(r"\w+", name))
"""Files that a page's folder may be called like: an ignore file can't tell the two apart, the site's server can."""
_KINDS = (_HIDDEN, _FOLDERS, _COPIES, _RUN_BY_SERVERS, _COMPILED, _DATA, _CONFIGURATION, _SECRETS, _TOOLS)
NEVER = tuple(dict.fromkeys((*chain.from_iterable(_KINDS), *sorted(languages.MANIFESTS))))
"""Names in lower case; `*` stands for anything. Only hidden ones and `_FOLDERS` are about folders, too."""
SCRIPTS = ("*.sh", "*.bash", "*.zsh", "*.ps1", "*.bat", "*.cmd")
"""Not served either, unless the site's folder was named by its owner."""
_SUFFIX = re.compile(r"\*\.\w+")
_PACKED = r"(?:\.(?:gz|bz2|xz|zst|br|zip|7z|rar|tar|tgz|txt|bak|old|orig|save|\d+))*"


def withheld(*, is_named: bool) -> tuple[str, ...]:
    """What of a site is not served. `is_named`: its owner said which folder is the site."""
    return NEVER if is_named else (*NEVER, *SCRIPTS)


def expression(names: tuple[str, ...]) -> str:
    """A regular expression that finds such a name, also packed or copied aside, in a path that begins with a slash."""
    files = [name for name in names if name not in (*_HIDDEN, *_FOLDERS)]
    suffixes = sorted(name[2:] for name in files if _SUFFIX.fullmatch(name))
    others = [_translated(name) for name in files if not _SUFFIX.fullmatch(name)]
    ends = rf"[^/]*\.(?:{'|'.join(map(re.escape, suffixes))})"
    hidden = rf"\.(?!{re.escape(WELL_KNOWN[1:])}(?:/|$))[^/]*"
    return rf"(?i)/(?:(?:{hidden}|{'|'.join(_FOLDERS)})(?:/|$)|(?:{ends}|{'|'.join(others)}){_PACKED}~?$)"


HIDDEN_IGNORED = f"**/.*\n!**/{WELL_KNOWN}\n"
"""Lines of a `.dockerignore` for hidden files. They stand before the site's own: what those leave out stays out."""


def ignore_lines(names: tuple[str, ...]) -> str:
    """The other names as lines of a `.dockerignore`, to stand after the site's own."""
    return "".join(f"**/{_in_any_case(name)}\n" for name in names if name not in (*_HIDDEN, *_IN_NO_LINE))


def _translated(name: str) -> str:
    return "[^/]*".join(map(re.escape, name.split("*")))


def _in_any_case(name: str) -> str:
    return "".join(f"[{each.lower()}{each.upper()}]" if each.isalpha() else each for each in name)
