"""What a push tells, and whether an app is deployed for it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from slipway.core.push.push_event import AppFacts, PushEvent, decide_app, decide_push, is_of, parse, repository_of
from slipway.demo.forge import payloads
from slipway.errors import InvalidInput, SlipwayError

BEFORE, AFTER, NULL = "1" * 40, "2" * 40, "0" * 40
HOOK = "github.example/acme/hello"
REPOSITORY = payloads.repository("https://github.example", "acme/hello")


def github(**changes: Any) -> dict[str, Any]:
    """GitHub's payload of an ordinary push; `changes` replace top-level fields, `...` leaves one out."""
    commits = [payloads.commit(AFTER, message="Fix the cart total", modified=["app.py"])]
    body = payloads.push(REPOSITORY, ref="refs/heads/main", before=BEFORE, after=AFTER, commits=commits)
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


def test_githubs_push_is_understood() -> None:
    assert parse(github()) == PushEvent(
        repository="acme/hello",
        ref="refs/heads/main",
        commit_sha=AFTER,
        deleted=False,
        message="Fix the cart total",
        pushed_by="octocat",
    )


def test_a_sender_may_tell_only_what_matters() -> None:
    event = parse({"ref": "refs/heads/main", "after": AFTER, "repository": {"full_name": "acme/hello"}})
    assert event == PushEvent(repository="acme/hello", ref="refs/heads/main", commit_sha=AFTER)


@pytest.mark.parametrize("missing", ["created", "deleted", "forced", "pusher", "head_commit", "base_ref", "compare"])
def test_no_optional_field_is_needed(missing: str) -> None:
    assert parse(github(**{missing: ...})).commit_sha == AFTER


@pytest.mark.parametrize("after", [NULL, "0" * 64])
def test_the_null_id_alone_means_a_deletion(after: str) -> None:
    assert parse(github(after=after, deleted=...)).deleted
    assert parse(github(after=after, deleted=False)).deleted


def test_the_flag_alone_means_a_deletion() -> None:
    assert parse(github(deleted=True)).deleted


@pytest.mark.parametrize(
    "changes",
    [
        {"commits": []},
        {"commits": None},
        {"commits": ...},
        {"commits": [{"id": AFTER}]},
        {"commits": [payloads.commit(AFTER, added=["docs/a.md"])]},
        {"size": 2},
        {"forced": True},
        {"created": True},
        {"before": NULL},
        {"before": ...},
    ],
    ids=",".join,
)
def test_what_a_sender_says_of_files_and_of_the_commit_before_decides_nothing(changes: dict[str, Any]) -> None:
    assert decide_app(parse(github(**changes)), AppFacts("hello", "main")).deploys


def test_the_message_is_the_pushed_commits() -> None:
    body = github(head_commit=None, commits=[payloads.commit(BEFORE, message="x"), payloads.commit(AFTER, message="y")])
    assert parse(body).message == "y"


def test_text_that_a_database_cannot_keep_is_replaced() -> None:
    body = github(head_commit={"id": AFTER, "message": "a\0b\ud800" + "c" * 5000}, pusher={"name": "\udfffx\0"})
    event = parse(body)
    assert "\0" not in event.message + event.pushed_by
    assert (event.message + event.pushed_by).encode()
    assert len(event.message) <= 1000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ref": ...}, "ref"),
        ({"ref": None}, "ref"),
        ({"ref": 7}, "ref"),
        ({"ref": ["refs/heads/main"]}, "ref"),
        ({"ref": ""}, "ref"),
        ({"ref": "main"}, "ref"),
        ({"ref": "refs/heads/a\0b"}, "ref"),
        ({"ref": "refs/heads/a\nb"}, "ref"),
        ({"ref": "refs/heads/\ud800"}, "ref"),
        ({"ref": "refs/heads/" + "x" * 300}, "ref"),
        ({"after": ...}, "after"),
        ({"after": None}, "after"),
        ({"after": 10**400}, "after"),
        ({"after": "abc"}, "commit id"),
        ({"after": "G" * 40}, "commit id"),
        ({"after": "2" * 41}, "commit id"),
        ({"after": "２" * 40}, "commit id"),
        ({"repository": ...}, "repository"),
        ({"repository": []}, "repository"),
        ({"repository": "acme/hello"}, "repository"),
        ({"repository": {}}, "full_name"),
        ({"repository": {"full_name": 7}}, "full_name"),
        ({"repository": {"full_name": "a/\0"}}, "full_name"),
        ({"commits": {}}, "commits"),
        ({"commits": "many"}, "commits"),
        ({"deleted": "no"}, "deleted"),
    ],
)
def test_another_shape_is_refused_by_the_fields_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        parse(github(**changes))


@pytest.mark.parametrize("payload", [None, True, 7, 7.5, "push", [], [{}], [[[[]]]], {}])
def test_what_is_no_push_is_refused(payload: object) -> None:
    with pytest.raises(InvalidInput):
        parse(payload)


GARBAGE: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "\0",
    "\ud800",
    [],
    [None],
    {},
    {"a": []},
    "0" * 40,
]


def mangled(body: Any, chance: random.Random) -> Any:
    """The body with one value somewhere replaced, removed or wrapped."""
    if isinstance(body, dict) and body and chance.random() < 0.8:
        key = chance.choice(sorted(body))
        if chance.random() < 0.15:
            return {name: value for name, value in body.items() if name != key}
        return {**body, key: mangled(body[key], chance)}
    if isinstance(body, list) and body and chance.random() < 0.5:
        place = chance.randrange(len(body))
        return [mangled(each, chance) if at == place else each for at, each in enumerate(body)]
    return chance.choice([*GARBAGE, [body], {"wrapped": body}])


def test_whatever_is_mangled_is_understood_or_refused_with_a_reason() -> None:
    chance = random.Random(4)
    small = {key: value for key, value in github().items() if key not in ("repository", "sender")}
    for _ in range(4000):
        body = {**small, "repository": {"full_name": "acme/hello"}}
        for _ in range(chance.randint(1, 4)):
            body = mangled(body, chance)
        try:
            event = parse(body)
        except SlipwayError as refused:
            json.dumps(refused.problem())
            refused.message.encode()
        else:
            kept = event.ref + event.commit_sha + event.message + event.pushed_by + event.repository
            assert "\0" not in kept.encode().decode()
            assert decide_app(event, AppFacts("hello", "main")).reason
            decide_push(event, HOOK)


@pytest.mark.parametrize("repository", ["acme/hello", "Acme/Hello", "ACME/HELLO"])
def test_a_repository_is_known_in_any_case(repository: str) -> None:
    assert is_of(repository, HOOK)


@pytest.mark.parametrize("repository", ["acme/other", "other/hello", "acme/hello2", "hello", "", "/hello", "me/hello"])
def test_another_repository_is_not_the_hooks(repository: str) -> None:
    assert not is_of(repository, HOOK)


def test_a_forge_may_live_below_a_path_and_on_any_port() -> None:
    assert is_of("acme/hello", "127.0.0.1:3000/git/acme/hello")


def test_the_repository_of_an_event_is_its_full_name() -> None:
    assert repository_of(github()) == "acme/hello"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"repository": {"full_name": "acme/other"}}, "this hook is for acme/hello, the push is of acme/other"),
        ({"after": NULL}, "main was deleted"),
        ({"deleted": True}, "main was deleted"),
        ({"ref": "refs/tags/v1"}, "v1 is a tag; only branches are deployed"),
        ({"ref": "refs/tags/v1", "after": NULL}, "v1 was deleted"),
        ({"ref": "refs/notes/commits"}, "refs/notes/commits is not a branch"),
    ],
)
def test_a_push_that_deploys_nothing_says_why(changes: dict[str, Any], reason: str) -> None:
    verdict = decide_push(parse(github(**changes)), HOOK)
    assert (verdict.deploys, verdict.reason) == (False, reason)


def test_the_payloads_clone_address_is_never_looked_at() -> None:
    elsewhere = {**REPOSITORY, "clone_url": "https://evil.example/x/y.git", "html_url": "https://evil.example"}
    assert decide_push(parse(github(repository=elsewhere)), HOOK).deploys
    assert "evil" not in repr(parse(github(repository=elsewhere)))


@pytest.mark.parametrize(
    ("branch", "ref", "deploys"),
    [
        ("main", "refs/heads/main", True),
        ("main", "refs/heads/feature/main", False),
        ("main", "refs/heads/Main", False),
        ("main", "refs/heads/main2", False),
        ("main", "refs/heads/refs/heads/main", False),
        ("feature/main", "refs/heads/feature/main", True),
        ("feature/main", "refs/heads/main", False),
        ("v1", "refs/tags/v1", False),
        ("größe", "refs/heads/größe", True),
    ],
)
def test_only_the_exact_branch_is_deployed(branch: str, ref: str, deploys: bool) -> None:
    assert decide_app(parse(github(ref=ref)), AppFacts("hello", branch)).deploys is deploys


def test_another_branch_is_named_in_the_reason() -> None:
    verdict = decide_app(parse(github(ref="refs/heads/feature/x")), AppFacts("hello", "main"))
    assert verdict.reason == "hello deploys main, the push is to feature/x"
