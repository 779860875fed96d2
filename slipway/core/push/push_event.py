"""Parses the body of a `push` delivery, and decides whether an app is deployed for it.

Any sender that speaks GitHub's protocol is understood: `deleted` may be missing, since the null commit id means a
deletion as well, and neither the clone address nor the lists of files in the body are used.
https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.naming import validation
from slipway.errors import InvalidInput

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
_REF_LENGTH = 300
_MESSAGE_LENGTH = 1000
_NAME_LENGTH = 255
_REMEDY = "send GitHub's push payload: docs/reference/webhooks.md"


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
    body = _mapping(payload, "the body")
    commit_sha = _commit_sha(body)
    return PushEvent(
        repository=repository_of(body),
        ref=_ref(body),
        commit_sha=commit_sha,
        deleted=_flag(body, "deleted") or is_null(commit_sha),
        message=_message(body, commit_sha),
        pushed_by=_pushed_by(body),
    )


def repository_of(payload: object) -> str:
    """`owner/name` of the repository that an event is about.

    Raises:
        InvalidInput: the body does not name it.
    """
    repository = _mapping(_mapping(payload, "the body").get("repository"), "repository")
    return _stored(repository.get("full_name"), "repository.full_name", _REF_LENGTH)


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


def _commit_sha(body: Mapping[str, Any]) -> str:
    return validation.commit_sha(_stored(body.get("after"), "after", 64))


def _ref(body: Mapping[str, Any]) -> str:
    ref = _stored(body.get("ref"), "ref", _REF_LENGTH)
    if not ref.startswith("refs/") or any(ord(letter) < 33 for letter in ref):
        raise InvalidInput("ref is not a full ref such as refs/heads/main", remedy=_REMEDY)
    return ref


def _message(body: Mapping[str, Any], commit_sha: str) -> str:
    head = body.get("head_commit")
    candidates = [head, *reversed(_list(body.get("commits"), "commits"))]
    for commit in candidates:
        if isinstance(commit, Mapping) and commit.get("id") == commit_sha:
            return _free_text(commit.get("message"), _MESSAGE_LENGTH)
    return ""


def _pushed_by(body: Mapping[str, Any]) -> str:
    for key, field in (("pusher", "name"), ("sender", "login"), ("pusher", "login"), ("pusher", "username")):
        person = body.get(key)
        if isinstance(person, Mapping) and person.get(field):
            return _free_text(person[field], _NAME_LENGTH)
    return ""


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{what} is not a JSON object", remedy=_REMEDY)
    return value


def _list(value: object, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidInput(f"{what} is not a list", remedy=_REMEDY)
    return value


def _flag(body: Mapping[str, Any], key: str) -> bool:
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"{key} is neither true nor false", remedy=_REMEDY)
    return bool(value)


def _stored(value: object, what: str, length: int) -> str:
    """Text that is stored unchanged; refused when a database could not store it."""
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{what} is missing or not text", remedy=_REMEDY)
    if len(value) > length:
        raise InvalidInput(f"{what} is longer than {length} characters", remedy=_REMEDY)
    if value != _free_text(value, length):
        raise InvalidInput(f"{what} holds characters that no name has", remedy=_REMEDY)
    return value


def _free_text(value: object, length: int) -> str:
    """Text for people: characters that a database can't store (NUL, lone surrogates) are replaced, and it is cut at
    `length`."""
    if not isinstance(value, str):
        return ""
    return value[:length].replace("\0", "�").encode("utf-8", "replace").decode()
