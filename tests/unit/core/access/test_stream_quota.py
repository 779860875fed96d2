"""Who may open one more stream."""

from __future__ import annotations

import pytest

from slipway.core.access.stream_quota import Bound, StreamQuota, reached_bound

QUOTA = StreamQuota(total=40, per_tenant=10)


@pytest.mark.parametrize(
    ("total", "of_tenant", "of_token", "bound"),
    [
        (0, 0, 0, None),
        (9, 9, 4, None),
        (10, 10, 0, Bound.TENANT),
        (5, 5, 5, Bound.TOKEN),
        (29, 2, 0, None),
        (30, 2, 0, Bound.HOST),
        (30, 1, 1, None),
        (39, 0, 0, None),
        (40, 0, 0, Bound.HOST),
    ],
)
def test_what_forbids_one_more(total: int, of_tenant: int, of_token: int, bound: Bound | None) -> None:
    assert reached_bound(QUOTA, total=total, of_tenant=of_tenant, of_token=of_token) is bound


def test_a_token_may_have_half_and_at_least_one() -> None:
    assert (QUOTA.per_token, StreamQuota(total=1, per_tenant=1).per_token) == (5, 1)
