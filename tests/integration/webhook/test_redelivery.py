"""The same delivery again, later or at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from slipway.db import Database
from slipway.models import App
from tests.integration.webhook.sender import Hooked, TestClientSender, delivery, push

Make = Callable[..., Hooked]


def test_a_delivery_that_comes_twice_makes_one_deployment(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app="api")
    acme.add_app("web")
    first, second = (sender.send(acme.hook_id, delivery_id="d-1") for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json == second.json
    assert (len(acme.deployments()), len(acme.deliveries())) == (2, 1)


def test_ten_at_once_make_one_deployment_and_all_get_its_address(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: sender.send(acme.hook_id, delivery_id="d-1"), range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.data for answer in answers}) == 1
    assert len(acme.deployments()) == 1


def test_ten_ignored_at_once_are_recorded_once(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app=None)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: sender.send(acme.hook_id, delivery_id="d-1"), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(acme.deliveries()) == 1


def test_ten_pushes_at_once_each_get_their_own_place_in_the_order(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app="api")
    acme.add_app("web")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: sender.send(acme.hook_id, push(after=f"{n:040x}")), range(1, 11)))
    assert {answer.status_code for answer in answers} == {202}
    for app in acme.apps.values():
        assert sorted(each.sequence for each in acme.deployments() if each.app_id == app.id) == list(range(1, 11))


def test_a_delivery_that_deployed_nothing_is_looked_at_again(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app=None)
    assert sender.send(acme.hook_id, delivery_id="d-1").status_code == 200
    acme.add_app("hello")
    assert sender.send(acme.hook_id, delivery_id="d-1").status_code == 202
    assert [(each.outcome, each.reason) for each in acme.deliveries()] == [("deployed", "")]


def test_a_delivery_that_deployed_is_not_looked_at_again(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(app="api")
    sender.send(acme.hook_id, delivery_id="d-1")
    acme.add_app("web")
    answer = sender.send(acme.hook_id, delivery_id="d-1")
    assert [made["app"] for made in answer.json["deployments"]] == ["api"]  # type: ignore[index]


def test_without_a_number_the_same_bytes_are_the_same_delivery(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    for headers in ({"X-GitHub-Delivery": None}, {"X-GitHub-Delivery": ""}, {"X-GitHub-Delivery": "x" * 101}):
        assert sender.send(acme.hook_id, headers=headers).status_code == 202
    assert len(acme.deployments()) == 1
    assert acme.deliveries()[0].delivery_id.startswith("sha256:")

    assert sender.send(acme.hook_id, push(after="3" * 40), headers={"X-GitHub-Delivery": None}).status_code == 202
    assert len(acme.deployments()) == 2


def test_another_number_with_the_same_body_is_another_delivery(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked()
    sent = delivery(acme.hook_id)
    for number in ("d-1", "d-2"):
        headers = sent.headers | {"X-GitHub-Delivery": number}
        assert sender.app.test_client().post(sent.path, data=sent.body, headers=headers).status_code == 202
    assert [each.idempotency_key for each in acme.deployments()] == [
        f"delivery:{acme.hook_id}:d-1",
        f"delivery:{acme.hook_id}:d-2",
    ]


def test_the_same_number_at_two_hooks_is_two_deliveries(sender: TestClientSender, hooked: Make) -> None:
    acme, other = hooked(), hooked()
    assert [sender.send(each.hook_id, delivery_id="d-1").status_code for each in (acme, other)] == [202, 202]
    assert (len(acme.deployments()), len(other.deployments())) == (1, 1)


def test_deployments_of_a_removed_app_are_gone_and_the_delivery_is_looked_at_again(
    sender: TestClientSender, hooked: Make, database: Database
) -> None:
    acme = hooked()
    sender.send(acme.hook_id, delivery_id="d-1")
    with database.write(tenant_id=acme.tenant_id) as session:
        session.delete(session.get_one(App, acme.apps["hello"].id))
    assert sender.send(acme.hook_id, delivery_id="d-1").status_code == 200
