"""Reads and comments pull requests at the forges that there are tokens for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from slipway.adapters.git.commit_status import path_at
from slipway.adapters.git.status_apis import STATUS_APIS
from slipway.adapters.pull_requests.apis import PULL_REQUEST_APIS, PullRequestApi
from slipway.adapters.pull_requests.calls import ForgeRefused, call
from slipway.core.naming import repository_address
from slipway.core.push.pull_request import PullRequest
from slipway.errors import InvalidInput
from slipway.settings import ForgeToken

log = logging.getLogger(__name__)

PAGE_SIZE, MOST_PAGES = 30, 20
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True)
class ForgeAccess:
    """Where a repository is at its forge, and with what it is reached."""

    api: PullRequestApi
    url: str
    path: str
    """`owner/name`."""
    headers: Mapping[str, str] = field(repr=False)


class PullRequests:
    """Of the forges of these tokens, each by the API of its kind. The tokens are the host's and reach repositories of
    strangers, which anybody can name as an app's: they serve those of `owners` (`host/owner`) alone."""

    def __init__(self, forges: Sequence[ForgeToken], owners: Sequence[str]) -> None:
        self._forges = tuple(forges)
        self._owners = tuple(f"{owner}/" for owner in owners)

    def access(self, repository: str) -> ForgeAccess | None:
        """None: there is no token for the repository's forge, it takes no comments, or the owner is not listed."""
        if not repository_address.identity_of(repository).startswith(self._owners):
            return None
        for forge in self._forges:
            api = PULL_REQUEST_APIS.get(forge.kind)
            path = path_at(forge, repository) if api else ""
            if api and path:
                headers = {"Accept": "application/json", **STATUS_APIS[forge.kind].headers(forge.token)}
                return ForgeAccess(api, forge.url.rstrip("/"), path, headers)
        return None


def open_pulls(access: ForgeAccess) -> list[PullRequest]:
    """Those that are open, as far as they are understood: not necessarily all. One that is closed while the pages are
    read moves another off them.

    Raises:
        DependencyUnavailable: the forge does not answer.
        ForgeRefused: it does not say.
    """
    pages = _pages(access, access.api.pulls(access.path), access.api.is_open)
    return [pull for page in pages for pull in _read(access, page)]


def pull_numbered(access: ForgeAccess, number: int) -> PullRequest | None:
    """None: the forge has no pull request of that number. Raises as `open_pulls`, and `InvalidInput`."""
    url = f"{access.url}{access.api.pulls(access.path)}/{number}"
    try:
        return access.api.read(call("GET", url, access.headers))
    except ForgeRefused as refused:
        if refused.details.get("answered") in _GONE:
            return None
        raise


def comment(access: ForgeAccess, number: int, comment_id: str, mark: str, text: str) -> str:
    """Have one comment say `text`, which holds the `mark`, and return its id. One that was removed stays so.

    Args:
        comment_id: empty where none is known: one with the mark is looked for, since the last try may have made it.

    Raises:
        DependencyUnavailable, ForgeRefused: as `open_pulls`.
    """
    known = comment_id or _marked(access, number, mark)
    if not known:
        made = call("POST", access.url + access.api.comments(access.path, number), access.headers, {"body": text})
        return _id(made)
    try:
        url = access.url + access.api.comment(access.path, number, known)
        call(access.api.edit, url, access.headers, {"body": text})
    except ForgeRefused as refused:
        if refused.details.get("answered") not in _GONE:
            raise
    return known


def _marked(access: ForgeAccess, number: int, mark: str) -> str:
    """The id of the comment that has the mark, a random text; empty when there is none."""
    for page in _pages(access, access.api.comments(access.path, number), {}):
        for each in page:
            if isinstance(each, dict) and mark in str(each.get("body", "")):
                return _id(each)
    return ""


def _pages(access: ForgeAccess, path: str, query: Mapping[str, str]) -> Iterator[list[Any]]:
    for number in range(1, MOST_PAGES + 1):
        paged: dict[str, Any] = {**query, access.api.page_size: PAGE_SIZE, "page": number}
        page = call("GET", access.url + path, access.headers, **paged)
        if not isinstance(page, list):
            return
        yield page
        if len(page) < PAGE_SIZE:
            return


def _read(access: ForgeAccess, page: list[Any]) -> Iterator[PullRequest]:
    for each in page:
        try:
            yield access.api.read(each)
        except InvalidInput as error:
            log.info("a pull request is not understood", extra={"repository": access.path, "why": error.message})


def _id(made: Any) -> str:
    number = made.get("id") if isinstance(made, dict) else None
    return str(number) if isinstance(number, int) else ""
