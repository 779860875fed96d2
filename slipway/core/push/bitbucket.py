"""Push events of Bitbucket Cloud, and of Bitbucket Data Center and Server. One event may be of several refs.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push
https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.core.push import payload_fields as fields
from slipway.core.push.push_event import BRANCHES, TAGS, PushEvent, commit_id, is_null, message_of, repository_of
from slipway.errors import InvalidInput

MOST_CHANGES = 1000
"""Refs of one push. Each is decided about for each app of the repository, while other deliveries wait."""
_NULL_ID = "0" * 40


def cloud_pushes(payload: object) -> tuple[PushEvent, ...]:
    """Raises `InvalidInput`: a field is missing or has the wrong type."""
    body = fields.mapping(payload, "the body")
    repository, actor = repository_of(body), body.get("actor")
    pushed_by = fields.first_text(fields.field(actor, "nickname"), fields.field(actor, "display_name"))
    changes = _changes(fields.mapping(body.get("push"), "push").get("changes"), "push.changes")
    return tuple(_cloud_push(each, repository, pushed_by) for each in changes)


def _cloud_push(change: Mapping[str, Any], repository: str, pushed_by: str) -> PushEvent:
    """`new` is null when the ref was deleted."""
    new = change.get("new")
    if new is None:
        return PushEvent(repository, _cloud_ref(change.get("old"), "old"), _NULL_ID, deleted=True, pushed_by=pushed_by)
    target = fields.mapping(fields.mapping(new, "new").get("target"), "new.target")
    message = fields.free_text(target.get("message"), fields.MESSAGE_LENGTH)
    commit_sha = commit_id(target.get("hash"), "new.target.hash")
    return PushEvent(repository, _cloud_ref(new, "new"), commit_sha, message=message, pushed_by=pushed_by)


def _cloud_ref(value: object, what: str) -> str:
    """The full ref: Bitbucket names it without its folder, and its kind beside."""
    named = fields.mapping(value, what)
    folder = BRANCHES if named.get("type") == "branch" else TAGS
    return fields.full_ref(folder + fields.stored(named.get("name"), f"{what}.name", fields.REF_LENGTH), f"{what}.name")


def server_pushes(payload: object) -> tuple[PushEvent, ...]:
    """Raises `InvalidInput`: a field is missing or has the wrong type."""
    body = fields.mapping(payload, "the body")
    repository, actor = server_repository(body), body.get("actor")
    commits = _by_id([body.get("toCommit"), *fields.items(body.get("commits"), "commits")])
    pushed_by = fields.first_text(fields.field(actor, "name"), fields.field(actor, "displayName"))
    changes = _changes(body.get("changes"), "changes")
    return tuple(_server_push(each, repository, commits, pushed_by) for each in changes)


def _by_id(commits: list[object]) -> dict[str, object]:
    """The first of each id. A push of many refs would search the list for each of them."""
    found: dict[str, object] = {}
    for commit in commits:
        named = fields.field(commit, "id")
        if isinstance(named, str):
            found.setdefault(named, commit)
    return found


def _server_push(
    change: Mapping[str, Any], repository: str, commits: Mapping[str, object], pushed_by: str
) -> PushEvent:
    commit_sha = commit_id(change.get("toHash"), "toHash")
    return PushEvent(
        repository=repository,
        ref=fields.full_ref(change.get("refId"), "refId"),
        commit_sha=commit_sha,
        deleted=change.get("type") == "DELETE" or is_null(commit_sha),
        message=message_of(commit_sha, [commits.get(commit_sha)]),
        pushed_by=pushed_by,
    )


def server_repository(payload: object) -> str:
    """`project/name`. Raises `InvalidInput`: the body does not name it."""
    repository = fields.mapping(fields.mapping(payload, "the body").get("repository"), "repository")
    project = fields.mapping(repository.get("project"), "repository.project")
    key = fields.stored(project.get("key"), "repository.project.key", fields.REF_LENGTH)
    return f"{key}/{fields.stored(repository.get('slug'), 'repository.slug', fields.REF_LENGTH)}"


def _changes(value: object, what: str) -> list[Mapping[str, Any]]:
    """Raises `InvalidInput`: they are too many, or one is no object."""
    changes = fields.items(value, what)
    if len(changes) > MOST_CHANGES:
        raise InvalidInput(
            f"{what} has {len(changes)} refs; a push of up to {MOST_CHANGES} is understood", remedy="push fewer at once"
        )
    return [fields.mapping(each, "a change") for each in changes]
