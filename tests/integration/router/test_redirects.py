"""Hosts that redirect to another one of the app, wildcards, and names of other scripts."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from slipway.models import RouteChange
from tests.fixtures.api import Api, Caller

DOMAINS = "/api/apps/hello/domains"
WWW, APEX = "www.shop.example", "shop.example"


@pytest.fixture(autouse=True)
def _app(owner: Caller) -> None:
    owner.create_app()
    owner.post(DOMAINS, {"host": APEX}, status=201)


def test_a_host_redirects_to_another_of_the_app(api: Api, owner: Caller) -> None:
    made = owner.post(DOMAINS, {"host": WWW, "redirect_to": "SHOP.example"}, status=201)
    assert made["redirect_to"] == APEX
    assert [each["redirect_to"] for each in owner.get(DOMAINS)["domains"]] == [None, None, APEX]
    assert [url for url in owner.get("/api/apps/hello")["urls"] if "www" in url] == [], "nothing serves there"


def test_a_redirect_is_set_changed_and_ended_by_adding_the_host_again(api: Api, owner: Caller) -> None:
    owner.post(DOMAINS, {"host": WWW}, status=201)
    owner.post(DOMAINS, {"host": WWW, "redirect_to": APEX}, status=201)
    owner.post(DOMAINS, {"host": WWW, "redirect_to": "hello.localhost"}, status=201)
    owner.post(DOMAINS, {"host": WWW, "redirect_to": "hello.localhost"}, status=201)
    assert owner.post(DOMAINS, {"host": WWW}, status=201)["redirect_to"] is None
    with api.services.db.read(platform="a test looks") as session:
        assert len(session.scalars(select(RouteChange.id).where(RouteChange.host == WWW)).all()) == 4


def test_a_host_does_not_redirect_to_itself(owner: Caller) -> None:
    owner.problem(422, "POST", DOMAINS, {"host": WWW, "redirect_to": WWW})
    owner.problem(422, "POST", DOMAINS, {"host": APEX, "redirect_to": APEX})


def test_redirects_make_no_chain_and_no_circle(owner: Caller) -> None:
    owner.post(DOMAINS, {"host": WWW, "redirect_to": APEX}, status=201)
    chain = owner.problem(409, "POST", DOMAINS, {"host": "web.shop.example", "redirect_to": WWW})
    assert APEX in chain["remedy"]
    circle = owner.problem(409, "POST", DOMAINS, {"host": APEX, "redirect_to": "hello.localhost"})
    assert WWW in circle["detail"]


def test_a_redirect_leads_to_a_host_of_the_app_alone(owner: Caller, stranger: Caller) -> None:
    stranger.create_app("other")
    owner.post(DOMAINS, {"host": "*.shop.example"}, status=201)
    for target in ("nowhere.example", "a.shop.example", "other.localhost"):
        owner.problem(409, "POST", DOMAINS, {"host": WWW, "redirect_to": target})
    for target in ("evil.example/x", "*.shop.example", "//evil.example"):
        owner.problem(422, "POST", DOMAINS, {"host": WWW, "redirect_to": target})
    assert len(owner.get(DOMAINS)["domains"]) == 3


def test_what_is_redirected_to_is_not_removed(owner: Caller) -> None:
    owner.post(DOMAINS, {"host": WWW, "redirect_to": APEX}, status=201)
    assert WWW in owner.problem(409, "DELETE", f"{DOMAINS}/{APEX}")["detail"]
    owner.delete(f"{DOMAINS}/{WWW}")
    owner.delete(f"{DOMAINS}/{APEX}")


def test_a_wildcard_is_a_host_that_has_no_address_of_its_own(owner: Caller) -> None:
    made = owner.post(DOMAINS, {"host": "*.Shop.Example"}, status=201)
    assert made["host"] == "*.shop.example"
    assert not any("*" in url for url in owner.get("/api/apps/hello")["urls"])
    owner.delete(f"{DOMAINS}/*.shop.example")


def test_a_wildcard_never_covers_what_is_the_platforms(owner: Caller) -> None:
    for host in ("*.localhost", "*.slipway.localhost"):
        owner.problem(422, "POST", DOMAINS, {"host": host})
    owner.problem(409, "POST", DOMAINS, {"host": "*.api.localhost"})


def test_a_wildcard_below_ones_own_host_of_the_platform(owner: Caller, stranger: Caller) -> None:
    owner.post(DOMAINS, {"host": "*.hello.localhost"}, status=201)
    stranger.create_app("other")
    stranger.problem(409, "POST", "/api/apps/other/domains", {"host": "*.hello.localhost"})


def test_a_name_of_another_script_has_one_stored_form_and_is_shown_as_written(owner: Caller) -> None:
    made = owner.post(DOMAINS, {"host": "Bücher.example"}, status=201)
    assert (made["host"], made["name"]) == ("xn--bcher-kva.example", "bücher.example")
    assert owner.post(DOMAINS, {"host": "xn--bcher-kva.example"}, status=201) == made
    alike = owner.post(DOMAINS, {"host": "pаypal.example"}, status=201)
    assert alike["name"] == alike["host"] == "xn--pypal-4ve.example"
    owner.delete(f"{DOMAINS}/BÜCHER.example")
