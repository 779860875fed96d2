"""Long calls take a bounded share of the threads, and no answer holds one for ever."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import cast

import pytest
from flask import Response

from router import call_quota
from router.app import WRITE_TIMEOUT_S, create_app
from router.call_quota import CallQuota
from router.services import Services
from slipway.errors import NotFound, Overloaded, TooManyCalls
from tests.fixtures.identity.principals import token_of


def answer(quota: CallQuota, tenant_id: int, *lines: str) -> Response:
    return quota.text(token_of(tenant_id), lambda: iter(lines))


def test_one_tenant_has_some_places_and_all_together_have_more() -> None:
    quota = CallQuota(total=3, per_tenant=2, what="log")
    first, _second = answer(quota, 1, "a\n"), answer(quota, 1)
    with pytest.raises(TooManyCalls, match="t1 reads 2 logs already") as refused:
        answer(quota, 1)
    assert (refused.value.status, refused.value.details["retry_after_s"]) == (429, 5)
    answer(quota, 2)
    with pytest.raises(Overloaded, match="3 logs are read on this host"):
        answer(quota, 3)
    assert first.get_data(as_text=True) == "a\n"
    first.close()
    answer(quota, 3)


def test_some_terminals_are_left_for_tenants_that_have_few() -> None:
    quota = call_quota.of_terminals()
    for tenant_id in (1, 2, 3):
        for _ in range(quota.per_tenant):
            quota.enter(token_of(tenant_id))
    for tenant_id in (4, 5, 6, 7):
        quota.enter(token_of(tenant_id))
        quota.enter(token_of(tenant_id))
    with pytest.raises(Overloaded):
        quota.enter(token_of(8))
    quota.leave(token_of(1))
    with pytest.raises(Overloaded):
        quota.enter(token_of(4))
    quota.enter(token_of(8))


def test_a_place_is_free_again_when_the_answer_can_not_be_made() -> None:
    quota = CallQuota(total=1, per_tenant=1, what="log")

    def lines() -> Iterator[str]:
        raise NotFound("no such app")

    for _ in range(2):
        with pytest.raises(NotFound):
            quota.text(token_of(1), lines)
        with pytest.raises(NotFound), quota.place(token_of(1)):
            raise NotFound("no such app")


@pytest.mark.parametrize(("threads", "total", "of_tenant"), [(8, 6, 2), (1, 1, 1), (2, 1, 1), (12, 10, 4)])
def test_texts_leave_threads_for_other_calls(threads: int, total: int, of_tenant: int) -> None:
    quota = call_quota.of_texts(threads)
    assert (quota.total, quota.per_tenant) == (total, of_tenant)


def test_many_lines_are_written_together() -> None:
    pieces = list(answer(CallQuota(1, 1, "log"), 1, *["0123456789\n"] * 20_000).response)
    assert len(pieces) < 10
    assert sum(map(len, pieces)) == 220_000


def test_a_text_that_is_read_too_slowly_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_quota, "TEXT_LIFETIME_S", -1.0)
    response = answer(CallQuota(1, 1, "log"), 1, *["x" * 70_000] * 3)
    with pytest.raises(TimeoutError):
        response.get_data()


@pytest.mark.parametrize("path", ["/healthz", "/api/apps", "/nowhere"])
def test_a_client_that_takes_nothing_is_cut_off_whatever_it_asked_for(path: str) -> None:
    app = create_app(cast("Services", None))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        app.test_client().get(path, environ_overrides={"gunicorn.socket": ours})
        assert ours.gettimeout() == WRITE_TIMEOUT_S
