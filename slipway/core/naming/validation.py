"""What names, addresses and paths may look like. Validated once, here, before anything is stored or run.

Each function returns the canonical form or raises `InvalidInput` with the rule and how to fix it.
"""

from __future__ import annotations

import re

from slipway.core.build import image_names
from slipway.core.naming import hosts, public_suffixes, repository_address
from slipway.errors import InvalidInput

_SLUG = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_STAGE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PATH = re.compile(r"[A-Za-z0-9._@+ -]+(?:/[A-Za-z0-9._@+ -]+)*")
_VOLUME_PATH = re.compile(r"(?:/[A-Za-z0-9._@+-]+)+")
_VOLUME_PATH_MAX = 250
_HOST_MAX = 253
_KERNELS_OWN = ("/proc", "/sys", "/dev")
_SYSTEM_FOLDERS = frozenset(
    {"/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/run", "/sbin", "/tmp", "/usr", "/var"}  # noqa: S108
)
_RUNTIMES_FILES = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"})
_RESERVED_ENV = frozenset({"PORT"})
_RESERVED_NAMES = frozenset({"slipway", "www", "api", "console", "webhooks"})
NULL_SHA = "0" * 40
PUBLIC_HOSTS = "public"
"""In a list of allowed hosts: every host with a public address."""
_REPOSITORIES = ("repositories", "SLIPWAY_GIT_HOSTS")
_REGISTRIES = ("images", "SLIPWAY_REGISTRIES")


def slug(text: str, what: str = "name") -> str:
    """A tenant's, app's, process's or environment's name: also a DNS label."""
    if not _SLUG.fullmatch(text) or "--" in text:
        raise InvalidInput(
            f"{text!r} can't be {_article(what)} {what}",
            remedy="use 1 to 40 lower-case letters, digits and single dashes, a letter first and no dash last",
        )
    return text


def stage_name(text: str) -> str:
    """A stage of a Dockerfile as BuildKit takes it for a target: by its name alone, in any case."""
    if not _STAGE.fullmatch(text):
        raise InvalidInput(
            f"{text!r} can't name a stage of a Dockerfile",
            remedy="use the name after AS in the Dockerfile: a letter, then letters, digits, _, . and -",
        )
    return text


def app_name(text: str) -> str:
    if is_reserved(text):
        raise InvalidInput(f"{text!r} is kept for the platform itself", remedy="choose another name")
    return slug(text, "app's name")


def commit_sha(text: str) -> str:
    if not _SHA.fullmatch(text):
        raise InvalidInput(f"{text[:80]!r} is not a full commit id", remedy="give all 40 hexadecimal digits")
    return text


def branch(text: str) -> str:
    """A branch's name under git's own rules (git-check-ref-format), unicode and slashes included."""
    bad = (
        not text
        or len(text.encode(errors="surrogatepass")) > 250
        or text.startswith(("-", "/", "."))
        or text.endswith(("/", ".", ".lock"))
        or any(part.startswith(".") or part.endswith(".lock") or not part for part in text.split("/"))
        or ".." in text
        or "@{" in text
        or text == "@"
        or any(
            ord(letter) < 33 or ord(letter) == 127 or letter in " ~^:?*[\\" or "\ud800" <= letter <= "\udfff"
            for letter in text
        )
    )
    if bad:
        raise InvalidInput(f"{text[:80]!r} can't be a branch's name", remedy="give the branch as git shows it: main")
    return text


def repository_url(text: str, allowed_hosts: tuple[str, ...] = ()) -> str:
    """A clone URL: https, http or ssh (also git@host:path), written anew from its parts. No credentials inside.

    `allowed_hosts` (each `host` or `host:port`) narrows the hosts. Empty, or with `public` among them, it allows every
    host whose address is not written out as a private, loopback or link-local one; what a name leads to is looked at
    when it is connected to.
    """
    address = repository_address.parse(text)
    if not address.is_listed(allowed_hosts):
        require_repository_host(address.host, address.netloc, allowed_hosts)
    return address.url


def require_repository_host(host: str, netloc: str, allowed_hosts: tuple[str, ...]) -> None:
    """Whether what belongs to a repository may be fetched from a host that the list does not name.

    Raises:
        InvalidInput: it may not.
    """
    _require_public(host, netloc, allowed_hosts, _REPOSITORIES)


def repository_identity(url: str) -> str:
    """`host/owner/name`, lower case: the same for every way to write one repository's address."""
    return repository_address.identity_of(url)


def host_name(text: str) -> str:
    """A host name in the one form by which it is routed: lower case, ASCII (IDNA 2008), no dot at the end. Letters that
    stand for others (full-width ones, other dots) become those first, as in browsers (UTS 46)."""
    import idna  # noqa: PLC0415 - takes 2 MB, and few processes need it

    try:
        mapped = idna.uts46_remap(text.strip(), std3_rules=False, transitional=False)
    except UnicodeError:
        mapped = ""
    host = hosts.ascii_name(mapped)
    if not host:
        raise InvalidInput(f"{text[:80]!r} is not a host name", remedy="give it as app.example.org")
    return host


def domain(text: str) -> str:
    """A host name that an app may be reached by: one that somebody can own, so no address, no single label, and nothing
    below which everybody registers names (publicsuffix.org)."""
    if _is_address(text.strip().strip("[]")):
        raise _is_no_domain(text, "is an address")
    host = host_name(text)
    if _is_address(host):
        raise _is_no_domain(text, "is an address, however it is written")
    if "." not in host:
        raise _is_no_domain(text, "is a single label")
    if public_suffixes.is_public(host):
        raise _is_no_domain(text, "is a public suffix, below which everybody may register names")
    return host


def domain_or_wildcard(text: str) -> str:
    """A domain, or `*.` before one: every name one label below it that is no host of its own."""
    rest = text.strip().removeprefix("*.")
    if rest == text.strip():
        return domain(text)
    host = f"*.{domain(rest)}"
    if len(host) > _HOST_MAX:
        raise InvalidInput(f"{text[:80]!r} is not a host name", remedy="give it as *.example.org")
    return host


def host_or_wildcard(text: str) -> str:
    """The form of a host that may be there: also one that no app would get as its domain."""
    rest = text.strip().removeprefix("*.")
    return f"{'*.' if rest != text.strip() else ''}{host_name(rest)}"


def _is_address(text: str) -> bool:
    return hosts.address_of(text) is not None or hosts.is_other_spelling(text.lower().rstrip("."))


def _is_no_domain(text: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"{text.strip()[:80]} {why}, and an app needs a name of its own", remedy="give it as app.example.org"
    )


def is_reserved(name: str) -> bool:
    """Names that the platform keeps for itself, for apps and as hosts under its domain."""
    return name in _RESERVED_NAMES


def url_path(text: str) -> str:
    """A path on an app, such as its health path."""
    if not text.startswith("/") or len(text) > 1024 or re.search(r"[\s\x00-\x1f\x7f\\#]", text):
        raise InvalidInput(f"{text[:80]!r} is not a path", remedy="begin with / and leave out spaces: /health")
    return text


def repository_path(text: str, what: str = "path") -> str:
    """A path inside a repository, relative, without `..`; `.` is the root."""
    path = text.strip().strip("/")
    if path in ("", "."):
        return "."
    if not _PATH.fullmatch(path) or ".." in path.split("/") or path.startswith("-"):
        raise InvalidInput(f"{text[:80]!r} can't be the {what}", remedy="give a path inside the repository")
    return path


def volume_path(text: str) -> str:
    """Where a volume may be mounted: an absolute path, none that the system or the container runtime needs."""
    path = text.rstrip("/")
    parts = path.split("/")
    if not _VOLUME_PATH.fullmatch(path) or len(path) > _VOLUME_PATH_MAX or {".", ".."} & set(parts):
        raise InvalidInput(
            f"{text[:80]!r} is not a path for a volume",
            remedy="give an absolute one of letters, digits and . _ @ + -, without . or .. as a part: /data",
        )
    kernels = any(path == each or path.startswith(f"{each}/") for each in _KERNELS_OWN)
    if kernels or path in _SYSTEM_FOLDERS | _RUNTIMES_FILES:
        raise InvalidInput(f"{path} belongs to the system", remedy="mount the volume elsewhere, such as /data")
    return path


def variable_name(text: str) -> str:
    if not _ENV.fullmatch(text):
        raise InvalidInput(f"{text[:80]!r} can't be a variable's name", remedy="letters, digits and _, no digit first")
    if text in _RESERVED_ENV:
        raise InvalidInput(f"{text} is set by Slipway", remedy="set the port with: slipway apps set port=…")
    return text


def image_name(text: str, allowed_registries: tuple[str, ...] = ()) -> str:
    """An image of a registry, by tag or digest. `allowed_registries` narrows the hosts, as for repositories."""
    name = image_names.parse(text)
    if name.is_own:
        raise InvalidInput(
            f"{text[:80]} is a name of images that were built here", remedy="name an image of a registry"
        )
    if name.registry == image_names.DOCKER_HUB and name.name != name.name.lower():
        raise InvalidInput(f"{text[:80]!r} is not an image's name", remedy="write it in lower case")
    host, port = image_names.host_and_port(name.registry)
    if not hosts.is_listed(host, (port,), allowed_registries):
        _require_public(host, name.registry, allowed_registries, _REGISTRIES)
    return text


def registry_credential(text: str) -> str:
    """`user:password`, on one line."""
    user, _, password = text.strip().partition(":")
    if not user or not password or not text.strip().isprintable():
        raise InvalidInput("a registry's credential is user:password", remedy="one line with both: user:password")
    return text.strip()


def _require_public(host: str, netloc: str, allowed: tuple[str, ...], what: tuple[str, str]) -> None:
    """For a host that the list does not name. `what` is fetched there, and the setting that allows it."""
    if allowed and PUBLIC_HOSTS not in allowed:
        raise InvalidInput(f"{what[0]} on {host} are not allowed here", remedy=f"allowed: {', '.join(allowed)}")
    if hosts.names_inside(host):
        raise InvalidInput(
            f"{host} is an address inside this host or network",
            remedy=how_to_allow(netloc, allowed, what[1]),
        )


def how_to_allow(netloc: str, allowed: tuple[str, ...], setting: str) -> str:
    """What the host's owner does, where what is inside the host or its network is to be fetched from."""
    hosts = ",".join((*(allowed or (PUBLIC_HOSTS,)), netloc))
    return f"the host's owner allows it: {setting}={hosts} in .env, then make up"


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"
