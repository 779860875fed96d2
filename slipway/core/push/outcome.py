"""What became of a delivery."""

from __future__ import annotations

from enum import StrEnum


class DeliveryOutcome(StrEnum):
    DEPLOYED = "deployed"
    """It made deployments."""
    IGNORED = "ignored"
    """There was nothing to deploy."""
    REFUSED = "refused"
    """It was signed, but not understood."""
