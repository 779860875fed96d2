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
_ACCOUNT, _METHODS = "accounturi", "validationmethods"
_METHOD = re.compile(r"[a-z0-9-]{1,40}")
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
    parameters = _parameters(record)
    return _names_us(record, asked) and parameters is not None and not _in_the_way(parameters, asked)


def _names_us(record: Caa, asked: Asked) -> bool:
    name = _issuer(record)
    return bool(_ISSUER.fullmatch(name)) and name in {each.lower() for each in asked.identities}


def _issuer(record: Caa) -> str:
    return record.value.partition(";")[0].strip().lower()


def _parameters(record: Caa) -> list[tuple[str, str]] | None:
    """None: they can't be read, and nobody may issue."""
    parts = record.value.partition(";")[2].split(";")
    matches = [_PARAMETER.fullmatch(each.strip()) for each in parts if each.strip()]
    read = [(each[1].lower(), each[2]) for each in matches if each is not None]
    return read if len(read) == len(matches) else None


def _in_the_way(parameters: Sequence[tuple[str, str]], asked: Asked) -> list[str]:
    """Which of the tags of RFC 8657 keep us from it. One that stands there twice lets nobody issue."""
    accounts, methods = _values(parameters, _ACCOUNT), _values(parameters, _METHODS)
    return [
        *([_ACCOUNT] if accounts and accounts != [asked.account_uri] else []),
        *([_METHODS] if methods and not (len(methods) == 1 and asked.challenge in methods[0].split(",")) else []),
    ]


def _values(parameters: Sequence[tuple[str, str]], tag: str) -> list[str]:
    return [value for each, value in parameters if each == tag]


def _forbidden(name: str, answer: Answer, relevant: Sequence[Caa], asked: Asked) -> Finding:
    ours = [each for each in relevant if _names_us(each, asked)]
    issuer = _issuer(ours[0]) if ours else min(asked.identities)
    why, value = _restriction(ours[0], asked) if ours else ("", issuer)
    said = "; ".join(f'{each.flags} {each.tag} "{each.value}"' for each in ours or relevant)
    record = Record("CAA", answer.holder or name.removeprefix("*."), f'0 {relevant[0].tag.lower()} "{value}"')
    return Finding(
        CAA_FORBIDS,
        f"a CAA record of {answer.holder} does not let {issuer} issue for {name}{why}: {said}",
        f"at the DNS provider, {'change it to' if ours else 'add'}: {record}",
        (record,),
    )


def _restriction(record: Caa, asked: Asked) -> tuple[str, str]:
    """Why a record that names our authority does not let us, and the value with which it does. What else it says
    stays."""
    parameters = _parameters(record)
    if parameters is None:
        return ", since its parameters can't be read", _issuer(record)
    wrong = _in_the_way(parameters, asked)
    account = f"our account there is {asked.account_uri}" if asked.account_uri else "we have no account there yet"
    reasons = {_ACCOUNT: f"{_ACCOUNT} ({account})", _METHODS: f"{_METHODS} (ours is {asked.challenge})"}
    fixed = {_ACCOUNT: asked.account_uri, _METHODS: ",".join([*_other_methods(parameters), asked.challenge])}
    kept = [(tag, value) for tag, value in parameters if tag not in wrong]
    kept += [(tag, fixed[tag]) for tag in wrong if fixed[tag]]
    value = "; ".join([_issuer(record), *(f"{tag}={value}" for tag, value in kept)])
    return f", by its {' and '.join(reasons[tag] for tag in wrong)}", value


def _other_methods(parameters: Sequence[tuple[str, str]]) -> list[str]:
    values = _values(parameters, _METHODS)
    return [each for each in values[0].split(",") if _METHOD.fullmatch(each)] if len(values) == 1 else []


def _unknown_tag(name: str, answer: Answer, record: Caa) -> Finding:
    return Finding(
        CAA_UNKNOWN_TAG,
        f"a CAA record of {answer.holder} is critical and has a tag that nobody knows, so no authority may issue for "
        f"{name}: {record.flags} {record.tag}",
        "at the DNS provider, remove this record",
        remove_records=(Record("CAA", answer.holder, f'{record.flags} {record.tag} "{record.value}"'),),
    )
