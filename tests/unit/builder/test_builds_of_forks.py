"""Builds of a fork's preview share nothing with the tenant's other builds."""

from __future__ import annotations

from slipway.db import Database
from slipway.models import App, Preview, now
from slipway.ports.building import BuildSpec
from tests.fixtures.rows import add_app
from tests.unit.builder.conftest import Rig

PARENTS = "refs/heads/main"


def previewed(db: Database, tenant_id: int, parent_id: int, *, number: int, is_fork: bool) -> App:
    app = add_app(db, tenant_id, f"pr-{number}-hello", is_preview=True)
    with db.write(tenant_id=tenant_id) as session:
        session.add(
            Preview(
                tenant_id=tenant_id,
                parent_id=parent_id,
                app_id=app.id,
                number=number,
                branch="cart",
                ref=PARENTS,
                head="1" * 40,
                is_fork=is_fork,
                expires_at=now(),
                key=f"{number:032x}",
            )
        )
    return app


def built(rig: Rig, app_id: int) -> BuildSpec:
    rig.app_id = app_id
    assert rig.work(rig.push()) == "starting"
    return rig.images.built[-1]


def test_a_forks_builds_have_caches_of_their_own(rig: Rig) -> None:
    parent_id = rig.app_id
    apps = [
        previewed(rig.db, rig.tenant_id, parent_id, number=number, is_fork=is_fork)
        for number, is_fork in ((12, False), (13, True), (14, True))
    ]
    of_parent, of_own, *of_forks = [built(rig, app_id) for app_id in (parent_id, *(app.id for app in apps))]
    assert of_own.shares == of_parent.shares
    assert of_own.arguments["BUILDKIT_CACHE_MOUNT_NS"] == of_parent.arguments["BUILDKIT_CACHE_MOUNT_NS"]
    namespaces = {spec.arguments["BUILDKIT_CACHE_MOUNT_NS"] for spec in (of_parent, *of_forks)}
    assert (len(namespaces), len({spec.shares for spec in (of_parent, *of_forks)})) == (3, 3)
