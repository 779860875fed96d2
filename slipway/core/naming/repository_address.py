"""A repository's clone address, read by one strict grammar and written anew from what was read.

So whoever gets it afterwards (git, the libraries that it calls, ssh) finds no spelling that it could read in another
way. Percent-encoding stands in the path alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from slipway.core.naming import hosts
from slipway.errors import InvalidInput

DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22}
_URL = re.compile(
    r"(?P<scheme>https|http|ssh)://(?:(?P<user>[^@:/?#]*)@)?(?P<host>\[[^\]]*\]|[^@:/?#\[\]]+)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[^?#]*)"
)
_SCP = re.compile(r"(?P<user>[^@:/?#\s]+)@(?P<host>\[[^\]]*\]|[^@:/?#\[\]\s]+):(?P<path>(?!//)[^?#]+)")
"""`git@host:path`, as ssh's own copy command has it: its path is not percent-encoded."""
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_SCHEME_IN_CAPITALS = re.compile(r"(?:https?|ssh)://", re.IGNORECASE)
_CREDENTIAL = re.compile(r"(?:[a-z+.-]*://)?[^/?#]*:[^/?#]*@|(?!ssh:)[a-z+.-]+://[^/?#]*@", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NEVER_IN_A_SEGMENT = re.compile(r"[\x00-\x1f\x7f/\\]")
_PLAIN = "!$&'()*+,;=:@~"
_MAX_LENGTH = 2000
_REMEDY = "use https://host/owner/name.git or git@host:owner/name.git"


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """The parts of a clone address, each in its one spelling."""

    scheme: str
    host: str
    """A name in ASCII, or an address; IPv6 without brackets."""
    path: str
    """Begins with a slash; percent-encoded."""
    user: str = ""
    """Who logs in over ssh."""
    port: int | None = None
    """None: the scheme's own."""

    @property
    def connected_port(self) -> int:
        return self.port or DEFAULT_PORTS[self.scheme]

    @property
    def netloc(self) -> str:
        """`host` or `host:port`, as it stands in the URL."""
        return hosts.bracketed(self.host) + (f":{self.port}" if self.port else "")

    @property
    def url(self) -> str:
        return f"{self.scheme}://{f'{self.user}@' if self.user else ''}{self.netloc}{self.path}"

    @property
    def identity(self) -> str:
        """`host/owner/name`, lower case: the same for every way to write one repository's address."""
        is_usual = self.scheme == "ssh" or self.connected_port == DEFAULT_PORTS[self.scheme]
        port = "" if is_usual else f":{self.port}"  # where ssh listens says nothing about the repository
        return f"{self.host}{port}/{self.path.strip('/').removesuffix('.git').lower()}"

    def is_listed(self, listed: tuple[str, ...]) -> bool:
        """Whether a list of `host` and `host:port` names this one's host."""
        return hosts.is_listed(self.host, (self.port, self.connected_port), listed)


def parse(text: str) -> RepositoryAddress:
    """A clone address over https, http or ssh; also `git@host:path`.

    Raises:
        InvalidInput: it is none, or holds a credential.
    """
    text = text.strip()
    if holds_credential(text):
        raise InvalidInput("the address holds a credential", remedy="give it apart: --credential-file FILE")
    match = _URL.fullmatch(text) or _SCP.fullmatch(text)
    if not match or len(text) > _MAX_LENGTH:
        raise _not_an_address(text)
    parts = match.groupdict()
    is_scp = "scheme" not in parts
    return RepositoryAddress(
        scheme=parts.get("scheme", "ssh"),
        host=hosts.canonical(parts["host"]),
        path=_path(text, parts["path"].lstrip("/") if is_scp else parts["path"][1:], is_encoded=not is_scp),
        user=_user(text, parts["user"]),
        port=_port(text, parts.get("port")),
    )


def holds_credential(text: str) -> bool:
    """Whether something like `user:password@`, or a token before the host of a web address, stands in it."""
    return _CREDENTIAL.match(text) is not None


def identity_of(text: str) -> str:
    """The identity of what a working copy calls its remote, with a credential or not; the text itself when it is no
    address (a folder's path).
    """
    without_credential = re.sub(r"^(https?://)[^/?#]*@", r"\1", text.strip())
    try:
        return parse(without_credential).identity
    except InvalidInput:
        return without_credential.rpartition("@")[2]


def _user(text: str, user: str | None) -> str:
    if user is None:
        return ""
    if not _USER.fullmatch(user):
        raise _not_an_address(text)
    return user


def _port(text: str, port: str | None) -> int | None:
    if port is None:
        return None
    if int(port) > 65535:
        raise _not_an_address(text)
    return int(port)


def _path(text: str, path: str, *, is_encoded: bool) -> str:
    """Segments between single slashes, each encoded in one way."""
    segments = path.split("/")
    named = segments[:-1] if segments[-1] == "" else segments
    if not named or (is_encoded and _BAD_ESCAPE.search(path)) or any(letter.isspace() for letter in path):
        raise _not_an_address(text)
    return "/" + "/".join(_segment(text, segment, is_encoded) for segment in named) + "/" * (segments[-1] == "")


def _segment(text: str, segment: str, is_encoded: bool) -> str:
    try:
        decoded = (unquote_to_bytes(segment) if is_encoded else segment.encode()).decode()
    except UnicodeError:
        raise _not_an_address(text) from None
    if decoded in ("", ".", "..") or _NEVER_IN_A_SEGMENT.search(decoded):
        raise _not_an_address(text)
    return quote(decoded, safe=_PLAIN)


def _not_an_address(text: str) -> InvalidInput:
    shown = text[:200]
    if _SCHEME_IN_CAPITALS.match(shown) and not shown.startswith(("https://", "http://", "ssh://")):
        scheme, rest = shown.split("://", 1)
        return InvalidInput(f"{shown!r} has a scheme in capitals", remedy=f"write it as {scheme.lower()}://{rest}")
    return InvalidInput(f"{shown!r} is not a repository's address", remedy=_REMEDY)
