"""The files of a site that are never served, whatever its owner sets, because no web server would serve them.

One table is used twice: for the build's ignore file, which keeps them out of the image, and for the expression with
which the site's server skips those that are in the image all the same. Upper and lower case do not matter.
"""

from __future__ import annotations

import re
from itertools import chain

from slipway.core.build import languages, program_content

WELL_KNOWN = ".well-known"
_HIDDEN = (".*",)
_COPIES = ("*~", "#*#", "*.bak", "*.backup", "*.old", "*.orig", "*.save", "*.swp", "*.swo", "*.tmp", "*.rej")
_RUN_BY_SERVERS = (
    *("*.php", "*.php3", "*.php4", "*.php5", "*.php7", "*.php8", "*.phtml", "*.phps", "*.phar", "*.inc"),
    *("*.cgi", "*.fcgi", "*.pl", "*.psgi", "*.wsgi", "*.asp", "*.aspx", "*.ashx", "*.asmx", "*.jsp", "*.jspx"),
    *("*.ascx", "*.asax", "*.cfm", "*.cfc", "*.cshtml", "*.vbhtml", "*.razor", "web.config"),
    *(f"*{suffix}" for suffix in languages.RENDERED_BY_SERVERS),
)
_COMPILED = ("*.pyc", "*.pyo", "*.class", "*.war", "*.o", "*.so")
_DATA = (
    *("*.sql", "*.sqlite", "*.sqlite3", "*.db", "*.mdb", "*.dump", "*.rdb", "*.ldif", "*.log"),
    *(f"*.{kind}-{part}" for kind in ("db", "sqlite", "sqlite3") for part in ("wal", "shm", "journal")),
    *("error_log", "access_log"),
    *("backup*.zip", "backup*.tgz", "backup*.tar", "backup*.tar.*"),
)
_CONFIGURATION = (
    *("*.ini", "*.conf", "*.cfg", "*.hcl", "database.yml", "database.yaml", "config.yml", "config.yaml", "caddyfile"),
    *("appsettings*.json", "local.settings.json", "application*.properties", "bootstrap.properties"),
    *("application.yml", "application.yaml", "application-*.yml", "application-*.yaml", "parameters.yml"),
)
_SECRETS = (
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.jks", "*.keystore", "*.ppk", "*.kdbx", "*.ovpn"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.env", "*.htpasswd", "htpasswd", "kubeconfig"),
    *("secret.json", "secrets.json", "secrets.yml", "secrets.yaml", "secrets.toml", "secrets.xml"),
    *("credentials.json", "credentials.yml", "credentials.yaml", "credentials.csv", "*credentials.json"),
    *("service-account*.json", "service_account*.json", "serviceaccount*.json", "client_secret*.json"),
    *("*-firebase-adminsdk-*.json", "secret.yml", "secret.yaml", "secrets.*.json", "secrets.*.yml", "secrets.*.yaml"),
    *("*vault*.yml", "*vault*.yaml", "*.tfstate", "*.tfstate.backup", "*.tfvars", "*.tfvars.json", "*.tfplan"),
    *("*.secret", "*.secrets", "*.agekey", "*.pgpass", "_netrc", "credentials"),
)
_FOLDERS = ("node_modules", "bower_components", "__pycache__")
_TOOLS = (
    *(
        "slipway.toml",
        "procfile",
        "dockerfile",
        "*.dockerfile",
        "containerfile",
        "docker-bake.json",
        "*.tf",
        "bower.json",
    ),
    *("docker-compose*.yml", "docker-compose*.yaml", "compose.yml", "compose.yaml", "compose.*.yml", "compose.*.yaml"),
    *("makefile", "vagrantfile", "jenkinsfile", "justfile", "tiltfile", "earthfile", "taskfile.yml", "taskfile.yaml"),
    "rakefile",
    *("netlify.toml", "fly.toml", "wrangler.toml", "wrangler.json", "wrangler.jsonc", "vercel.json", "firebase.json"),
    *("serverless.yml", "serverless.yaml", "serverless.json", "samconfig.toml", "app.yaml", "app.yml", "render.yaml"),
    *("heroku.yml", "railway.toml", "railway.json", "nixpacks.toml", "captain-definition", "helmfile.yaml"),
    *("kustomization.yml", "kustomization.yaml", "skaffold.yaml", "pulumi.yaml", "pulumi.*.yaml", "cloudbuild.yaml"),
    *("buildspec.yml", "appspec.yml", "bitbucket-pipelines.yml", "azure-pipelines.yml", "*.prisma"),
    *sorted(program_content.TOOLS),
)
_VARIANTS = re.compile(
    rf"(?:procfile|jenkinsfile|caddyfile)[._-](?!(?:[^/]*\.)?(?:{'|'.join(languages.PAGE_SUFFIXES)})$)[^/]+"
)
"""Such as `Procfile.dev`. No line of an ignore file matches them without matching `procfile.html`."""
_MANIFESTS = sorted(languages.MANIFESTS)
_IN_NO_LINE = tuple(
    name for name in (*_TOOLS, *_CONFIGURATION, "credentials", *_MANIFESTS) if re.fullmatch(r"\w+", name)
)
"""Files whose names a folder of pages may have. An ignore file would match the folder as well; the server does not."""
_KINDS = (_HIDDEN, _FOLDERS, _COPIES, _RUN_BY_SERVERS, _COMPILED, _DATA, _CONFIGURATION, _SECRETS, _TOOLS)
NEVER = tuple(dict.fromkeys((*chain.from_iterable(_KINDS), *_MANIFESTS)))
"""Names in lower case; `*` matches anything. Only hidden names and `_FOLDERS` match folders as well."""
SCRIPTS = ("*.sh", "*.bash", "*.zsh", "*.ps1", "*.bat", "*.cmd")
"""Not served either, unless the owner has named the site's folder."""
_SUFFIX = re.compile(r"\*\.\w+")
_PACKED = r"(?:\.(?:gz|bz2|xz|zst|br|zip|7z|rar|tar|tgz|txt|bak|old|orig|save|\d+))*"


def withheld(*, is_named: bool) -> tuple[str, ...]:
    """The names that are not served. `is_named`: the owner has named the folder of the site."""
    return NEVER if is_named else (*NEVER, *SCRIPTS)


def expression(names: tuple[str, ...]) -> str:
    """A regular expression that finds such a name, also of a packed or backed-up file, in a path that begins with a
    slash."""
    files = [name for name in names if name not in (*_HIDDEN, *_FOLDERS)]
    suffixes = sorted(name[2:] for name in files if _SUFFIX.fullmatch(name))
    others = [_translated(name) for name in files if not _SUFFIX.fullmatch(name)]
    others += [languages.DOCKERFILE_VARIANT.pattern, _VARIANTS.pattern]
    ends = rf"[^/]*\.(?:{'|'.join(map(re.escape, suffixes))})"
    hidden = rf"\.(?!{re.escape(WELL_KNOWN[1:])}(?:/|$))[^/]*"
    return rf"(?i)/(?:(?:{hidden}|{'|'.join(_FOLDERS)})(?:/|$)|(?:{ends}|{'|'.join(others)}){_PACKED}~?$)"


HIDDEN_IGNORED = f"**/.*\n!**/{WELL_KNOWN}\n"
"""Lines of `.dockerignore` for hidden files, to be placed before the site's own lines."""


def ignore_lines(names: tuple[str, ...]) -> str:
    """The other names as lines of `.dockerignore`, to be placed after the site's own lines."""
    return "".join(f"**/{_in_any_case(name)}\n" for name in names if name not in (*_HIDDEN, *_IN_NO_LINE))


def _translated(name: str) -> str:
    return "[^/]*".join(map(re.escape, name.split("*")))


def _in_any_case(name: str) -> str:
    return "".join(f"[{each.lower()}{each.upper()}]" if each.isalpha() else each for each in name)
