"""Whether a push asks, by its head commit's message, not to be deployed: with the marks that forges' own CI knows, and
with one for deployments alone."""

from __future__ import annotations

import re

from slipway.core.push.payload_fields import MESSAGE_LENGTH

_MARK = re.compile(r"\[(?:(?:skip|no) (?:ci|deploy)|(?:ci|deploy) skip)\]", re.IGNORECASE)
"""https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs,
https://docs.gitlab.com/ci/pipelines/#skip-a-pipeline"""


def mark_in(message: str) -> str:
    """The first mark, as it is written, in what deliveries report of a message; empty when there is none."""
    found = _MARK.search(message, 0, MESSAGE_LENGTH)
    return found[0] if found else ""
