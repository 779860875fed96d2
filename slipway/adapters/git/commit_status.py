"""Commit statuses: what GitHub shows beside a commit. They tell, they decide nothing: a failure is logged, no more."""

from __future__ import annotations

import logging
import re
import threading
from typing import Literal
from urllib.parse import urlsplit

from slipway.core.naming import validation

log = logging.getLogger(__name__)

CONTEXT = "slipway"
TIMEOUT_S = 10.0
StatusState = Literal["pending", "success", "failure", "error"]
_OWNER_AND_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


class CommitStatuses:
    """Sends statuses to the API at `api` with `token`; with an empty token, none."""

    def __init__(self, api: str, token: str) -> None:
        self._api = api.rstrip("/")
        self._token = token
        self._sending: list[threading.Thread] = []

    def send(
        self, repository: str, sha: str, state: StatusState, *, tenant: str, app: str, description: str, target_url: str
    ) -> None:
        """Send one status, in the background. Its context names the tenant, too: several may deploy a repository, and a
        status replaces the one before of the same context."""
        name = self._repository(repository)
        if not self._token or not name or not sha:
            return
        body = {
            "state": state,
            "context": f"{CONTEXT}/{tenant}/{app}",
            "description": description[:140],
            "target_url": target_url,
        }
        self._sending = [each for each in self._sending if each.is_alive()]
        before = self._sending[-1] if self._sending else None
        thread = threading.Thread(target=self._post, args=(name, sha, body, before), name="commit status", daemon=True)
        self._sending.append(thread)
        thread.start()

    def settle(self) -> None:
        """Wait until everything is sent, or given up."""
        for thread in self._sending:
            thread.join(TIMEOUT_S)

    def _repository(self, url: str) -> str | None:
        """`owner/name` where the API belongs to the repository's host, so that no token goes to another."""
        host, _, path = validation.repository_identity(url).partition("/")
        api_host = urlsplit(self._api).netloc.lower()
        belongs = api_host in (host, f"api.{host}")
        return path if belongs and _OWNER_AND_NAME.fullmatch(path) else None

    def _post(self, name: str, sha: str, body: dict[str, str], before: threading.Thread | None) -> None:
        import httpx  # noqa: PLC0415 - only here, and only where statuses are sent

        if before:
            before.join(TIMEOUT_S)  # in order: the last one sent is the one that is shown
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/vnd.github+json"}
        try:
            answer = httpx.post(
                f"{self._api}/repos/{name}/statuses/{sha}", json=body, headers=headers, timeout=TIMEOUT_S
            )
        except httpx.HTTPError as error:
            log.warning("commit status not sent", extra={"repository": name, "why": type(error).__name__})
            return
        if answer.is_error:
            log.warning("commit status refused", extra={"repository": name, "status": answer.status_code})
