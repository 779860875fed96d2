"""What was used, as the command shows it."""

from __future__ import annotations

import time

from slipway.cli.exit_codes import Exit
from slipway.domain.usage import folding
from slipway.models import App
from tests.fakes import FakeEdge, FakeUsageStream
from tests.integration.cli.rig import Platform, User


def test_what_an_app_and_a_tenant_used(platform: Platform, slipway: User, app: str) -> None:
    assert "Nothing was counted" in slipway("usage", "-a", app).err
    with platform.api.services.db.read(platform="a test looks") as session:
        number = session.query(App.id).filter_by(name=app).scalar()
    stream, edge = FakeUsageStream(), FakeEdge(sequence=1)
    stream.add(edge.record(time.time(), {number: [0, 4, 0, 0, 2, 1000, 25_000, 40]}))
    folding.fold(platform.api.services.db, stream.entries, time.time())
    done = slipway("usage", "-a", app)
    assert done.lines[0].split()[:4] == ["HOUR", "REQUESTS", "FAILED", "P95"]
    assert done.lines[1].split()[2:8] == ["6", "2", "1.0", "kB", "25.0", "kB"]
    assert "an edge's records were lost before they were read" in done.err
    by_app = slipway("usage", "--all-apps", "--by", "app")
    assert by_app.lines[0] == app
    assert slipway("usage", "-a", app, "--json").json["series"][0]["points"][0]["requests"] == 6
    table = slipway("usage", "-a", app, "--csv", "--step", "minute").out.splitlines()
    assert (table[0].split(",")[0], len(table)) == ("at", 2)
    assert "from: " in slipway("usage", "-a", app, "--from", "yesterday", code=Exit.USAGE).err
