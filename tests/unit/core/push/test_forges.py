"""Each forge's deliveries are recognised by their headers, authenticated its way, and read as pushes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from slipway.core.push import bitbucket, forges, gitlab
from slipway.core.push.push_event import PushEvent
from slipway.core.push.signatures import LONGEST_FORM_BYTES
from slipway.errors import InvalidInput
from tests.fixtures import forge_deliveries as made
from tests.fixtures.forge_deliveries import AFTER, FORM, MESSAGE, NULL_ID, PERSON, Sent

SECRET = "correct horse"
PUSHED = PushEvent("acme/hello", "refs/heads/main", AFTER, message=MESSAGE, pushed_by=PERSON)
SENDERS: Mapping[str, tuple[Callable[..., Sent], dict[str, Any]]] = {
    "Forgejo": (made.forgejo, made.gitea_push("acme/hello")),
    "Gitea": (made.gitea, made.gitea_push("acme/hello")),
    "Gogs": (made.gogs, made.gitea_push("acme/hello")),
    "GitLab": (made.gitlab, made.gitlab_push("acme/hello")),
    "Bitbucket Cloud": (made.bitbucket, made.bitbucket_push("acme/hello")),
    "Bitbucket Data Center": (made.data_center, made.data_center_push("acme/hello")),
}
NAMES = pytest.mark.parametrize("name", SENDERS)


def sent(name: str, **how: Any) -> Sent:
    send, payload = SENDERS[name]
    return send(SECRET, payload, **how)


def proves(delivery: Sent, secret: str = SECRET) -> bool:
    headers = made.lower(delivery.headers)
    return forges.of_delivery(headers).presented(headers, delivery.body).proves([secret])


def test_every_row_is_tried() -> None:
    assert {each.name for each in forges.FORGES} == {*SENDERS, "GitHub"}


@NAMES
def test_a_forge_is_known_by_its_headers(name: str) -> None:
    assert forges.of_delivery(made.lower(sent(name).headers)).name == name


def test_what_no_row_knows_is_githubs() -> None:
    assert forges.of_delivery({"x-hub-signature-256": "sha256=0"}).name == "GitHub"


@NAMES
def test_a_push_is_read(name: str) -> None:
    delivery = sent(name)
    headers = made.lower(delivery.headers)
    forge = forges.of_delivery(headers)
    assert forge.event(headers) in forge.push_events
    [pushed] = forge.pushes(json.loads(delivery.body))
    read = (pushed.repository.lower(), pushed.ref, pushed.commit_sha, pushed.message.strip(), pushed.pushed_by)
    assert read == (PUSHED.repository, PUSHED.ref, PUSHED.commit_sha, PUSHED.message, PUSHED.pushed_by)
    assert not pushed.deleted
    assert forge.repository_of(json.loads(delivery.body)) == pushed.repository


@NAMES
def test_only_who_knows_the_secret_is_authenticated(name: str) -> None:
    assert proves(sent(name))
    assert not proves(sent(name), "another")
    assert not proves(sent(name), "")


@NAMES
def test_without_its_proof_a_delivery_proves_nothing(name: str) -> None:
    delivery = sent(name)
    proof = forges.of_delivery(made.lower(delivery.headers)).proof.header
    for value in (None, "", "sha256=", "0" * 64, "\udcff"):
        headers = {key: each for key, each in delivery.headers.items() if key != proof}
        assert not proves(Sent(headers | ({} if value is None else {proof: value}), delivery.body))


@pytest.mark.parametrize("name", [name for name in SENDERS if name != "GitLab"])
def test_a_signature_is_of_its_body_alone(name: str) -> None:
    delivery = sent(name)
    assert not proves(Sent(delivery.headers, delivery.body + b" "))


@pytest.mark.parametrize("name", ["Forgejo", "Gitea", "Gogs"])
def test_of_a_form_the_json_may_be_signed(name: str) -> None:
    delivery = sent(name, content_type=FORM)
    assert delivery.body.startswith(b"payload=")
    assert proves(delivery)
    assert not proves(Sent(delivery.headers, delivery.body + b"x"))
    assert not proves(Sent(delivery.headers, b"payload=%7B%7D"))


def test_of_a_form_the_whole_body_may_be_signed_too() -> None:
    delivery = sent("Gitea", content_type=FORM)
    headers = dict(delivery.headers) | {"X-Gitea-Signature": made.digest(SECRET, delivery.body)}
    assert proves(Sent(headers, delivery.body))


def test_a_form_that_is_too_large_to_decode_for_a_stranger_is_not_decoded() -> None:
    payload = made.gitea_push("acme/hello") | {"more": "x" * LONGEST_FORM_BYTES}
    assert not proves(made.gitea(SECRET, payload, content_type=FORM))
    assert proves(made.gitea(SECRET, payload))


def test_githubs_forms_are_signed_as_they_are_sent() -> None:
    delivery = sent("Gitea", content_type=FORM)
    github = {key: value for key, value in delivery.headers.items() if not key.startswith(("X-Gitea", "X-Gogs"))}
    assert not proves(Sent(github, delivery.body))


@pytest.mark.parametrize(
    ("name", "headers", "number"),
    [
        ("GitLab", {"idempotency-key": "a", "x-gitlab-webhook-uuid": "b"}, "a"),
        ("GitLab", {"idempotency-key": "a b", "x-gitlab-webhook-uuid": "b"}, "b"),
        ("Gitea", {"x-gitea-delivery": "a", "x-github-delivery": "b"}, "a"),
        ("Bitbucket Cloud", {"x-request-uuid": "a"}, "a"),
        ("Bitbucket Data Center", {"x-request-id": "a"}, ""),
        ("GitHub", {"x-github-delivery": "x" * 101}, ""),
    ],
)
def test_a_delivery_has_the_number_that_it_keeps_when_it_is_sent_again(
    name: str, headers: dict[str, str], number: str
) -> None:
    [forge] = [each for each in forges.FORGES if each.name == name]
    assert forge.delivery_id(headers) == number


@pytest.mark.parametrize("event", ["push hook!", "Push  Hook", "x" * 41, "", "Push Hook "])
def test_an_event_that_is_none_is_not_named(event: str) -> None:
    [forge] = [each for each in forges.FORGES if each.name == "GitLab"]
    assert forge.event({"x-gitlab-event": event}) == ""


@pytest.mark.parametrize(
    "pushed",
    [
        gitlab.pushes(made.gitlab_push("a/b", after=NULL_ID)),
        bitbucket.cloud_pushes(made.bitbucket_push("a/b", made.bitbucket_change(after=NULL_ID))),
        bitbucket.server_pushes(made.data_center_push("a/b", [made.data_center_change(after=NULL_ID)])),
    ],
)
def test_a_deletion_is_one(pushed: tuple[PushEvent, ...]) -> None:
    assert [(each.ref, each.deleted) for each in pushed] == [("refs/heads/main", True)]


def test_a_push_of_several_refs_is_several_pushes() -> None:
    changes = [
        made.bitbucket_change(),
        made.bitbucket_change("v1", "tag"),
        made.bitbucket_change("gone", after=NULL_ID),
    ]
    refs = ["refs/heads/main", "refs/tags/v1", "refs/heads/gone"]
    assert [each.ref for each in bitbucket.cloud_pushes(made.bitbucket_push("a/b", *changes))] == refs
    changed = [made.data_center_change(), made.data_center_change("refs/tags/v1")]
    assert [each.ref for each in bitbucket.server_pushes(made.data_center_push("a/b", changed))] == refs[:2]


MANY = bitbucket.MOST_CHANGES


@pytest.mark.parametrize(
    ("read", "payload"),
    [
        (bitbucket.cloud_pushes, lambda number: made.bitbucket_push("a/b", *[made.bitbucket_change()] * number)),
        (bitbucket.server_pushes, lambda number: made.data_center_push("a/b", [made.data_center_change()] * number)),
    ],
)
def test_a_push_of_very_many_refs_is_refused(
    read: Callable[[object], tuple[PushEvent, ...]], payload: Callable[[int], object]
) -> None:
    assert len(read(payload(MANY))) == MANY
    with pytest.raises(InvalidInput, match=f"has {MANY + 1} refs; a push of up to {MANY} is"):
        read(payload(MANY + 1))


def test_the_commits_of_a_push_are_read_once_however_many_refs_it_has() -> None:
    class Counted(dict[str, Any]):
        looks = 0

        def get(self, key: str, default: Any = None) -> Any:
            Counted.looks += 1
            return super().get(key, default)

    ids = [f"{number:040x}" for number in range(1, 101)]
    payload = made.data_center_push("a/b", [made.data_center_change(after=each) for each in ids])
    payload["commits"] = [Counted(id=each, message=f"Commit {each}") for each in ids]
    payload["commits"].append({"id": ids[0], "message": "another"})
    assert [each.message for each in bitbucket.server_pushes(payload)] == [f"Commit {each}" for each in ids]
    assert Counted.looks <= 4 * len(ids)


@pytest.mark.parametrize(
    ("read", "payload", "names"),
    [
        (gitlab.pushes, {"after": AFTER, "ref": "refs/heads/main"}, "project"),
        (gitlab.pushes, {"after": AFTER, "ref": "main", "project": {"path_with_namespace": "a/b"}}, "ref"),
        (bitbucket.cloud_pushes, {"repository": {"full_name": "a/b"}}, "push"),
        (bitbucket.cloud_pushes, {"repository": {"full_name": "a/b"}, "push": {"changes": [7]}}, "a change"),
        (bitbucket.cloud_pushes, {"repository": {"full_name": "a/b"}, "push": {"changes": [{"new": {}}]}}, "target"),
        (bitbucket.server_pushes, {"repository": {"slug": "b"}}, "project"),
        (bitbucket.server_pushes, {"repository": {"slug": "b", "project": {"key": "A"}}, "changes": {}}, "changes"),
    ],
)
def test_another_shape_is_refused_by_its_name(
    read: Callable[[object], object], payload: dict[str, Any], names: str
) -> None:
    with pytest.raises(InvalidInput, match=names):
        read(payload)
