"""What people call an image."""

from __future__ import annotations

from typing import Protocol

from slipway.core.text import amounts

_IMAGE = "image"


class _Deployed(Protocol):
    app: str
    release: int
    digest: str
    commit_sha: str
    source: str | None
    """Of its deployment; None: that is gone."""
    ref: str | None


def image_label(row: _Deployed) -> str:
    """The name that it was pulled by; of one that was built its app, release and version: `shop v3 9f3c1e2`."""
    if row.source == _IMAGE and row.ref:
        return row.ref
    return f"{row.app} v{row.release} {amounts.version(row.commit_sha, row.digest)}"
