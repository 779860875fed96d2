"""Facts about an image from the Engine's description of it, whether it was built here or pulled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.ports.building import ImageFacts


def facts_of(inspected: Mapping[str, Any]) -> ImageFacts:
    """From the Engine's description of an image."""
    config = inspected.get("Config") or {}
    return ImageFacts(
        digest=inspected["Id"],
        exposed_port=_first_port(config.get("ExposedPorts") or {}),
        user=config.get("User") or "",
        size_bytes=int(inspected.get("Size") or 0),
    )


def _first_port(exposed: Mapping[str, object]) -> int | None:
    """The lowest TCP port that the image exposes (Docker keeps them in no order)."""
    ports = [int(port.partition("/")[0]) for port in exposed if port.endswith("/tcp") or "/" not in port]
    return min(ports, default=None)
