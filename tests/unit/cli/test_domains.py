"""Adding a domain that has to be proven."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from slipway.cli.commands import domains
from slipway.cli.exit_codes import ApiProblem
from slipway.cli.invocation import Invocation
from slipway.cli.output import Output
from tests.unit.cli.api_stand_in import answering, client

RECORD = {"type": "TXT", "name": "_slipway.shop.example", "value": "slipway-domain=0123"}
MADE = {"host": "shop.example", "name": "shop.example", "redirect_to": None}
NOT_PROVEN = httpx.Response(
    409,
    json={"status": 409, "code": "domain-not-proven", "detail": "somebody uses it", "record": RECORD},
)
TAKEN = httpx.Response(409, json={"status": 409, "code": "conflict", "detail": "shop.example leads to another app"})


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(domains, "ASK_S", 0.0)

    def run(*answers: Any) -> Any:
        call = Invocation(Output(as_json=False), "shop", client(answering(answers)))
        return domains._added(call, {"host": "shop.example"})

    return run


def test_the_record_is_shown_once_and_the_host_added_when_it_is_there(
    add: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(NOT_PROVEN, NOT_PROVEN, NOT_PROVEN, httpx.Response(201, json=MADE)) == MADE
    shown = capsys.readouterr().out
    assert shown.count("slipway-domain=0123") == 1
    assert "  name   _slipway.shop.example\n" in shown


def test_another_reason_ends_the_waiting(add: Callable[..., Any]) -> None:
    with pytest.raises(ApiProblem) as refused:
        add(NOT_PROVEN, TAKEN)
    assert refused.value.document["code"] == "conflict"


def test_the_waiting_ends(add: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "PROOF_S", 0.0)
    with pytest.raises(ApiProblem) as refused:
        add(NOT_PROVEN)
    assert json.dumps(RECORD) in json.dumps(refused.value.document)
