"""What a promotion brings from one app to another: an image that serves, and what its commit says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class PromotedImage:
    """Written down when it is asked for: the app that it comes from may deploy something else, or be deleted, before a
    worker gets to it."""

    app: str
    """Where it served."""
    release: int
    """As number of that app."""
    digest: str
    """`sha256:…`, its id on this host."""
    builder: str
    file_settings: dict[str, Any]
    """slipway.toml of its commit."""
    processes: dict[str, Any]
    """The Procfile of its commit."""

    @property
    def name(self) -> str:
        """`staging v12`."""
        return f"{self.app} v{self.release}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        return cls(**values)
