"""An issuer of tokens, as its owner names it: a URL that is compared letter by letter, and that is fetched from.

So it is read by one strict grammar, which leaves one spelling of it, and nothing that a library could read in another
way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slipway.core.naming import hosts
from slipway.core.naming.validation import PUBLIC_HOSTS, how_to_allow
from slipway.errors import InvalidInput

SETTING = "SLIPWAY_ISSUER_HOSTS"
LONGEST = 500
DEFAULT_PORTS = {"https": 443, "http": 80}
_URL = re.compile(
    r"(?P<scheme>https|http)://(?P<host>\[[^\]]*\]|[^@:/?#\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)"
)
_REMEDY = "give it as the tokens name it (iss), such as https://gitlab.example.org"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where something is fetched from."""

    scheme: str
    host: str
    """A name in ASCII, or an address; IPv6 without brackets."""
    port: int
    netloc: str
    """As it stands in the URL."""

    def is_listed(self, listed: tuple[str, ...]) -> bool:
        """Whether a list of `host` and `host:port` names it."""
        return hosts.is_listed(self.host, (self.port,), listed)


def parse(text: str, listed: tuple[str, ...]) -> str:
    """The issuer, if tokens of it may be accepted here. `listed` are the hosts that the settings name: only those may
    be inside this host or network, and only to those may be spoken without TLS.

    Raises:
        InvalidInput: it is no issuer, or the settings do not allow its host.
    """
    match = _URL.fullmatch(text)
    if match is None or len(text) > LONGEST:
        raise InvalidInput(f"{text[:80]!r} is no issuer's URL", remedy=_REMEDY)
    found = _address(match)
    spelled = hosts.bracketed(found.host) + (f":{match['port']}" if match["port"] else "")
    if spelled != found.netloc or match["port"] == str(DEFAULT_PORTS[found.scheme]):
        raise InvalidInput(f"{text[:80]!r} is another way to write that issuer", remedy=_REMEDY)
    require_allowed(found, listed)
    return text


def require_allowed(where: WebAddress, listed: tuple[str, ...]) -> None:
    """Whether the settings allow to fetch from there, as far as that can be said without resolving the host's name.

    Raises:
        InvalidInput: they do not.
    """
    if where.is_listed(listed):
        return
    if listed and PUBLIC_HOSTS not in listed:
        raise InvalidInput(f"issuers on {where.host} are not allowed here", remedy=f"allowed: {', '.join(listed)}")
    if where.scheme != "https":
        raise InvalidInput(
            f"{where.netloc} would be asked for its keys without TLS",
            remedy=f"use https; else {how_to_allow(where.netloc, listed, SETTING)}",
        )
    if hosts.names_inside(where.host):
        raise InvalidInput(
            f"{where.host} is an address inside this host or network",
            remedy=how_to_allow(where.netloc, listed, SETTING),
        )


_ANY_URL = re.compile(
    r"(?P<scheme>https|http)://(?P<host>\[[^\]]*\]|[^@:/?#\[\]\\\s]+)(?::(?P<port>[1-9][0-9]{0,4}))?(?:[/?][!-~]*)?"
)


def address_of(url: str) -> WebAddress:
    """Where any URL that an issuer publishes leads.

    Raises:
        InvalidInput: it is no http or https URL in ASCII, or has a part that programs read in different ways.
    """
    match = _ANY_URL.fullmatch(url)
    if match is None or "#" in url or "\\" in url:
        raise InvalidInput(f"{url[:80]!r} is no URL that can be fetched", remedy=_REMEDY)
    return _address(match)


def _address(match: re.Match[str]) -> WebAddress:
    port = int(match["port"] or DEFAULT_PORTS[match["scheme"]])
    if port > 65535:
        raise InvalidInput(f"{port} is no port", remedy=_REMEDY)
    netloc = match["host"] + (f":{match['port']}" if match["port"] else "")
    return WebAddress(match["scheme"], hosts.canonical(match["host"]), port, netloc)
