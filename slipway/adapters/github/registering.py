"""What GitHub made of a manifest: the App with its keys, which are given once."""

from __future__ import annotations

import re
from typing import Any

from slipway.adapters.github.api import GitHubApi
from slipway.core.github.registration import Registration
from slipway.errors import GitHubRefused, InvalidInput

_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")


def register(api: str, code: str) -> tuple[Registration, str]:
    """The App and the secret of its webhook.

    Raises:
        InvalidInput: the code is none.
        DependencyUnavailable, GitHubRefused: GitHub does not answer, or does not know the code (any more).
    """
    if not _CODE.fullmatch(code):
        raise InvalidInput("the code is none of GitHub's", remedy="register the App again")
    made = GitHubApi(api).convert(code)
    try:
        registration = Registration(
            app_id=int(made["id"]),
            api=api.rstrip("/"),
            slug=_text(made, "slug"),
            client_id=_text(made, "client_id"),
            client_secret=_text(made, "client_secret"),
            key=_text(made, "pem"),
        )
        return registration, _text(made, "webhook_secret")
    except (KeyError, TypeError, ValueError) as error:
        raise GitHubRefused("GitHub answers with no App") from error


def _text(made: dict[str, Any], key: str) -> str:
    found = made[key]
    if not isinstance(found, str) or not found:
        raise ValueError(key)
    return found
