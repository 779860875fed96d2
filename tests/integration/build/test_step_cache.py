"""Deleting one app of several whose builds share the Engine's step cache."""

from __future__ import annotations

import functools
import secrets
import time
from pathlib import Path

import pytest

from slipway.adapters.buildkit import image_builder
from slipway.adapters.buildkit.build_history import BuildHistory
from slipway.core.build.step_cache import MARGIN_S, DeletedApp, records_of
from slipway.ports.building import Built
from tests.fixtures.waiting import eventually
from tests.integration.build.conftest import BASE, TENANTS, Bench

pytestmark = pytest.mark.engine

DOCKERFILE = f"""FROM {BASE} AS made
COPY notes /notes
RUN --mount=type=cache,target=/kept cp /notes /copied && cp /notes /kept/
FROM {BASE}
COPY --from=made /copied /copied
RUN cp /copied /again
"""
SHOP, BLOG, THEIRS, MEANWHILE, ANOTHER = 1, 2, 3, 4, 5
MARGIN_IN_TEST_S = 1.0


@pytest.fixture(autouse=True)
def shorter_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    """These builds are seconds apart."""
    assert MARGIN_IN_TEST_S < MARGIN_S
    monkeypatch.setattr(image_builder, "records_of", functools.partial(records_of, margin_s=MARGIN_IN_TEST_S))


def built(bench: Bench, app_id: int, tenant: str, notes: str) -> Built:
    """A build that none of the others overlaps with."""
    made = bench.build({"Dockerfile": DOCKERFILE, "notes": notes}, tenant=tenant, app_id=app_id)
    bench.docker("image", "rm", bench.image)
    ended = time.time()
    eventually(lambda: time.time() > ended + MARGIN_IN_TEST_S, every_s=0.1)
    return made


def test_deleting_an_app_removes_what_its_steps_copied_and_leaves_the_others_caches_warm(
    bench: Bench, since: Path
) -> None:
    """And what was made while two apps were built goes with either."""
    tenant, stranger = f"acme-{secrets.token_hex(3)}", f"globex-{secrets.token_hex(3)}"
    owners = {SHOP: tenant, BLOG: tenant, THEIRS: stranger, MEANWHILE: tenant}
    notes = {app_id: f"copied-{secrets.token_hex(12)}" for app_id in owners}
    for app_id in (SHOP, BLOG, THEIRS):
        built(bench, app_id, owners[app_id], notes[app_id])
    history = BuildHistory(bench.settings.state_dir / "buildkit")
    with history.running(app_id=ANOTHER, tenant_id=99, deployment_id=2, longest_s=60):
        built(bench, MEANWHILE, tenant, notes[MEANWHILE])
    assert bench.left_of(notes.values(), since) == set(notes.values())
    for app_id in (SHOP, MEANWHILE):
        bench.images.forget_steps(DeletedApp(app_id, TENANTS[tenant]))
    for app_id in (BLOG, THEIRS):
        again = built(bench, app_id, owners[app_id], notes[app_id])
        assert again.steps_cached == again.steps_total, f"app {app_id} is as quick as before"
    bench.images.forget_steps(DeletedApp(THEIRS, TENANTS[stranger]))
    assert bench.left_of(notes.values(), since) == {notes[BLOG]}
