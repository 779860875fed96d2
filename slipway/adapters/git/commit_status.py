"""Commit statuses: what a forge shows beside a commit."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from slipway.adapters.git.status_apis import STATUS_APIS, CommitStatus, Document
from slipway.core.naming import repository_twins, validation
from slipway.errors import DependencyUnavailable
from slipway.settings import ForgeToken, Settings

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+")
_ASKS_TO_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_API = "api."
"""Before a forge's own name, where its API has a host of its own."""


def forge_tokens(settings: Settings) -> tuple[ForgeToken, ...]:
    """The forges that get statuses."""
    github = [ForgeToken("github", settings.github_api, settings.github_token)] if settings.github_token else []
    return (*github, *settings.forge_tokens)


class CommitStatuses:
    """Sends statuses to the forges that there are tokens for, each by the API of its kind."""

    def __init__(self, forges: Sequence[ForgeToken]) -> None:
        self._forges = tuple(forges)

    @property
    def are_sent(self) -> bool:
        return bool(self._forges)

    def send(self, status: CommitStatus) -> None:
        """Send one status and wait for the answer. A status that the forge refuses is logged and given up; a repository
        of another host gets none.

        Raises:
            DependencyUnavailable: the forge does not answer, or asks to try again later.
        """
        for forge in self._forges:
            path = path_at(forge, status.repository)
            if path:
                self._send(forge, path, status)
                return

    def _send(self, forge: ForgeToken, path: str, status: CommitStatus) -> None:
        api = STATUS_APIS[forge.kind]
        url = forge.url.rstrip("/") + api.path(path, status.commit_sha)
        refused = _post(url, dict(api.headers(forge.token)), api.document(status))
        if refused is not None:
            log.warning("commit status refused", extra={"forge": forge.url, "repository": path, "status": refused})


def path_at(forge: ForgeToken, repository: str) -> str:
    """The repository's path at the forge; empty where the forge's address is not of the repository's host, so that no
    other forge gets a status."""
    where = urlsplit(forge.url)
    host, _, path = validation.repository_identity(repository).partition("/")
    if not any(repository_twins.are_same(f"{host}/", f"{name}/") for name in _names_of(where.netloc.lower())):
        return ""
    below = where.path.strip("/").lower()
    path = path.removeprefix(f"{below}/") if below else path
    least, most = STATUS_APIS[forge.kind].segments
    segments = path.split("/")
    return path if least <= len(segments) <= most and all(map(_SEGMENT.fullmatch, segments)) else ""


def _names_of(netloc: str) -> tuple[str, ...]:
    return (netloc, netloc.removeprefix(_API))


def _post(url: str, headers: dict[str, str], document: Document) -> int | None:
    """None when the forge took it, else the status code with which it refused; a redirect is a refusal. The body is
    left unread, because the timeout bounds each read and not all of them."""
    import httpx  # noqa: PLC0415 - only here, and only where statuses are sent

    try:
        with httpx.stream("POST", url, json=document, headers=headers, timeout=TIMEOUT_S) as answer:
            pass
    except httpx.HTTPError as error:
        raise DependencyUnavailable(f"The forge does not answer: {type(error).__name__}.") from error
    again = answer.status_code in _ASKS_TO_TRY_AGAIN or "retry-after" in answer.headers
    if answer.is_server_error or again:
        raise DependencyUnavailable(f"The forge asks to try again later: HTTP {answer.status_code}.")
    return None if answer.is_success else answer.status_code
