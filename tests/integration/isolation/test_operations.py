"""Every operation of the API's document, called by umbrella's people and programs on acme's things: nothing is found,
nothing is changed, and no answer has a word of acme's in it."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from werkzeug.test import TestResponse

from tests.integration.isolation.conftest import Rig
from tests.integration.isolation.operations import (
    EVENTS,
    OF_ALL_TENANTS,
    Operation,
    on_our_things,
    on_their_things,
    operations,
    own_stream,
)
from tests.integration.isolation.tenants import CANARY, NUMBERS, OURS

HIDDEN = (CANARY, str(NUMBERS)[:6])
"""The beginnings of acme's texts, and of its numbers."""
OF_THINGS = [each for each in operations() if each.parameters("path")]
OF_FILES = {"get_backup_content"}
"""What is in a file, which no row has: nothing is planted there."""
READING = [
    each
    for each in OF_THINGS
    if each.method == "GET" and each.name not in OF_ALL_TENANTS | OF_FILES and "200" in each.document["responses"]
]
ADMINISTRATOR = "session of a platform-admin"
WITHOUT_TEXTS = {"get_container_stats", "get_branch_head", "get_app_usage"}
"""Numbers, and what the agent says. What was used is planted of an app that has other numbers: `get_usage` shows it."""
each_operation = pytest.mark.parametrize("operation", operations(), ids=lambda each: each.name)


def leaks(answer: TestResponse, sent_before: Collection[str]) -> bool:
    """Whether the answer has something of acme's in it that no request has brought."""
    return leaks_in(f"{answer.text}\n{answer.headers}", sent_before)


def leaks_in(said: str, sent_before: Collection[str]) -> bool:
    for sent in sorted(sent_before, key=len, reverse=True):
        said = said.replace(sent, "")
    return any(canary in said for canary in HIDDEN)


@pytest.mark.parametrize("operation", OF_THINGS, ids=lambda each: each.name)
def test_nobody_finds_another_tenants_things(rig: Rig, operation: Operation) -> None:
    before, tried = rig.rows_of_acme(), 0
    for attempt in on_their_things(operation, rig.tenants):
        for who, caller in rig.callers.items():
            if who == ADMINISTRATOR and operation.name in OF_ALL_TENANTS:
                continue
            answer = caller.call(operation.method, attempt.path, attempt.body, **attempt.headers)
            if attempt.names_theirs:
                refusal = (401,) if who == "nothing" else (403, 404)
                assert answer.status_code in refusal, (who, attempt, answer.text)
            assert not leaks(answer, attempt.sent), (who, attempt, answer.text, answer.headers)
            tried += 1
    assert tried, operation.path
    assert rig.rows_of_acme() == before


@pytest.mark.parametrize("operation", READING, ids=lambda each: each.name)
def test_its_own_tenant_sees_what_is_hidden_from_others(rig: Rig, operation: Operation) -> None:
    """Otherwise the tests above would look for what nobody is shown."""
    theirs = (each.path for each in on_their_things(operation, rig.tenants) if each.names_theirs)
    answers = (rig.acme().call("GET", path) for path in theirs)
    shown = next((each for each in answers if each.status_code == 200), None)
    assert shown is not None, "no path of which every part is theirs"
    assert operation.name in WITHOUT_TEXTS or leaks(shown, ())


@pytest.mark.parametrize("operation", [each for each in READING if each.streams], ids=lambda each: each.name)
def test_an_own_stream_carries_the_own_tenants_lines(rig: Rig, operation: Operation) -> None:
    attempt = own_stream(operation, rig.tenants)
    answer = rig.callers["token of viewer"].call("GET", attempt.path, Accept=EVENTS)
    assert answer.content_type.startswith(EVENTS), answer.text
    events = (chunk.decode() for chunk in answer.iter_encoded())
    first = next(event for event in events if "data:" in event)
    answer.close()
    assert OURS in first
    assert not leaks_in(f"{first}\n{answer.headers}", ())


@each_operation
def test_an_own_request_shows_nothing_of_another_tenant(rig: Rig, operation: Operation) -> None:
    """Neither by the names that both have given, nor by what of acme is in a query or in a body."""
    before = rig.rows_of_acme()
    who = "token of owner" if operation.name in OF_ALL_TENANTS else ADMINISTRATOR
    caller, sent = rig.callers[who], set[str]()
    for attempt in on_our_things(operation, rig.tenants):
        answer = caller.call(operation.method, attempt.path, attempt.body, **attempt.headers)
        assert answer.status_code < 500, (attempt, answer.text)
        sent.update(attempt.sent)
        assert not leaks(answer, sent), (attempt, answer.text, answer.headers)
    assert rig.rows_of_acme() == before
