"""What a pull request (GitLab: a merge request) is at this moment, as events and the forges' APIs say it.

An event's action is not read: each event carries the whole pull request, so that it does not matter which were missed,
or in which order they came.

GitHub: https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request. Gitea, Forgejo: `PullRequest` in
`modules/structs/pull.go`. GitLab: https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
and https://docs.gitlab.com/api/merge_requests/. Bitbucket Data Center:
https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html. Bitbucket Cloud names no whole commit in
its events, and has no refs of pull requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.core.push import bitbucket, gitlab, push_event
from slipway.core.push import payload_fields as fields
from slipway.core.push.push_event import commit_id
from slipway.errors import InvalidInput

TITLE_LENGTH = 200
BRANCH_LENGTH = 250
MOST_NUMBER = (1 << 31) - 1
REMEDY = "send the pull request events of a forge that docs/reference/webhooks.md lists"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request of a repository."""

    repository: str
    """`owner/name` of the one that it wants to change; empty in answers of an API."""
    number: int
    is_open: bool
    head: str
    branch: str
    """The branch that its commits are on, in its own repository."""
    base: str
    """The branch that it wants to change."""
    is_fork: bool
    """Its branch is in another repository than its base; also where that one is gone, or not named."""
    ref: str
    """The full ref at which the changed repository has its head."""
    title: str = ""
    author: str = ""
    changed_at: datetime | None = None
    """When it was changed last, by the forge's clock; None: not said."""


def of_github(payload: object) -> PullRequest:
    """An event of GitHub, Gitea, Forgejo or Gogs. Raises `InvalidInput`: a field is missing or has the wrong type."""
    body = fields.mapping(payload, "the body")
    return from_github(body.get("pull_request"), push_event.repository_of(body))


def from_github(value: object, repository: str = "") -> PullRequest:
    """A pull request as events and the API write it. Raises `InvalidInput`."""
    body = fields.mapping(value, "pull_request")
    head = fields.mapping(body.get("head"), "pull_request.head")
    base = fields.mapping(body.get("base"), "pull_request.base")
    number = _number(body.get("number"), "pull_request.number")
    theirs, ours = _repository_id(head), _repository_id(base)
    return PullRequest(
        repository=repository,
        number=number,
        is_open=body.get("state") == "open",
        head=commit_id(head.get("sha"), "pull_request.head.sha"),
        branch=_branch(head.get("ref"), "pull_request.head.ref"),
        base=_branch(base.get("ref"), "pull_request.base.ref"),
        is_fork=theirs is None or theirs != ours,
        ref=f"refs/pull/{number}/head",
        title=fields.free_text(body.get("title"), TITLE_LENGTH),
        author=fields.first_text(fields.field(body.get("user"), "login")),
        changed_at=_moment(body.get("updated_at")),
    )


def of_gitlab(payload: object) -> PullRequest:
    """A merge request's event. Raises `InvalidInput`."""
    body = fields.mapping(payload, "the body")
    request = fields.mapping(body.get("object_attributes"), "object_attributes")
    last = fields.mapping(request.get("last_commit"), "object_attributes.last_commit")
    author = fields.first_text(fields.field(body.get("user"), "username"))
    return _from_gitlab(request, last.get("id"), author, gitlab.repository_of(body))


def from_gitlab(value: object) -> PullRequest:
    """A merge request as the API writes it. Raises `InvalidInput`."""
    request = fields.mapping(value, "a merge request")
    author = fields.first_text(fields.field(request.get("author"), "username"))
    return _from_gitlab(request, request.get("sha"), author, "")


def _from_gitlab(request: Mapping[str, Any], head: object, author: str, repository: str) -> PullRequest:
    number = _number(request.get("iid"), "iid")
    source, target = request.get("source_project_id"), request.get("target_project_id")
    return PullRequest(
        repository=repository,
        number=number,
        is_open=request.get("state") in ("opened", "locked"),
        head=commit_id(head, "the merge request's last commit"),
        branch=_branch(request.get("source_branch"), "source_branch"),
        base=_branch(request.get("target_branch"), "target_branch"),
        is_fork=not isinstance(source, int) or source != target,
        ref=f"refs/merge-requests/{number}/head",
        title=fields.free_text(request.get("title"), TITLE_LENGTH),
        author=author,
        changed_at=_moment(request.get("updated_at")),
    )


def of_data_center(payload: object) -> PullRequest:
    """An event of Bitbucket Data Center. Raises `InvalidInput`."""
    body = fields.mapping(payload, "the body")
    request = fields.mapping(body.get("pullRequest"), "pullRequest")
    source, target = (fields.mapping(request.get(each), f"pullRequest.{each}") for each in ("fromRef", "toRef"))
    number = _number(request.get("id"), "pullRequest.id")
    theirs, ours = (fields.field(each.get("repository"), "id") for each in (source, target))
    return PullRequest(
        repository=bitbucket.server_repository({"repository": target.get("repository")}),
        number=number,
        is_open=request.get("state") == "OPEN",
        head=commit_id(source.get("latestCommit"), "pullRequest.fromRef.latestCommit"),
        branch=_branch(source.get("displayId"), "pullRequest.fromRef.displayId"),
        base=_branch(target.get("displayId"), "pullRequest.toRef.displayId"),
        is_fork=not isinstance(theirs, int) or theirs != ours,
        ref=f"refs/pull-requests/{number}/from",
        title=fields.free_text(request.get("title"), TITLE_LENGTH),
        author=fields.first_text(fields.field(fields.field(request.get("author"), "user"), "name")),
        changed_at=_moment(request.get("updatedDate")),
    )


def _repository_id(side: Mapping[str, Any]) -> object:
    """None: the repository is gone, or is not named."""
    return fields.field(side.get("repo"), "id")


def _number(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_NUMBER:
        raise InvalidInput(f"{what} is no number of a pull request", remedy=REMEDY)
    return value


def _branch(value: object, what: str) -> str:
    name = fields.stored(value, what, BRANCH_LENGTH)
    if any(ord(letter) < 33 for letter in name):
        raise InvalidInput(f"{what} is no branch's name", remedy=REMEDY)
    return name


def _moment(value: object) -> datetime | None:
    """RFC 3339, GitLab's `2026-01-31 08:00:00 UTC`, or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value.replace(" UTC", "+00:00").replace("Z", "+00:00"))
            return read if read.tzinfo else read.replace(tzinfo=UTC)
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
