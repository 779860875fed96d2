"""A push, as every forge's payload is read, and the decision whether an app is deployed for it.

`parse` reads GitHub's payload and those of the forges that speak its protocol: `deleted` may be missing, since the null
commit id means a deletion as well, and neither the clone address nor the lists of files in the body are used.
https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.core.naming import validation
from slipway.core.push import payload_fields as fields

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class PushEvent:
    """A push, as far as deployments need it."""

    repository: str
    """`owner/name`, as the sender writes it."""
    ref: str
    commit_sha: str
    """The null commit id when the ref was deleted."""
    deleted: bool = False
    message: str = ""
    pushed_by: str = ""


@dataclass(frozen=True, slots=True)
class AppFacts:
    """The facts of an app that the decision needs."""

    name: str
    branch: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to deploy, and a sentence that says why."""

    deploys: bool
    reason: str


def parse(payload: object) -> PushEvent:
    """Parse the body's JSON value.

    Raises:
        InvalidInput: a field is missing or has the wrong type; the error names it.
    """
    body = fields.mapping(payload, "the body")
    commit_sha = commit_id(body.get("after"), "after")
    commits = [body.get("head_commit"), *reversed(fields.items(body.get("commits"), "commits"))]
    return PushEvent(
        repository=repository_of(body),
        ref=fields.full_ref(body.get("ref")),
        commit_sha=commit_sha,
        deleted=fields.flag(body, "deleted") or is_null(commit_sha),
        message=message_of(commit_sha, commits),
        pushed_by=_pushed_by(body),
    )


def repository_of(payload: object) -> str:
    """`owner/name` of the repository that an event is about.

    Raises:
        InvalidInput: the body does not name it.
    """
    repository = fields.mapping(fields.mapping(payload, "the body").get("repository"), "repository")
    return fields.stored(repository.get("full_name"), "repository.full_name", fields.REF_LENGTH)


def repository_path(repository_identity: str) -> str:
    """`owner/name` of a `host/owner/name` identity."""
    return repository_identity.partition("/")[2]


def is_of(repository: str, repository_identity: str) -> bool:
    """Is `owner/name`, in any case, the repository of a `host/owner/name` identity? (A forge may live below a path.)"""
    return "/" in repository and f"/{repository_path(repository_identity)}".endswith(f"/{repository.lower()}")


def decide_push(event: PushEvent, repository_identity: str) -> Verdict:
    """Can the push deploy anything at all from the hook's repository?"""
    if not is_of(event.repository, repository_identity):
        return Verdict(
            False, f"this hook is for {repository_path(repository_identity)}, the push is of {event.repository}"
        )
    if event.deleted:
        return Verdict(False, f"{_short(event.ref)} was deleted")
    if event.ref.startswith(TAGS):
        return Verdict(False, f"{_short(event.ref)} is a tag; only branches are deployed")
    if not event.ref.startswith(BRANCHES):
        return Verdict(False, f"{event.ref} is not a branch")
    return Verdict(True, "")


def of_no_app(repository_identity: str, elsewhere: Mapping[str, str]) -> Verdict:
    """No app has the hook's address. `elsewhere`: apps whose repository is called the same on another host or port,
    with their identities."""
    for name, identity in elsewhere.items():
        return Verdict(
            False,
            f"{name} deploys {identity}, and this hook is for {repository_identity}: give both the same address, "
            f"slipway apps set -a {name} repository=…",
        )
    path = repository_path(repository_identity)
    return Verdict(False, f"no app deploys {path}; make one: slipway apps create")


def decide_app(event: PushEvent, app: AppFacts) -> Verdict:
    """Is the app deployed for a push to its repository? The changed files do not matter here: a sender only knows the
    difference between two pushes, and what is live may be neither of them."""
    if event.ref != BRANCHES + app.branch:
        return Verdict(False, f"{app.name} deploys {app.branch}, the push is to {_short(event.ref)}")
    return Verdict(True, f"{app.branch} was pushed")


def is_null(commit_sha: str) -> bool:
    """Is it the null commit id, which stands for no commit (of a ref that was deleted, or did not exist before)?"""
    return not commit_sha.strip("0")


def _short(ref: str) -> str:
    return ref.removeprefix(BRANCHES).removeprefix(TAGS)


def commit_id(value: object, what: str) -> str:
    """Raises `InvalidInput`: it is no full commit id."""
    return validation.commit_sha(fields.stored(value, what, 64))


def message_of(commit_sha: str, commits: Sequence[object]) -> str:
    """The message of that commit, among those that a sender lists; empty when it is none of them."""
    for commit in commits:
        if isinstance(commit, Mapping) and commit.get("id") == commit_sha:
            return fields.free_text(commit.get("message"), fields.MESSAGE_LENGTH)
    return ""


def _pushed_by(body: Mapping[str, Any]) -> str:
    pusher, sender = body.get("pusher"), body.get("sender")
    named = (fields.field(pusher, key) for key in ("login", "username"))
    return fields.first_text(fields.field(pusher, "name"), fields.field(sender, "login"), *named)
