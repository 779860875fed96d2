"""Which records of the step cache are removed with a deleted app, by the times at which builds ran."""

from __future__ import annotations

import pytest

from slipway.core.build.step_cache import MOUNTS, SOURCES, BuildRun, CacheRecord, DeletedApp, KnownRuns, records_of

SHOP, BLOG, THEIRS = 1, 2, 3
ACME, GLOBEX = 10, 20
MARGIN_S = 5.0
DELETED = DeletedApp(SHOP, ACME)


def run(app_id: int, started: float, ended: float) -> BuildRun:
    tenant_id = GLOBEX if app_id == THEIRS else ACME
    return BuildRun(f"{app_id}-{started}", app_id, tenant_id, int(started), started, ended)


RUNS = [
    run(SHOP, 100, 110),
    run(THEIRS, 200, 210),
    run(BLOG, 300, 310),
    run(SHOP, 400, 410),  # these two ran at the same time
    run(THEIRS, 400, 410),
]
KNOWN = KnownRuns(RUNS, since=50.0)


def is_removed(record: CacheRecord, known: KnownRuns = KNOWN, deleted: DeletedApp = DELETED) -> bool:
    return records_of(deleted, [record], known, margin_s=MARGIN_S) == [record]


@pytest.mark.parametrize(
    ("created", "used"),
    [
        pytest.param(105, 105, id="made and used by the app alone"),
        pytest.param(105, None, id="never used"),
        pytest.param(110 + MARGIN_S, 110 + MARGIN_S, id="noted just after its end"),
        pytest.param(405, 405, id="made while another's build ran, too"),
        pytest.param(105, 405, id="used while another's build ran, too"),
        pytest.param(150, 150, id="made while no known build ran"),
        pytest.param(20, 20, id="made before builds were written down"),
        pytest.param(150, 105, id="used by the app last"),
    ],
)
def test_what_may_be_the_apps_is_removed(created: float, used: float | None) -> None:
    assert is_removed(CacheRecord("r", "regular", created, used))


@pytest.mark.parametrize(
    ("created", "used"),
    [
        pytest.param(205, 205, id="another tenant's"),
        pytest.param(305, 305, id="another app's of the tenant"),
        pytest.param(105, 205, id="the app's, used by another one alone later: it has the same files"),
        pytest.param(205, 405, id="another's, whoever used it later"),
        pytest.param(20, 205, id="older than what is written down, and used by another"),
    ],
)
def test_what_is_known_to_be_in_use_by_others_stays(created: float, used: float) -> None:
    assert not is_removed(CacheRecord("r", "regular", created, used))


@pytest.mark.parametrize(
    ("created", "used", "removed"), [(105, 205, True), (305, 305, True), (205, 205, False), (205, 405, False)]
)
def test_a_cache_mount_goes_with_any_app_of_its_tenant(created: float, used: float, removed: bool) -> None:
    assert is_removed(CacheRecord("r", MOUNTS, created, used)) is removed


def test_sources_are_removed_elsewhere() -> None:
    assert not is_removed(CacheRecord("r", SOURCES, 105, 105))


def test_a_deleted_app_may_be_known_by_its_deployments_alone() -> None:
    by_deployment = DeletedApp(deployment_ids=frozenset({100}))
    assert is_removed(CacheRecord("r", "regular", 405, 405), deleted=by_deployment), "another run of the same app"
    assert not is_removed(CacheRecord("r", "regular", 205, 205), deleted=by_deployment)
    assert is_removed(CacheRecord("r", MOUNTS, 305, 305), deleted=by_deployment), "of the same tenant"


def test_of_a_deployment_that_nobody_knows_no_mount_is_kept() -> None:
    unknown = DeletedApp(deployment_ids=frozenset({4711}))
    assert is_removed(CacheRecord("r", MOUNTS, 205, 205), deleted=unknown)
    assert not is_removed(CacheRecord("r", "regular", 205, 205), deleted=unknown)


def test_what_is_left_out_of_the_history_may_have_made_anything_before() -> None:
    runs = [run(SHOP, 100, 110), run(THEIRS, 90, 300)]
    known = KnownRuns([*runs, run(BLOG, 400, 410)], since=50.0).newest(2)
    assert [each.app_id for each in known.runs] == [SHOP, BLOG]
    assert known.since == 305.0
    assert is_removed(CacheRecord("r", "regular", 95, 95), known, DeletedApp(THEIRS, GLOBEX))
    assert is_removed(CacheRecord("r", "regular", 105, 105), known, DeletedApp(THEIRS, GLOBEX))
