"""Signing and the background courier, without a network."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from slipway.demo.forge.deliveries import MAX_BODY_BYTES, Courier, Delivery, loopback_name, prepare, send, sign

URL = "http://hooks.example/webhooks/github/abc"


def test_the_signature_is_the_one_github_documents() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    assert sign("It's a Secret to Everybody", b"Hello, World!") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )


def test_a_delivery_without_a_secret_is_unsigned() -> None:
    assert not [name for name in prepare(URL, "", "push", {}).headers if "Signature" in name]


def test_a_form_delivery_signs_the_encoded_body_and_parses_to_the_same_payload() -> None:
    delivery = prepare(URL, "s3cret", "push", {"ref": "refs/heads/größe & co"}, content_type="form")

    assert delivery.body.startswith(b"payload=%7B")
    assert delivery.headers["X-Hub-Signature-256"] == sign("s3cret", delivery.body)
    assert delivery.payload == {"ref": "refs/heads/größe & co"}


def test_json_keeps_characters_as_utf_8() -> None:
    assert prepare(URL, "", "push", {"message": "größer"}).body == '{"message":"größer"}'.encode()


def test_what_is_larger_than_25_mb_is_not_sent() -> None:
    outcome = send(prepare(URL, "", "push", b"x" * (MAX_BODY_BYTES + 1)))

    assert outcome.settled
    assert outcome.status is None
    assert "25 MB" in outcome.error


@pytest.mark.parametrize(
    ("host", "address"),
    [("slipway.localhost", "127.0.0.1"), ("localhost", "127.0.0.1"), ("notlocalhost", "notlocalhost")],
)
def test_names_under_localhost_mean_this_machine(host: str, address: str) -> None:
    assert loopback_name(host) == address


class _Receiver:
    """Answers 202, once it may."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.may_answer = threading.Event()

    def __call__(self, delivery: Delivery) -> Delivery:
        self.may_answer.wait(60)
        self.received.append(delivery.event)
        return replace(delivery, settled=True, status=202)


def test_the_deliveries_of_a_hook_arrive_in_order() -> None:
    receiver = _Receiver()
    receiver.may_answer.set()
    courier = Courier(sender=receiver)
    for event in ("ping", "push", "release"):
        courier.dispatch(prepare(URL, "", event, {}))

    assert [d.status for d in courier.settle(10)] == [202, 202, 202]
    assert receiver.received == ["ping", "push", "release"]
    courier.close()


def test_a_delivery_under_way_is_known_and_waited_for() -> None:
    receiver = _Receiver()
    courier = Courier(sender=receiver)
    courier.dispatch(prepare(URL, "", "push", {}))

    assert [d.settled for d in courier.deliveries] == [False]
    with pytest.raises(TimeoutError):
        courier.settle(0.01)
    receiver.may_answer.set()
    assert [d.settled for d in courier.settle(10)] == [True]
    courier.close()


def test_only_the_latest_deliveries_are_kept() -> None:
    receiver = _Receiver()
    receiver.may_answer.set()
    courier = Courier(kept=2, sender=receiver)
    for _ in range(4):
        courier.dispatch(prepare(URL, "", "push", {}))

    assert [d.number for d in courier.settle(10)] == [3, 4]
    courier.close()
