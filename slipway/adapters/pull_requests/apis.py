"""How each kind of forge lists pull requests and takes comments on one: a row each.

GitHub: https://docs.github.com/en/rest/issues/comments and https://docs.github.com/en/rest/pulls/pulls. Gitea and
Forgejo: the same paths below `/api/v1`, of their Swagger document. GitLab: https://docs.gitlab.com/api/notes/#merge-requests
and https://docs.gitlab.com/api/merge_requests/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from slipway.core.push import pull_request
from slipway.core.push.pull_request import PullRequest

Path = Callable[[str, int], str]
"""Of a repository (`owner/name`) and a pull request's number, below the forge's address."""


@dataclass(frozen=True, slots=True)
class PullRequestApi:
    comments: Path
    """Where comments are listed and added."""
    comment: Callable[[str, int, str], str]
    """Where the one of an id is."""
    edit: str
    """The method that changes it."""
    pulls: Callable[[str], str]
    is_open: Mapping[str, str]
    """The query for those that are open."""
    page_size: str
    """The name of the query's parameter."""
    read: Callable[[Any], PullRequest]
    """One of the list. Raises `InvalidInput`."""


def _like_github(prefix: str, page_size: str) -> PullRequestApi:
    return PullRequestApi(
        comments=lambda repository, number: f"{prefix}/repos/{repository}/issues/{number}/comments",
        comment=lambda repository, _, comment_id: f"{prefix}/repos/{repository}/issues/comments/{comment_id}",
        edit="PATCH",
        pulls=lambda repository: f"{prefix}/repos/{repository}/pulls",
        is_open={"state": "open"},
        page_size=page_size,
        read=pull_request.from_github,
    )


def _gitlab(repository: str) -> str:
    return f"/api/v4/projects/{quote(repository, safe='')}/merge_requests"


_GITEA = _like_github("/api/v1", "limit")
PULL_REQUEST_APIS: Mapping[str, PullRequestApi] = {
    "github": _like_github("", "per_page"),
    "gitea": _GITEA,
    "forgejo": _GITEA,
    "gitlab": PullRequestApi(
        comments=lambda repository, number: f"{_gitlab(repository)}/{number}/notes",
        comment=lambda repository, number, comment_id: f"{_gitlab(repository)}/{number}/notes/{comment_id}",
        edit="PUT",
        pulls=_gitlab,
        is_open={"state": "opened"},
        page_size="per_page",
        read=pull_request.from_gitlab,
    ),
}
"""By the kinds that `SLIPWAY_FORGE_TOKENS` names. Bitbucket's comments are not written."""
