from __future__ import annotations

import pytest

from slipway.core.dns.answers import Caa, Outcome
from slipway.core.dns.caa import CAA_FORBIDS, CAA_UNKNOWN_TAG, Asked, caa_findings
from tests.unit.core.dns.answering import caa, nothing

ACCOUNT = "https://ca.example/acct/7"
ASKED = Asked(("ca.example", "other-name.example"), "http-01", ACCOUNT)


def issue(value: str, tag: str = "issue", flags: int = 0) -> Caa:
    return Caa(flags, tag, value)


@pytest.mark.parametrize(
    "records",
    [
        [issue("ca.example")],
        [issue("CA.Example")],
        [issue(" ca.example ; ")],
        [issue("nobody.example"), issue("other-name.example")],
        [issue("mailto:x@y.example", "iodef")],
        [issue("ca.example", "ISSUE")],
        [issue("nobody.example", "issuewild")],
        [issue(f"ca.example; accounturi={ACCOUNT}")],
        [issue("ca.example; validationmethods=dns-01,http-01")],
        [issue(f"ca.example;  validationmethods = http-01 ; accounturi={ACCOUNT}")],
        [issue("ca.example; policy=ev")],
        [issue("x", "tbs-unknown")],
        [issue("x", "tbs", 1)],
    ],
)
def test_these_records_let_the_authority_issue(records: list[Caa]) -> None:
    assert caa_findings("shop.example", caa(*records), ASKED) == ()


@pytest.mark.parametrize(
    "records",
    [
        [issue("nobody.example")],
        [issue(";")],
        [issue("")],
        [issue("ca.example.evil.example")],
        [issue("ca.example, nobody.example")],
        [issue("ca.example; ???")],
        [issue("ca.example; a=b c")],
        [issue("a=" * 2000)],
        [issue("ca.example;" + "a=" * 2000 + "\x01")],
    ],
)
def test_these_records_forbid_it(records: list[Caa]) -> None:
    finding = caa_findings("shop.example", caa(*records), ASKED)[0]
    assert finding.code == CAA_FORBIDS
    assert 'type CAA, name shop.example, value 0 issue "ca.example"' in finding.remedy


@pytest.mark.parametrize(
    ("value", "why", "to_set"),
    [
        (
            "accounturi=https://ca.example/acct/8",
            f"accounturi (our account there is {ACCOUNT})",
            f"accounturi={ACCOUNT}",
        ),
        (f"accounturi={ACCOUNT}; accounturi=https://ca.example/acct/8", "accounturi (our", f"accounturi={ACCOUNT}"),
        ("validationmethods=dns-01", "validationmethods (ours is http-01)", "validationmethods=dns-01,http-01"),
        ("validationmethods=http-01x", "validationmethods (ours is http-01)", "validationmethods=http-01x,http-01"),
        ("validationmethods=dns-01; validationmethods=http-01", "(ours is http-01)", "validationmethods=http-01"),
        (
            "policy=ev; accounturi=x:y; validationmethods=tls-alpn-01",
            f"accounturi (our account there is {ACCOUNT}) and validationmethods (ours is http-01)",
            f"policy=ev; accounturi={ACCOUNT}; validationmethods=tls-alpn-01,http-01",
        ),
    ],
)
def test_what_forbids_our_account_or_method_is_said_with_the_record_to_set(value: str, why: str, to_set: str) -> None:
    records = (issue("nobody.example"), issue(f"ca.example; {value}"))
    finding = caa_findings("shop.example", caa(*records), ASKED)[0]
    assert finding.code == CAA_FORBIDS
    assert why in finding.detail
    assert finding.set_records[0].value == f'0 issue "ca.example; {to_set}"'
    assert "change it to" in finding.remedy
    allowed = issue(finding.set_records[0].value.removeprefix('0 issue "').removesuffix('"'))
    assert caa_findings("shop.example", caa(allowed), ASKED) == ()


def test_a_wildcard_is_judged_by_issuewild_alone_where_there_is_one() -> None:
    records = (issue("ca.example"), issue("nobody.example", "issuewild"))
    assert caa_findings("shop.example", caa(*records), ASKED) == ()
    finding = caa_findings("*.shop.example", caa(*records), ASKED)[0]
    assert finding.set_records[0].value == '0 issuewild "ca.example"'
    assert caa_findings("*.shop.example", caa(issue("nobody.example"), issue("ca.example", "issuewild")), ASKED) == ()
    assert caa_findings("*.shop.example", caa(issue("nobody.example")), ASKED)[0].code == CAA_FORBIDS


def test_a_critical_tag_that_nobody_knows_forbids_everybody() -> None:
    finding = caa_findings("shop.example", caa(issue("ca.example"), issue("x", "tbs", 128)), ASKED)[0]
    assert finding.code == CAA_UNKNOWN_TAG
    assert "remove" in finding.remedy


def test_records_of_the_name_above_are_named_as_such() -> None:
    finding = caa_findings("a.shop.example", caa(issue("nobody.example"), holder="example"), ASKED)[0]
    assert "a CAA record of example does not let" in finding.detail
    assert finding.set_records[0].name == "example"


def test_without_records_everybody_may_issue() -> None:
    assert caa_findings("shop.example", nothing("CAA"), ASKED) == ()
    assert caa_findings("shop.example", nothing("CAA", Outcome.NO_SUCH_NAME), ASKED) == ()


@pytest.mark.parametrize("outcome", [Outcome.SERVER_FAILED, Outcome.BOGUS, Outcome.TIMED_OUT])
def test_records_that_nobody_can_look_up_forbid(outcome: Outcome) -> None:
    assert caa_findings("shop.example", nothing("CAA", outcome), ASKED)[0].code == f"dns-{outcome}"


def test_an_authority_without_names_judges_by_itself() -> None:
    assert caa_findings("shop.example", caa(issue("nobody.example")), Asked((), "http-01")) == ()


def test_an_account_that_is_not_there_yet_does_not_match_a_named_one() -> None:
    asked = Asked(("ca.example",), "http-01")
    finding = caa_findings("shop.example", caa(issue(f"ca.example; accounturi={ACCOUNT}")), asked)[0]
    assert finding.code == CAA_FORBIDS
    assert "no account there yet" in finding.detail
    assert finding.set_records[0].value == '0 issue "ca.example"'
