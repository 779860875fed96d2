"""Edges for tests of TLS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from edge_certificates import TlsRig, running_tls


@pytest.fixture
def tls() -> Iterator[TlsRig]:
    """Of three workers, without any certificate but the edge's own. Faults of certificates are the tests' own."""
    with running_tls({"SLIPWAY_EDGE_WORKERS": "3"}) as made:
        yield made
        assert made.rig.edge.complaints == []
