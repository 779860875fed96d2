"""What it means when no certificate was issued: a reason that stays, a sentence, and what to do.

Error types are those of RFC 8555, section 6.7, without their prefix.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_PREFIX = "urn:ietf:params:acme:error:"
_SERVERS_FAULT = 500


@dataclass(frozen=True, slots=True)
class FailedName:
    """A name that the authority did not accept as ours, and what it said."""

    name: str
    type: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reported:
    """How an attempt ended that issued nothing, as the authority and the program reported it."""

    type: str = ""
    detail: str = ""
    status: int = 0
    """Of the authority's last answer that was an error; 0: there was none."""
    retry_after_s: float | None = None
    failed: tuple[FailedName, ...] = ()
    unreachable: bool = False
    """No connection to the authority, or none that can be trusted."""
    disk_full: bool = False
    timed_out: bool = False
    output: str = ""
    """The end of what the program printed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """`reason` is stable and part of the API. `needs_hand`: no attempt follows by itself."""

    reason: str
    detail: str
    remedy: str = ""
    retry_after_s: float | None = None
    needs_hand: bool = False
    failed_names: tuple[str, ...] = field(default=())
    own_check: bool = False
    """Found by ourselves, before any authority was asked."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    reason: str
    remedy: str
    needs_hand: bool = False


_LATER = "nothing to do: it is tried again by itself"
_UNAUTHORIZED = _Meaning(
    "authorization-failed",
    "the authority reached another server, or none of ours: see what the name's A and AAAA records say",
)
_NO_CONNECTION = _Meaning("unreachable", "open port 80 of this server to the internet, for IPv4 and, with AAAA, IPv6")
_DNS = _Meaning(
    "dns-failed", "see at the DNS provider that the name's servers answer, with valid DNSSEC where it is on"
)
_ACCOUNT = _Meaning(
    "account-refused", "the authority refuses the account: see SLIPWAY_ACME_DIRECTORY and SLIPWAY_ACME_EMAIL", True
)
_ORDER = _Meaning("order-failed", _LATER)
_DOWN = _Meaning("authority-down", _LATER)
_OF_TYPE: dict[str, _Meaning] = {
    "accountDoesNotExist": _ACCOUNT,
    "badCSR": _Meaning("order-failed", "the authority refuses the request: see the log of the certificates' worker"),
    "badNonce": _Meaning("bad-nonce", _LATER),
    "caa": _Meaning("caa-forbids", 'add a CAA record that names the authority, such as 0 issue "letsencrypt.org"'),
    "compound": _ORDER,
    "connection": _NO_CONNECTION,
    "dns": _DNS,
    "externalAccountRequired": _ACCOUNT,
    "incorrectResponse": _UNAUTHORIZED,
    "invalidContact": _Meaning("account-refused", "SLIPWAY_ACME_EMAIL is no address that the authority takes", True),
    "malformed": _ORDER,
    "orderNotReady": _ORDER,
    "rateLimited": _Meaning("rate-limited", "nothing to do: it is asked again once the authority's limit allows it"),
    "rejectedIdentifier": _Meaning("rejected-name", "the authority's policy excludes the name: choose another", True),
    "serverInternal": _DOWN,
    "tls": _NO_CONNECTION,
    "unauthorized": _UNAUTHORIZED,
    "unsupportedIdentifier": _Meaning("rejected-name", "the authority does not certify such names", True),
    "userActionRequired": _Meaning("account-refused", "the authority wants its terms agreed to anew", True),
}


def explain(reported: Reported) -> Failure:
    """What a report means. A name's own failure says more than what the order then came to."""
    if reported.disk_full:
        return Failure("disk-full", "The disk is full: nothing could be written.", "free space on this host's disk")
    if reported.failed:
        return _of_names(reported)
    if reported.timed_out:
        return Failure("timed-out", "The authority took too long; the attempt was ended.", _LATER)
    if reported.unreachable or reported.status >= _SERVERS_FAULT:
        return Failure("authority-down", reported.detail or "The authority does not answer.", _LATER)
    meaning = _OF_TYPE.get(reported.type.removeprefix(_PREFIX))
    if meaning is None:
        why = reported.detail or reported.output or "The attempt ended without a reason."
        return Failure("attempt-failed", why, "see the log of the certificates' worker", reported.retry_after_s)
    return Failure(meaning.reason, reported.detail, meaning.remedy, reported.retry_after_s, meaning.needs_hand)


def _of_names(reported: Reported) -> Failure:
    first = reported.failed[0]
    meaning = _OF_TYPE.get(first.type.removeprefix(_PREFIX), _UNAUTHORIZED)
    detail = "; ".join(f"{each.name}: {each.detail}" for each in reported.failed)
    names = tuple(each.name for each in reported.failed)
    return Failure(meaning.reason, detail, meaning.remedy, reported.retry_after_s, meaning.needs_hand, names)
