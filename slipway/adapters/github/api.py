"""Calls of GitHub's REST API, each bounded in time and in what is read of the answer.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from slipway.errors import DependencyUnavailable, GitHubRefused

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
ALL_TIMEOUT_S = 20.0
"""A timeout of HTTP is of one read: this one is of the whole answer."""
MOST_BYTES = 4 << 20
VERSION = "2022-11-28"
_ASKS_TO_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_FIELDS = "application/x-www-form-urlencoded"


class GitHubApi:
    """`url` is the API's address, which the host's owner sets."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def call(self, method: str, path: str, token: str, document: Any = None, **query: str | int) -> Any:
        """The answer's JSON value; None of an answer without a body. A redirect is a refusal.

        Raises:
            DependencyUnavailable: GitHub does not answer, or asks to try again later.
            GitHubRefused: it answers, and does not do it.
        """
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }
        return exchange(method, self.url + path, headers=headers, json=document, params=query or None)

    def convert(self, code: str) -> Any:
        """What was registered from a manifest: the code is the proof, so no token goes with it.

        Raises:
            DependencyUnavailable, GitHubRefused: as `call`.
        """
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
        return exchange("POST", f"{self.url}/app-manifests/{code}/conversions", headers=headers)


def post_form(url: str, values: Mapping[str, str]) -> Any:
    """GitHub's OAuth addresses take forms, and answer JSON where it is asked for. Raises as `GitHubApi.call`."""
    return exchange("POST", url, headers={"Accept": "application/json", "Content-Type": _FIELDS}, data=dict(values))


def exchange(method: str, url: str, **request: Any) -> Any:
    """Raises as `GitHubApi.call`."""
    import httpx  # noqa: PLC0415 - only where there is an App

    try:
        with httpx.stream(method, url, timeout=TIMEOUT_S, follow_redirects=False, **request) as answer:
            content = _content(answer, time.monotonic() + ALL_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise DependencyUnavailable(f"GitHub does not answer: {type(error).__name__}.", remedy="try again") from error
    document = _document(content)
    if answer.is_success:
        return document
    said = document.get("message") if isinstance(document, dict) else None
    if answer.is_server_error or _asks_to_try_again(answer):
        raise DependencyUnavailable(
            f"GitHub asks to try again later: HTTP {answer.status_code}.", remedy="try again in a minute"
        )
    raise GitHubRefused(f"GitHub refuses it: HTTP {answer.status_code}{_sentence(said)}", answered=answer.status_code)


def _asks_to_try_again(answer: httpx.Response) -> bool:
    """Limits of calls are answered with 403 or 429, and one of these headers."""
    is_limit = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status_code in _ASKS_TO_TRY_AGAIN or (answer.status_code == HTTPStatus.FORBIDDEN and is_limit)


def _content(answer: httpx.Response, until: float) -> bytes:
    content = b""
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > MOST_BYTES or time.monotonic() > until:
            raise DependencyUnavailable("GitHub's answer is too long, or takes too long.", remedy="try again")
    return content


def _document(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def _sentence(said: object) -> str:
    return f", “{said[:300]}”" if isinstance(said, str) and said else ""
