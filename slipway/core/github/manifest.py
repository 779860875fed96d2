"""The manifest that a GitHub App of this platform is made from, and what it may do.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

HOOK_PATH = "/webhooks/github-app"
REGISTERED_PATH = "/platform/github/registered"
INSTALLED_PATH = "/tenant/github/installed"


class Purpose(StrEnum):
    """What a token of an installation is for. Each gets a token of its own, which may do that alone."""

    FETCH = "fetch"
    REPORT = "report"
    COMMENT = "comment"


PERMISSIONS: Mapping[Purpose, Mapping[str, str]] = {
    Purpose.FETCH: {"contents": "read"},
    Purpose.REPORT: {"checks": "write", "deployments": "write", "statuses": "write"},
    Purpose.COMMENT: {"pull_requests": "write"},
}
OF_APP: Mapping[str, str] = {
    "metadata": "read",
    "members": "read",
    **{name: access for each in PERMISSIONS.values() for name, access in each.items()},
}
"""`members` shows that whoever connects an organization's installation administers the organization."""
EVENTS = ("push", "pull_request", "check_run", "check_suite")
"""`installation` and `installation_repositories` come unasked."""


def manifest(public_url: str, instance: str) -> dict[str, Any]:
    """`public_url` is where this platform's console is."""
    base = public_url.rstrip("/")
    return {
        "name": _name(base, instance),
        "url": base,
        "hook_attributes": {"url": base + HOOK_PATH, "active": True},
        "redirect_url": base + REGISTERED_PATH,
        "callback_urls": [base + INSTALLED_PATH],
        "request_oauth_on_install": True,
        "public": False,
        "default_permissions": dict(OF_APP),
        "default_events": list(EVENTS),
    }


_NAME_LENGTH = 34
"""GitHub's own limit; the owner can write another one on GitHub's page."""


def _name(base: str, instance: str) -> str:
    return f"{instance} {urlsplit(base).hostname}"[:_NAME_LENGTH].strip()
