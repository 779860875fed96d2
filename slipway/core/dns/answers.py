"""Answers of the domain name system as plain values, and what is said of them to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How a question ended."""

    FOUND = "found"
    NO_SUCH_NAME = "no-such-name"
    """The name does not exist (NXDOMAIN)."""
    NO_SUCH_TYPE = "no-such-type"
    """The name exists, and has no record of this type."""
    SERVER_FAILED = "server-failed"
    """The servers of the name answer with an error (SERVFAIL, REFUSED, …)."""
    BOGUS = "bogus"
    """The resolver says that the signatures (DNSSEC) are wrong or missing."""
    TIMED_OUT = "timed-out"

    @property
    def is_known(self) -> bool:
        """Whether the question was answered, be it that there is nothing."""
        return self in (Outcome.FOUND, Outcome.NO_SUCH_NAME, Outcome.NO_SUCH_TYPE)


@dataclass(frozen=True, slots=True)
class Caa:
    """One record that says who may issue certificates (RFC 8659)."""

    flags: int
    tag: str
    value: str

    @property
    def is_critical(self) -> bool:
        return bool(self.flags & 0x80)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to one question."""

    name: str
    type: str
    outcome: Outcome
    values: tuple[str, ...] = ()
    """Addresses, names without their last dot, or texts."""
    caa: tuple[Caa, ...] = ()
    aliases: tuple[str, ...] = ()
    """The names that CNAME records led to, in their order."""
    holder: str = ""
    """Of CAA: the name at which the records were found, the asked one or one above it."""
    detail: str = ""
    """What the resolver said of a failure."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be set at the DNS provider: its type, its whole name, its value."""

    type: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"type {self.type}, name {self.name}, value {self.value}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What keeps a name from working, and what to do about it."""

    code: str
    """Stable, for programs."""
    detail: str
    remedy: str
    set_records: tuple[Record, ...] = ()
    remove_records: tuple[Record, ...] = ()
    passes: bool = field(default=False)
    """Whether it may end by itself, so that trying again later is right: a server did not answer."""


_WHY_UNKNOWN = {
    Outcome.SERVER_FAILED: "the name servers of the domain answer with an error",
    Outcome.BOGUS: "the domain's signatures (DNSSEC) are wrong",
    Outcome.TIMED_OUT: "no name server answered in time",
}
_REMEDY_UNKNOWN = {
    Outcome.SERVER_FAILED: "look at the domain's name servers (NS records) at your registrar; it is tried again",
    Outcome.BOGUS: "renew the DS record at your registrar, or remove it to switch DNSSEC off; it is tried again",
    Outcome.TIMED_OUT: "nothing, unless it stays so: then look at the domain's name servers at your registrar",
}


def unanswered(answer: Answer) -> Finding:
    """Of a question that nobody answered: an authority would get no answer either."""
    said = f" ({answer.detail})" if answer.detail else ""
    return Finding(
        f"dns-{answer.outcome}",
        f"{answer.type} records of {answer.name} can't be looked up: {_WHY_UNKNOWN[answer.outcome]}{said}",
        _REMEDY_UNKNOWN[answer.outcome],
        passes=True,
    )
