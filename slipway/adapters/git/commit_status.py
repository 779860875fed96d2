"""Commit statuses: what GitHub shows beside a commit."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

from slipway.core.naming import validation
from slipway.errors import DependencyUnavailable

log = logging.getLogger(__name__)

CONTEXT = "slipway"
TIMEOUT_S = 10.0
DESCRIPTION_CHARS = 140
StatusState = Literal["pending", "success", "failure", "error"]
_OWNER_AND_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_ASKS_TO_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """How a deployment of a commit is. Its context names the tenant and the app, because several may deploy the same
    repository, and a status replaces the one before of the same context."""

    repository: str
    commit_sha: str
    state: StatusState
    tenant: str
    app: str
    description: str
    target_url: str


class CommitStatuses:
    """Sends statuses to the API at `api` with `token`; none without a token."""

    def __init__(self, api: str, token: str) -> None:
        self._api = api.rstrip("/")
        self._token = token

    @property
    def are_sent(self) -> bool:
        return bool(self._token)

    def send(self, status: CommitStatus) -> None:
        """Send one status and wait for the answer. A status that the forge refuses is logged and given up; a repository
        of another host gets none.

        Raises:
            DependencyUnavailable: the forge does not answer, or asks to try again later.
        """
        name = self._repository(status.repository)
        if not self._token or not name:
            return
        answer = self._post(f"{self._api}/repos/{name}/statuses/{status.commit_sha}", _document(status))
        if answer is not None:
            log.warning("commit status refused", extra={"repository": name, "status": answer})

    def _repository(self, url: str) -> str | None:
        """`owner/name` where the API is that of the repository's host, so that no other host gets the token."""
        host, _, path = validation.repository_identity(url).partition("/")
        api_host = urlsplit(self._api).netloc.lower()
        belongs = api_host in (host, f"api.{host}")
        return path if belongs and _OWNER_AND_NAME.fullmatch(path) else None

    def _post(self, url: str, document: dict[str, str]) -> int | None:
        """None when the forge took it, else the status code with which it refused. The body is left unread, because the
        timeout bounds each read and not all of them."""
        import httpx  # noqa: PLC0415 - only here, and only where statuses are sent

        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/vnd.github+json"}
        try:
            with httpx.stream("POST", url, json=document, headers=headers, timeout=TIMEOUT_S) as answer:
                pass
        except httpx.HTTPError as error:
            raise DependencyUnavailable(f"The forge does not answer: {type(error).__name__}.") from error
        again = answer.status_code in _ASKS_TO_TRY_AGAIN or "retry-after" in answer.headers
        if answer.is_server_error or again:
            raise DependencyUnavailable(f"The forge asks to try again later: HTTP {answer.status_code}.")
        return answer.status_code if answer.is_error else None


def _document(status: CommitStatus) -> dict[str, str]:
    return {
        "state": status.state,
        "context": f"{CONTEXT}/{status.tenant}/{status.app}",
        "description": status.description[:DESCRIPTION_CHARS],
        "target_url": status.target_url,
    }
