"""Whoever deletes something for good names it a second time, so that a slip in an address deletes nothing."""

from __future__ import annotations

from slipway.errors import ConfirmationRequired

HEADER = "X-Slipway-Confirm"


def require_confirmation(what: str, name: str, given: str) -> None:
    """Raises `ConfirmationRequired` unless the request's header gives the name of what it deletes."""
    if given != name:
        raise ConfirmationRequired(
            f"To delete the {what} {name} for good takes a confirmation; nothing was changed.",
            remedy=f"to confirm, send its name in the header {HEADER}: {name}",
            header=HEADER,
        )
