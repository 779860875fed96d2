"""Would the authority find us? What the name's addresses answered when they were asked for a token of our own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from slipway.core.certificates.failures import Failure
from slipway.core.dns.answers import Finding
from slipway.core.naming.hosts import Address


class Reply(StrEnum):
    OURS = "ours"
    """The token's answer, so that this address leads to an edge of ours."""
    REDIRECT = "redirect"
    """It leads on: a proxy that may pass the authority's request."""
    OTHER = "other"
    """Something else, so another server has the address."""
    NONE = "none"
    """No connection, or no response in time."""
    NOT_ASKED = "not-asked"
    """The address is inside this host or its network, and not ours."""


NO_ANSWER, OTHER_ANSWER = "no-answer", "other-answer"


def reachable(
    name: str,
    port: int,
    replies: Mapping[Address, Reply],
    pointing: Finding | None,
    translated: Collection[Address] = (),
) -> Finding | None:
    """What keeps the authority from reaching us; None: it would. `pointing` is what the addresses alone say.

    What was answered counts for more: a name may lead here through a proxy or a translating router.
    The `translated` addresses are ours, and a router holds them: many don't let this host reach itself through them, so
    that silence there says nothing.
    """
    if replies and all(reply in (Reply.OURS, Reply.REDIRECT) for reply in replies.values()):
        return None
    if pointing is not None:
        return pointing
    other = [address for address, reply in replies.items() if reply is Reply.OTHER]
    if other:
        return _other(name, port, other)
    silent = [address for address, reply in replies.items() if reply is Reply.NONE and address not in translated]
    return _silent(name, port, silent) if silent else None


def failure_of(finding: Finding) -> Failure:
    return Failure(finding.code, finding.detail, finding.remedy, own_check=True)


def _other(name: str, port: int, addresses: list[Address]) -> Finding:
    listed = ", ".join(map(str, addresses))
    return Finding(
        OTHER_ANSWER,
        f"http://{name}:{port}/.well-known/acme-challenge/ is answered by something else at {listed}",
        f"have port {port} of {listed} lead to this installation's edge: nothing else may answer below that path",
    )


def _silent(name: str, port: int, addresses: list[Address]) -> Finding:
    listed = ", ".join(map(str, addresses))
    return Finding(
        NO_ANSWER,
        f"nothing answers at port {port} of {listed}, where the authority will ask for {name}",
        f"open port {port} to the internet (firewall, security group), and have the edge listen there",
    )
