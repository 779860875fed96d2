"""The forges whose deliveries are understood: a row each. What a delivery is of, its headers say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slipway.core.push import bitbucket, gitlab, pull_request, push_event
from slipway.core.push.pull_request import PullRequest
from slipway.core.push.push_event import PushEvent
from slipway.core.push.signatures import Presented, Proof, Signature, Token

_DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,100}")
_LONGEST_EVENT = 40


@dataclass(frozen=True, slots=True)
class Forge:
    """How one kind of forge delivers."""

    name: str
    known_by: str
    """The header that no row before has."""
    event_header: str
    event_form: str
    push_events: frozenset[str]
    ping_event: str
    """Sent to try the hook; empty: there is none of its own."""
    delivery_headers: tuple[str, ...]
    """The first that is there names the delivery, also when it is sent again."""
    proof: Proof
    pushes: Callable[[object], tuple[PushEvent, ...]]
    """Reads a push's JSON value. Raises `InvalidInput`."""
    repository_of: Callable[[object], str] = push_event.repository_of
    pull_events: frozenset[str] = frozenset({"pull_request"})
    """Those that may change what a pull request's preview is made of, or whether there is one."""
    pull: Callable[[object], PullRequest] = pull_request.of_github
    """Reads such an event's JSON value. Raises `InvalidInput`."""

    def event(self, headers: Mapping[str, str]) -> str:
        """Empty: it is missing or malformed."""
        named = headers.get(self.event_header.lower(), "")
        return named if len(named) <= _LONGEST_EVENT and re.fullmatch(self.event_form, named) else ""

    def delivery_id(self, headers: Mapping[str, str]) -> str:
        """Empty: the sender names none."""
        given = (headers.get(each.lower(), "") for each in self.delivery_headers)
        return next((each for each in given if _DELIVERY_ID.fullmatch(each)), "")

    def presented(self, headers: Mapping[str, str], body: bytes) -> Presented:
        return Presented(self.proof, headers.get(self.proof.header.lower()), body)


def of_delivery(headers: Mapping[str, str]) -> Forge:
    """By the names of headers, in lower case. What no row knows is taken for GitHub's."""
    return next((each for each in FORGES if each.known_by.lower() in headers), GITHUB)


def _one_push(payload: object) -> tuple[PushEvent, ...]:
    return (push_event.parse(payload),)


def _like_github(name: str, prefix: str, proof: Proof, ping_event: str = "") -> Forge:
    """A forge that sends GitHub's payload, with headers of its own."""
    return Forge(
        name=name,
        known_by=f"{prefix}-Event",
        event_header=f"{prefix}-Event",
        event_form="[a-z0-9_]+",
        push_events=frozenset({"push"}),
        ping_event=ping_event,
        delivery_headers=(f"{prefix}-Delivery",),
        proof=proof,
        pushes=_one_push,
    )


def _like_gitea(name: str, prefix: str) -> Forge:
    """Whatever the content type is, the JSON is signed: `services/webhook/deliver.go` of Gitea."""
    return _like_github(name, prefix, Signature(f"{prefix}-Signature", prefix="", of_field=True))


_DATA_CENTER_PULLS = frozenset(
    f"pr:{each}" for each in ("opened", "from_ref_updated", "modified", "reopened", "merged", "declined")
)
GITHUB = _like_github("GitHub", "X-GitHub", Signature("X-Hub-Signature-256"), "ping")
FORGES = (
    _like_gitea("Forgejo", "X-Forgejo"),
    _like_gitea("Gitea", "X-Gitea"),
    _like_gitea("Gogs", "X-Gogs"),
    GITHUB,
    Forge(
        name="GitLab",
        known_by="X-Gitlab-Event",
        event_header="X-Gitlab-Event",
        event_form="[A-Za-z]+(?: [A-Za-z]+)*",
        push_events=frozenset({"Push Hook", "Tag Push Hook"}),
        ping_event="",
        delivery_headers=("Idempotency-Key", "X-Gitlab-Webhook-UUID"),
        proof=Token("X-Gitlab-Token"),
        pushes=gitlab.pushes,
        repository_of=gitlab.repository_of,
        pull_events=frozenset({"Merge Request Hook"}),
        pull=pull_request.of_gitlab,
    ),
    Forge(
        name="Bitbucket Cloud",
        known_by="X-Hook-UUID",
        event_header="X-Event-Key",
        event_form="[a-z_]+(?::[a-z_]+)+",
        push_events=frozenset({"repo:push"}),
        ping_event="",
        delivery_headers=("X-Request-UUID",),
        proof=Signature("X-Hub-Signature"),
        pushes=bitbucket.cloud_pushes,
        pull_events=frozenset(),
    ),
    Forge(
        name="Bitbucket Data Center",
        known_by="X-Event-Key",
        event_header="X-Event-Key",
        event_form="[a-z_]+(?::[a-z_]+)+",
        push_events=frozenset({"repo:refs_changed"}),
        ping_event="diagnostics:ping",
        delivery_headers=(),  # its X-Request-Id is the edge's own by the time that it is read
        proof=Signature("X-Hub-Signature"),
        pushes=bitbucket.server_pushes,
        repository_of=bitbucket.server_repository,
        pull_events=_DATA_CENTER_PULLS,
        pull=pull_request.of_data_center,
    ),
)
"""In the order in which they are recognised: Forgejo and Gitea send the headers of those that they are compatible with,
too."""
