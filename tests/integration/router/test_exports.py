"""Tables for other programs: everything, in each format, and nothing that a spreadsheet computes."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from router.usecases.overviews import apps, containers, exports
from slipway.models import Deployment, Replica
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live
from tests.fixtures.usage_rows import add_subject, add_use

TABLES = ("apps", "containers", "deployments", "usage", "container-days")
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture
def filled(api: Api, owner: Caller) -> int:
    """An app with two replicas and what it used. The number of its deployment."""
    owner.create_app("hello")
    number = make_live(api.services.db, "hello", ready=2, message=FORMULA, pushed_by="ada")
    add_use(api.services.db, add_subject(api.services.db, "hello"), {"requests_2xx": 5})
    return number


def exported(caller: Caller, table: str, as_: str = "json", **query: Any) -> list[dict[str, Any]]:
    answer = caller.call("GET", f"/api/exports/{table}?{urlencode({'format': as_, **query})}")
    assert answer.status_code == 200, answer.text
    assert f'filename="slipway-{table}.{as_}"' in answer.headers["Content-Disposition"]
    text = answer.data.decode("utf-8")
    answer.close()
    if as_ == "csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    return [json.loads(line) for line in text.splitlines()] if as_ == "jsonl" else json.loads(text)


@pytest.mark.parametrize("table", TABLES)
def test_each_format_has_the_same_rows(filled: int, viewer: Caller, table: str) -> None:
    as_json, lines, as_csv = (exported(viewer, table, each) for each in ("json", "jsonl", "csv"))
    assert as_json
    assert as_json == lines
    assert [list(row) for row in as_csv] == [list(row) for row in as_json]
    assert [next(iter(row.values())) for row in as_csv] == [str(next(iter(row.values()))) for row in as_json]


@pytest.mark.parametrize("table", TABLES[:4])
def test_nothing_of_another_tenant_is_exported(filled: int, stranger: Caller, table: str) -> None:
    assert exported(stranger, table) == []
    assert exported(stranger, table, "csv") == []


def test_days_count_the_own_containers_alone(filled: int, viewer: Caller, stranger: Caller) -> None:
    assert [row["created"] for row in exported(viewer, "container-days")] == [0, 0, 0, 0, 0, 0, 2]
    assert {row["created"] for row in exported(stranger, "container-days")} == {0}


def test_csv_has_no_formula_and_json_has_the_text(filled: int, viewer: Caller) -> None:
    assert exported(viewer, "deployments")[0]["message"] == FORMULA
    for table in ("apps", "deployments"):
        assert exported(viewer, table, "csv")[0]["message"] == f"'{FORMULA}"


def test_what_is_asked_for_is_exported_and_no_more(filled: int, api: Api, owner: Caller, viewer: Caller) -> None:
    owner.create_app("other")
    make_live(api.services.db, "other")
    with api.services.db.write(platform="a test's history") as session:
        session.get_one(Deployment, filled).created_at = datetime.now(UTC) - timedelta(days=3)
        session.get_one(Replica, "r-1-1-1").state = "crashed"
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert [row["app"] for row in exported(viewer, "deployments")] == ["other", "hello"]
    assert [row["app"] for row in exported(viewer, "deployments", **{"from": since})] == ["other"]
    assert [row["app"] for row in exported(viewer, "deployments", to=since)] == ["hello"]
    assert [row["app"] for row in exported(viewer, "deployments", app="hello")] == ["hello"]
    assert [row["id"] for row in exported(viewer, "containers", state="crashed")] == ["r-1-1-1"]
    assert [row["app"] for row in exported(viewer, "apps", q="oth")] == ["other"]
    assert [row["requests"] for row in exported(viewer, "usage", by="app", app="hello", step="minute")] == [5]


def test_a_table_has_more_rows_than_one_transaction_reads(
    filled: int, api: Api, viewer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        make_live(api.services.db, "hello", ready=2)
    for module, name in ((exports, "AT_ONCE"), (containers, "_AT_ONCE"), (apps, "_AT_ONCE")):
        monkeypatch.setattr(module, name, 2)
    assert [row["id"] for row in exported(viewer, "deployments")] == list(range(filled + 4, filled - 1, -1))
    assert len(exported(viewer, "containers")) == 10


def test_an_empty_table_has_its_headings(viewer: Caller) -> None:
    assert viewer.call("GET", "/api/exports/apps").text.startswith("app,state,")
    assert exported(viewer, "apps") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("deployments?app=none", 404),
        ("usage?app=none", 404),
        ("usage?format=xml", 422),
        ("usage?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", 422),
        ("container-days?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", 422),
        ("container-days?from=1970-01-01T00:00:00Z", 422),
        ("containers?from=2026-02-01T00:00:00Z", 422),
    ],
)
def test_what_can_not_be_had_is_a_problem_and_no_file(filled: int, viewer: Caller, query: str, status: int) -> None:
    assert viewer.problem(status, "GET", f"/api/exports/{query}")["detail"]
