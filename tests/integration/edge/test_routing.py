"""Which host goes where, and what the edge itself answers."""

from __future__ import annotations

from edge_publisher import target


def test_a_host_reaches_its_app(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))

    assert rig.edge.ask("shop.localhost", "/x?y=1").json["backend"] == "one"
    assert app.record.requests[0].path == "/x?y=1"
