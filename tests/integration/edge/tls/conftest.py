"""Edges for tests of TLS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from edge_certificates import NAMED_WORKERS, TlsRig, running_tls

from tests.fixtures.waiting import eventually

THREE_WORKERS = {"SLIPWAY_EDGE_WORKERS": "3"}


@pytest.fixture(scope="module")
def shared_tls() -> Iterator[TlsRig]:
    with running_tls(THREE_WORKERS, conf=NAMED_WORKERS) as made:
        yield made
        assert made.rig.edge.complaints == []


@pytest.fixture
def tls(shared_tls: TlsRig) -> TlsRig:
    """An edge of three workers, without any certificate but its own."""
    shared_tls.folder.clear()
    eventually(lambda: shared_tls.metric("certificates") == 1 and shared_tls.metric("certificate_index_read") == 1)
    shared_tls.faults.clear()
    return shared_tls


@pytest.fixture
def new_tls() -> Iterator[TlsRig]:
    """The same, for a test which kills it, or wants no index to have been there."""
    with running_tls(THREE_WORKERS, conf=NAMED_WORKERS) as made:
        yield made
        assert made.rig.edge.complaints == []
