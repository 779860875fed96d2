"""The token with which an App speaks for itself, and how long one of an installation is used.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from __future__ import annotations

from datetime import UTC, datetime

ALGORITHM = "RS256"
CLOCK_SLACK_S = 60
"""GitHub's clock may be behind."""
LIFE_S = 540
"""GitHub takes ten minutes from `iat` on at most."""
RENEWED_BEFORE_S = 300
"""An installation's token is not handed out when it ends within this time: a fetch may take as long."""


def claims(issuer: str, now_s: int) -> dict[str, int | str]:
    return {"iss": issuer, "iat": now_s - CLOCK_SLACK_S, "exp": now_s - CLOCK_SLACK_S + LIFE_S}


def usable_until_s(expires_at: str) -> float:
    """Unix seconds until which a token is handed out.

    Raises:
        ValueError: `expires_at` is no time.
    """
    ends = datetime.fromisoformat(expires_at)
    return (ends if ends.tzinfo else ends.replace(tzinfo=UTC)).timestamp() - RENEWED_BEFORE_S
