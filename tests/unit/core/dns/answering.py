"""Answers of the domain name system, as tests write them."""

from __future__ import annotations

from slipway.core.dns.answers import Answer, Caa, Outcome


def found(kind: str, *values: str, aliases: tuple[str, ...] = ()) -> Answer:
    return Answer("shop.example", kind, Outcome.FOUND, values, aliases=aliases)


def nothing(kind: str, outcome: Outcome = Outcome.NO_SUCH_TYPE, aliases: tuple[str, ...] = ()) -> Answer:
    return Answer("shop.example", kind, outcome, aliases=aliases)


def caa(*records: Caa, holder: str = "shop.example") -> Answer:
    return Answer("shop.example", "CAA", Outcome.FOUND, caa=records, holder=holder)
