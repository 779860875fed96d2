from __future__ import annotations

import pytest

from slipway.core.usage import fields
from slipway.core.usage.fields import FIELDS, LATENCY, LATENCY_BOUNDS_MS
from slipway.models import UsageDay, UsageHour, UsageMinute


def test_peaks_are_compared_and_all_others_added() -> None:
    parts = [{"cpu_us": 5, "memory_peak_bytes": 3}, {"cpu_us": 1, "memory_peak_bytes": 9}, {"memory_peak_bytes": 4}]
    assert fields.total(parts) == {"cpu_us": 6, "memory_peak_bytes": 9}


@pytest.mark.parametrize("model", [UsageMinute, UsageHour, UsageDay])
def test_every_field_is_a_column(model: type) -> None:
    columns = [each.name for each in model.__table__.columns if each.name in set(FIELDS)]  # type: ignore[attr-defined]
    assert columns == list(FIELDS)


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ({}, 0.5, None),
        ({3: 10}, 0.5, 3.75),
        ({1: 50, 4: 50}, 0.5, 1.0),
        ({1: 50, 4: 50}, 0.75, 7.5),
        ({1: 99, 15: 1}, 0.5, 50 / 99),
        ({1: 1, 15: 99}, 0.99, 30000.0),
    ],
)
def test_a_share_of_requests_lies_within_its_bounds(counts: dict[int, int], share: float, expected: object) -> None:
    found = fields.latency_ms({LATENCY[number - 1]: count for number, count in counts.items()}, share)
    assert found == (expected if expected is None else pytest.approx(expected))
    assert len(LATENCY) == len(LATENCY_BOUNDS_MS) + 1
