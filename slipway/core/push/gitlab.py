"""GitLab's push and tag push events.

https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
"""

from __future__ import annotations

from slipway.core.push import payload_fields as fields
from slipway.core.push.push_event import PushEvent, commit_id, is_null, message_of


def pushes(payload: object) -> tuple[PushEvent, ...]:
    """Raises `InvalidInput`: a field is missing or has the wrong type."""
    body = fields.mapping(payload, "the body")
    commit_sha = commit_id(body.get("after"), "after")
    pushed = PushEvent(
        repository=repository_of(body),
        ref=fields.full_ref(body.get("ref")),
        commit_sha=commit_sha,
        deleted=is_null(commit_sha),
        message=message_of(commit_sha, fields.items(body.get("commits"), "commits")),
        pushed_by=fields.first_text(body.get("user_username"), body.get("user_name")),
    )
    return (pushed,)


def repository_of(payload: object) -> str:
    """`group/…/name`. Raises `InvalidInput`: the body does not name it."""
    project = fields.mapping(fields.mapping(payload, "the body").get("project"), "project")
    return fields.stored(project.get("path_with_namespace"), "project.path_with_namespace", fields.REF_LENGTH)
