"""What was used, for charts and exports: of an app and of a tenant, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from slipway.core.usage.flat_rows import COLUMNS
from slipway.domain.usage import folding
from slipway.models import UsageGap, UsageMinute, UsageSubject
from tests.fakes import FakeEdge, FakeUsageStream
from tests.fixtures.api import Api, Caller
from tests.fixtures.rows import add_app

OK = [0, 3, 0, 1, 0, 100, 900, 40]


@pytest.fixture
def edge(api: Api, owner: Caller, stranger: Caller) -> FakeEdge:
    """It reported on `hello` of acme, and of `hello` of another tenant."""
    ours = add_app(api.services.db, api.tenant_id(), "hello")
    theirs = add_app(api.services.db, api.tenant_id("umbrella"), "hello")
    made, stream = FakeEdge(boot="6000000000abcd"), FakeUsageStream()
    made.sequence = 2
    stream.add(made.record(time.time(), {ours.id: OK, theirs.id: [7] * 8, 0: [9] * 8}))
    folding.fold(api.services.db, stream.entries, time.time())
    return made


def usage(caller: Caller, path: str = "/api/usage", **query: Any) -> Any:
    return caller.get(f"{path}?{urlencode(query)}")


def test_what_an_app_used(edge: FakeEdge, viewer: Caller) -> None:
    found = usage(viewer, "/api/apps/hello/usage", step="minute")
    [series] = found["series"]
    [point] = series["points"]
    assert (point["requests"], point["by_class"]["4xx"], point["bytes_in"], point["duration_ms"]) == (4, 1, 100, 40)
    assert (point["latency_ms"], point["memory_bytes"], point["cpu_s"]) == (None, None, 0)
    assert found["from"] < point["at"] < found["to"]
    assert [(gap["kind"], gap["records"]) for gap in found["gaps"]] == [("lost", 2)]


def test_what_all_apps_of_a_tenant_used(edge: FakeEdge, viewer: Caller) -> None:
    [series] = usage(viewer, by="app")["series"]
    assert (series["app"], series["points"][0]["requests"]) == ("hello", 4)


@pytest.mark.parametrize("step", ["minute", "hour", "day"])
def test_each_step_says_the_same(edge: FakeEdge, viewer: Caller, step: str) -> None:
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    [series] = usage(viewer, step=step, **{"from": since})["series"]
    assert sum(point["requests"] for point in series["points"]) == 4


def test_another_tenants_app_is_not_found(edge: FakeEdge, api: Api, viewer: Caller) -> None:
    add_app(api.services.db, api.tenant_id("umbrella"), "secret")
    assert viewer.problem(404, "GET", "/api/apps/secret/usage")["code"] == "not-found"


def test_csv_has_a_row_for_each_point_and_no_formula(edge: FakeEdge, api: Api, viewer: Caller) -> None:
    minute, tenant_id = int(time.time() // 60), api.tenant_id()
    with api.services.db.write(platform="a test's image") as session:
        values = {"app_id": 77, "app_created_ms": 1, "app_name": "é-shop", "image_name": "=cmd|' /C calc'!A0"}
        row = UsageSubject(tenant_id=tenant_id, **values)
        session.add(row)
        session.flush()
        session.add(UsageMinute(minute=minute, subject_id=row.id, tenant_id=tenant_id, requests_2xx=5))
    answer = viewer.call("GET", "/api/usage?format=csv&by=replica&step=minute")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8"), newline="")))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["app"], row["image_name"], row["requests"]) for row in rows] == [
        ("hello", "", "4"),
        ("é-shop", "'=cmd|' /C calc'!A0", "5"),
    ]


def test_json_lines_have_the_same_rows(edge: FakeEdge, viewer: Caller) -> None:
    answer = viewer.call("GET", "/api/apps/hello/usage?format=jsonl")
    [row] = [json.loads(line) for line in answer.text.splitlines()]
    assert (row["requests"], row["requests_4xx"], row["latency_p95_ms"]) == (4, 1, None)
    assert list(row) == list(COLUMNS)


@pytest.mark.parametrize(
    "query",
    [
        *("step=second", "by=tenant", "from=yesterday", "from=2026-01-01", "to=2026-01-01T00:00:00", "x=1"),
        *("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=0001-01-01T00:00:00Z&step=minute"),
        *("to=9999-12-31T23:59:59Z&from=9999-12-31T00:00:00Z", "to=-72422", "to=1900000000"),
    ],
)
def test_what_can_not_be_asked_is_refused(viewer: Caller, query: str) -> None:
    for path in ("/api/usage", "/api/usage?format=csv"):
        assert viewer.problem(422, "GET", f"{path}{'&' if '?' in path else '?'}{query}")["code"]


def test_a_format_that_there_is_not_is_refused(viewer: Caller) -> None:
    assert "csv" in viewer.problem(422, "GET", "/api/usage?format=xml")["detail"]


def test_a_year_is_read(edge: FakeEdge, viewer: Caller) -> None:
    since = (datetime.now(UTC) - timedelta(days=390)).isoformat()
    found = usage(viewer, **{"from": since})
    assert (found["step"], len(found["series"])) == ("day", 1)


def test_gaps_outside_of_the_period_are_not_shown(edge: FakeEdge, api: Api, viewer: Caller) -> None:
    with api.services.db.write(platform="a test's gap") as session:
        values = {"edge": "edge-1", "boot": "b", "kind": "lost", "first_sequence": 1, "last_sequence": 1}
        session.add(UsageGap(**values, from_s=1000, to_s=1001))
    assert len(usage(viewer, step="minute")["gaps"]) == 1
