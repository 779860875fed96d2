"""What became of a delivery."""

from __future__ import annotations

from enum import StrEnum


class DeliveryOutcome(StrEnum):
    DEPLOYED = "deployed"
    """It made deployments."""
    PREVIEWED = "previewed"
    """It said something new of a pull request that an app has a preview of, or is to get one."""
    IGNORED = "ignored"
    """There was nothing to deploy."""
    REFUSED = "refused"
    """It was signed, but not understood."""
