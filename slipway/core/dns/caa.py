"""May the authority issue for a name? What CAA records say (RFC 8659), with the account and the method (RFC 8657)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from slipway.core.dns.answers import Answer, Caa, Finding, Record, unanswered

CAA_FORBIDS, CAA_UNKNOWN_TAG = "caa-forbids", "caa-unknown-tag"
_ISSUE, _ISSUE_WILD = "issue", "issuewild"
_KNOWN_TAGS = frozenset({_ISSUE, _ISSUE_WILD, "iodef", "issuemail", "contactemail", "contactphone", "issuevmc"})
_ISSUER = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_PARAMETER = re.compile(r"([a-z0-9]+)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to issue, and how. Without `identities` the authority does not say by which names CAA records may know
    it, so it alone can judge them."""

    identities: Collection[str]
    """The directory's `meta.caaIdentities`."""
    challenge: str
    """`http-01` or `dns-01`."""
    account_uri: str = ""
    """Empty: there is no account yet."""


def caa_findings(name: str, answer: Answer, asked: Asked) -> tuple[Finding, ...]:
    """What keeps the authority from issuing for a name (`*.x` is a wildcard). `answer` are the records that hold for
    it: its own, or those of the nearest name above that has some. What can't be looked up forbids, as it does at the
    authority."""
    if not answer.outcome.is_known:
        return (unanswered(answer),)
    unknown = [each for each in answer.caa if each.is_critical and each.tag.lower() not in _KNOWN_TAGS]
    if unknown:
        return (_unknown_tag(name, answer, unknown[0]),)
    relevant = _relevant(answer.caa, is_wildcard=name.startswith("*."))
    if not relevant or not asked.identities or any(_allows(each, asked) for each in relevant):
        return ()
    return (_forbidden(name, answer, relevant, asked),)


def _relevant(records: Sequence[Caa], *, is_wildcard: bool) -> list[Caa]:
    """For a wildcard `issuewild` counts alone, where there is one."""
    wild = [each for each in records if each.tag.lower() == _ISSUE_WILD]
    if is_wildcard and wild:
        return wild
    return [each for each in records if each.tag.lower() == _ISSUE]


def _allows(record: Caa, asked: Asked) -> bool:
    """By `issuer.example; tag=value; tag=value` (RFC 8659, section 4.2); an empty issuer allows nobody."""
    issuer, _, rest = record.value.partition(";")
    name = issuer.strip().lower()
    parameters = _parameters(rest)
    if not _ISSUER.fullmatch(name) or name not in {each.lower() for each in asked.identities} or parameters is None:
        return False
    accounts = [value for tag, value in parameters if tag == "accounturi"]
    methods = [value for tag, value in parameters if tag == "validationmethods"]
    if accounts and accounts != [asked.account_uri]:  # more than one: nobody may issue (RFC 8657, section 3)
        return False
    return not methods or (len(methods) == 1 and asked.challenge in methods[0].split(","))


def _parameters(text: str) -> list[tuple[str, str]] | None:
    """None: they can't be read, and nobody may issue."""
    matches = [_PARAMETER.fullmatch(each.strip()) for each in text.split(";") if each.strip()]
    read = [(each[1].lower(), each[2]) for each in matches if each is not None]
    return read if len(read) == len(matches) else None


def _forbidden(name: str, answer: Answer, relevant: Sequence[Caa], asked: Asked) -> Finding:
    issuer = min(asked.identities)
    names_it = [each for each in relevant if issuer in each.value.lower()]
    said = "; ".join(f'{each.flags} {each.tag} "{each.value}"' for each in names_it or relevant)
    record = Record("CAA", answer.holder or name.removeprefix("*."), f'0 {relevant[0].tag.lower()} "{issuer}"')
    why = ", by its account or method" if names_it else ""
    return Finding(
        CAA_FORBIDS,
        f"a CAA record of {answer.holder} does not let {issuer} issue for {name}{why}: {said}",
        f"at the DNS provider, {'change it to' if names_it else 'add'}: {record}",
        (record,),
    )


def _unknown_tag(name: str, answer: Answer, record: Caa) -> Finding:
    return Finding(
        CAA_UNKNOWN_TAG,
        f"a CAA record of {answer.holder} is critical and has a tag that nobody knows, so no authority may issue for "
        f"{name}: {record.flags} {record.tag}",
        "at the DNS provider, remove this record",
        remove_records=(Record("CAA", answer.holder, f'{record.flags} {record.tag} "{record.value}"'),),
    )
