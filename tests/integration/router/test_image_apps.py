"""Apps whose image somebody else makes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import App, Deployment
from tests.fixtures.api import REPOSITORY, Api, Caller

IMAGE = "registry.example/shop:1.4"
OTHER = "registry.example/shop:1.5"
ELSEWHERE = "other.example/shop:1.4"
ACCOUNT = "acme:the-password"


@pytest.fixture
def shop(owner: Caller) -> Caller:
    """The owner of an app of an image, with a credential."""
    owner.create_app("shop", image=IMAGE, credential=f"{ACCOUNT}\n")
    return owner


def credential(api: Api) -> str | None:
    with api.services.db.read(platform="a test looks") as session:
        app = session.scalars(select(App).filter_by(name="shop")).one()
        return api.services.values.open(app.credential, app.tenant_id, app.id, "credential") if app.credential else None


def image(caller: Caller) -> str:
    return str(caller.get("/api/apps/shop")["image"])


def test_its_credential_is_sealed_and_shown_to_nobody(api: Api, shop: Caller) -> None:
    assert credential(api) == ACCOUNT
    assert "the-password" not in str(shop.get("/api/apps/shop"))


def test_a_deployment_is_of_the_apps_image_and_shows_the_digest_once_it_is_known(api: Api, shop: Caller) -> None:
    made = shop.post("/api/apps/shop/deployments")
    assert (made["source"], made["ref"], made["commit"], made["digest"]) == ("image", IMAGE, "", "")
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, made["id"])
        row.commit_sha = "e" * 64
        for state in (State.FETCHING, State.STARTING, State.LIVE):
            lifecycle.advance(row, state)
    shown = shop.get(f"/api/deployments/{made['id']}")
    assert (shown["commit"], shown["digest"]) == ("", f"sha256:{'e' * 64}")
    assert shown["serving"] == {"id": made["id"], "release": None, "commit": "", "digest": f"sha256:{'e' * 64}"}
    assert shop.get("/api/apps/shop/deployments")["deployments"][0]["digest"] == f"sha256:{'e' * 64}"
    assert shop.get("/api/apps/shop")["live"]["digest"] == f"sha256:{'e' * 64}"


def test_an_image_becomes_the_apps_only_when_it_is_live_and_none_is_set_meanwhile(shop: Caller) -> None:
    made = shop.post("/api/apps/shop/deployments", {"image": OTHER}, Idempotency_Key="one")
    assert (made["ref"], made["message"], image(shop)) == (OTHER, OTHER, IMAGE)
    assert shop.post("/api/apps/shop/deployments", {"image": OTHER}, Idempotency_Key="one")["id"] == made["id"]
    problem = shop.problem(409, "PATCH", "/api/apps/shop", {"image": IMAGE})
    assert f"deployment {made['id']} is about to make {OTHER}" in problem["detail"]
    shop.post(f"/api/deployments/{made['id']}/cancel")
    assert shop.patch("/api/apps/shop", {"image": OTHER})["app"]["image"] == OTHER


def test_a_rebuild_is_asked_for_by_name(shop: Caller) -> None:
    assert shop.post("/api/apps/shop/deployments", {"rebuild": True})["kind"] == "rebuild"


def test_an_image_is_changed_for_the_next_deployment(shop: Caller) -> None:
    assert shop.patch("/api/apps/shop", {"image": OTHER})["deployment"] is None
    assert shop.post("/api/apps/shop/deployments")["ref"] == OTHER


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"ref": "main"}, "runs an image"),
        ({"commit": "a" * 40}, "runs an image"),
        ({"image": OTHER, "ref": "main"}, "neither ref nor commit"),
        ({"image": "not a name"}, "not an image's name"),
        ({"image": "slipway/0123:1"}, "built here"),
        ({"image": "127.0.0.1:5000/shop"}, "inside this host"),
        ({"image": ELSEWHERE}, "credential is for registry.example, and would go to other.example"),
    ],
)
def test_what_can_not_be_deployed_is_refused_and_changes_nothing(shop: Caller, body: object, sentence: str) -> None:
    assert sentence in shop.problem(422, "POST", "/api/apps/shop/deployments", body)["detail"]
    assert image(shop) == IMAGE
    assert shop.get("/api/apps/shop/deployments")["deployments"] == []


def test_a_credential_goes_to_no_other_registry(api: Api, shop: Caller) -> None:
    assert "--credential-file" in shop.problem(422, "PATCH", "/api/apps/shop", {"image": ELSEWHERE})["remedy"]
    assert (image(shop), credential(api)) == (IMAGE, ACCOUNT)
    shop.patch("/api/apps/shop", {"image": ELSEWHERE, "credential": "acme:another"})
    assert (image(shop), credential(api)) == (ELSEWHERE, "acme:another")
    shop.patch("/api/apps/shop", {"image": IMAGE, "credential": None})
    assert (image(shop), credential(api)) == (IMAGE, None)
    shop.patch("/api/apps/shop", {"image": ELSEWHERE})


@pytest.mark.parametrize("given", ["a-token", ":x", "user:"])
def test_a_credential_that_is_none_is_refused_without_showing_it(owner: Caller, shop: Caller, given: str) -> None:
    for method, path, body in (
        ("POST", "/api/apps", {"name": "two", "image": IMAGE, "credential": given}),
        ("PATCH", "/api/apps/shop", {"credential": given}),
    ):
        assert owner.problem(422, method, path, body)["detail"] == "a registry's credential is user:password"


def test_a_repositorys_app_takes_no_image(owner: Caller) -> None:
    owner.create_app()
    for method, path in (("POST", "/api/apps/hello/deployments"), ("PATCH", "/api/apps/hello")):
        assert "built from a repository" in owner.problem(422, method, path, {"image": IMAGE})["detail"]


def test_an_images_app_takes_no_repository(shop: Caller) -> None:
    assert "runs an image" in shop.problem(422, "PATCH", "/api/apps/shop", {"repository": REPOSITORY})["detail"]
