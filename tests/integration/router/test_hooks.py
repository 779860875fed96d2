from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import select

from slipway.core.access import tokens
from slipway.core.access.roles import Role
from slipway.core.text.redaction import MASK, without_shapes
from slipway.models import Delivery, HookSecret, now
from tests.fixtures.api import REPOSITORY, Api, Caller
from tests.fixtures.releases import make_live


def test_a_hooks_secret_is_shown_once_and_sealed_for_it(api: Api, owner: Caller) -> None:
    made = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)
    assert made["url"] == f"http://slipway.localhost:8080/webhooks/github/{made['id']}"
    assert made["repository"] == "github.example/acme/hello"
    assert len(bytes.fromhex(made["secret"].removeprefix(tokens.HOOK_PREFIX))) == 32
    assert without_shapes(f"the secret is {made['secret']}") == f"the secret is {MASK}"
    assert len(made["secrets"]) == 1
    assert owner.get("/api/hooks") == {"hooks": [made | {"secret": None}]}
    with api.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(HookSecret)).one()
        assert api.services.hooks.open(row.sealed, row.tenant_id, row.hook_id) == made["secret"]


def test_a_hooks_id_is_never_taken_for_an_option(owner: Caller) -> None:
    made = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)
    assert re.fullmatch(r"[0-9a-f]{32}", made["id"])
    assert made["id"] in owner.problem(409, "POST", "/api/hooks", {"repository": REPOSITORY})["remedy"]


def test_rotation_keeps_the_old_secret_for_a_while(owner: Caller) -> None:
    made = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)
    rotated = owner.post(f"/api/hooks/{made['id']}/rotate", status=200)
    assert rotated["secret"] != made["secret"]
    old, new = rotated["secrets"]
    assert (old["id"], new["expires_at"]) == (made["secrets"][0]["id"], None)
    left = datetime.fromisoformat(old["expires_at"]) - now()
    assert 86000 < left.total_seconds() <= 86400
    again = owner.post(f"/api/hooks/{made['id']}/rotate", status=200)
    assert again["secrets"][0]["expires_at"] == old["expires_at"], "a rotation does not lengthen a life"


def test_secrets_that_are_over_are_neither_shown_nor_kept(api: Api, owner: Caller) -> None:
    hook = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)["id"]
    with api.services.db.write(platform="a test ages it") as session:
        session.scalars(select(HookSecret)).one().expires_at = now()
    assert owner.get("/api/hooks")["hooks"][0]["secrets"] == []
    assert len(owner.post(f"/api/hooks/{hook}/rotate", status=200)["secrets"]) == 1
    with api.services.db.read(platform="a test looks") as session:
        assert len(session.scalars(select(HookSecret)).all()) == 1


def test_a_repository_has_one_hook_in_a_tenant(owner: Caller, stranger: Caller) -> None:
    made = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)
    problem = owner.problem(409, "POST", "/api/hooks", {"repository": "git@github.example:acme/hello"})
    assert problem["hook"] == made["id"]
    assert stranger.post("/api/hooks", {"repository": REPOSITORY}, status=201)["id"] != made["id"]


def test_addresses_with_and_without_a_port_share_a_hook(owner: Caller) -> None:
    made = owner.post("/api/hooks", {"repository": "https://github.example:3000/acme/hello.git"}, status=201)
    problem = owner.problem(409, "POST", "/api/hooks", {"repository": "git@github.example:acme/hello"})
    assert problem["hook"] == made["id"]
    other = "https://github.example:3001/acme/hello.git"
    assert owner.post("/api/hooks", {"repository": other}, status=201)["id"] != made["id"]


def test_an_app_may_come_with_its_hook(api: Api, owner: Caller) -> None:
    made = owner.create_app("one", hook=True)
    first = made["hook"]
    assert first["secret"]
    assert made["notices"] == []
    again = owner.create_app("two", hook=True)
    second = again["hook"]
    assert (second["id"], second["secret"]) == (first["id"], None), "the repository has its hook already"
    [notice] = again["notices"]
    assert f"had the hook {first['id']} already" in notice
    assert f"slipway hooks rotate {first['id']}" in notice
    developer = api.caller("acme", Role.DEVELOPER)
    developer.problem(403, "POST", "/api/apps", {"name": "three", "repository": REPOSITORY, "hook": True})


MOVED = "https://github.example/acme/moved.git"


def test_an_app_that_goes_to_another_repository_says_what_its_hook_does_now(owner: Caller) -> None:
    hook = owner.create_app("one", hook=True)["hook"]["id"]
    owner.create_app("two")
    same = {"repository": "git@github.example:acme/hello"}
    assert owner.patch("/api/apps/one", same)["notices"] == [], "another way to write the same repository"
    left, new, _ = owner.patch("/api/apps/one", {"repository": MOVED})["notices"]
    assert left == f"Pushes to github.example/acme/hello no longer deploy one; its hook {hook} goes on for two."
    assert f"slipway hooks create {MOVED}" in new
    left, new, _ = owner.patch("/api/apps/two", {"repository": MOVED})["notices"]
    assert "deploy nothing any more" in left
    assert f"slipway hooks delete {hook}" in left
    moved = owner.post("/api/hooks", {"repository": MOVED}, status=201)["id"]
    [delivers, there] = owner.patch("/api/apps/one", {"repository": REPOSITORY})["notices"][1:]
    assert "slipway deploy -a one" in there
    assert hook in delivers
    assert moved in owner.delete_app("two")["notices"][0], "the last app of a repository leaves its hook behind"


def test_a_deleted_hook_is_gone_with_its_secrets(api: Api, owner: Caller) -> None:
    hook = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)["id"]
    owner.delete(f"/api/hooks/{hook}")
    owner.problem(404, "DELETE", f"/api/hooks/{hook}")
    assert owner.get("/api/hooks") == {"hooks": []}
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(HookSecret)).all() == []


def test_deliveries_with_what_they_made(api: Api, owner: Caller, viewer: Caller) -> None:
    hook = owner.create_app(hook=True)["hook"]["id"]
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        rows = [
            Delivery(
                tenant_id=tenant,
                hook_id=hook,
                delivery_id=f"d{n}",
                event="push",
                ref="refs/heads/main",
                commit_sha="a" * 40,
                outcome="deployed" if n else "ignored",
                reason="" if n else "another branch",
            )
            for n in range(3)
        ]
        session.add_all(rows)
    made = make_live(api.services.db, "hello", delivery_row=rows[2].id)
    listed = viewer.get(f"/api/hooks/{hook}/deliveries")["deliveries"]
    assert [each["delivery_id"] for each in listed] == ["d2", "d1", "d0"]
    assert [each["deployments"] for each in listed] == [[made], [], []]
    assert (listed[2]["outcome"], listed[2]["reason"], listed[0]["commit"]) == ("ignored", "another branch", "a" * 40)
    assert len(viewer.get(f"/api/hooks/{hook}/deliveries?limit=1")["deliveries"]) == 1
