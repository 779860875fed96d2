"""Who is let in, and that all others learn nothing."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from slipway.adapters.vault import Vault, create_key_file
from slipway.core.push import signatures
from slipway.core.push.signatures import sign
from slipway.db import Database
from slipway.models import Hook, HookSecret, now
from tests.fixtures.rows import SECRET, add_secret
from tests.integration.webhook.sender import Hooked, TestClientSender, delivery, push
from webhook.hook_authentication import HookAuthenticator

Make = Callable[..., Hooked]
BODY = delivery("x").body
SHA1 = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()

STRANGERS: dict[str, dict[str, Any]] = {
    "wrong secret": {"secret": "guessed"},
    "no signature": {"headers": {"X-Hub-Signature-256": None, "X-Hub-Signature": None}},
    "only the old signature": {"headers": {"X-Hub-Signature-256": None, "X-Hub-Signature": SHA1}},
    "empty secret": {"headers": {"X-Hub-Signature-256": sign("", BODY)}},
    "empty signature": {"headers": {"X-Hub-Signature-256": ""}},
    "malformed signature": {"headers": {"X-Hub-Signature-256": "sha256=zz"}},
    "signature of another body": {"headers": {"X-Hub-Signature-256": sign(SECRET, BODY + b" ")}},
    "not even text": {"headers": {"X-Hub-Signature-256": "sha256=\xff\xfe"}},
}
NO_HOOKS = ["A" * 43, "-", "x", "A" * 5000, "a%00b", "%F0%9F%98%80", "a%20b", "' OR 1=1 --"]


@pytest.fixture
def refused(sender: TestClientSender) -> bytes:
    answer = sender.send("A" * 43)
    assert answer.status_code == 401
    return answer.data


@pytest.mark.parametrize("how", STRANGERS.values(), ids=STRANGERS)
def test_every_stranger_gets_the_same_answer(
    sender: TestClientSender, hooked: Make, refused: bytes, how: dict[str, Any]
) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, **how)
    assert (answer.status_code, answer.data) == (401, refused)
    assert dict(answer.headers) == dict(sender.send("A" * 43).headers)
    assert acme.deliveries() == []


@pytest.mark.parametrize("hook_id", NO_HOOKS)
def test_an_unknown_hook_gets_the_same_answer(sender: TestClientSender, refused: bytes, hook_id: str) -> None:
    answer = sender.send(hook_id)
    assert (answer.status_code, answer.data) == (401, refused)


def test_one_hooks_secret_opens_no_other_hook(sender: TestClientSender, hooked: Make) -> None:
    acme, other = hooked(secret="one"), hooked(secret="two")
    assert sender.send(other.hook_id, secret="one").status_code == 401
    assert sender.send(acme.hook_id, secret="one").status_code == 202


def test_a_hook_whose_secret_is_empty_admits_nobody(sender: TestClientSender, hooked: Make) -> None:
    acme = hooked(secret="")
    assert sender.send(acme.hook_id, headers={"X-Hub-Signature-256": sign("", BODY)}).status_code == 401


def test_a_hook_without_secrets_admits_nobody(sender: TestClientSender, hooked: Make, database: Database) -> None:
    acme = hooked()
    with database.write(tenant_id=acme.tenant_id) as session:
        session.query(HookSecret).delete()
    assert sender.send(acme.hook_id).status_code == 401


def test_while_a_secret_is_rotated_both_are_valid_until_the_old_one_ends(
    sender: TestClientSender, hooked: Make, database: Database, vault: Vault
) -> None:
    acme = hooked(secret="old")
    add_secret(database, vault, acme.tenant_id, acme.hook_id, "new")
    assert [sender.send(acme.hook_id, secret=each).status_code for each in ("old", "new")] == [202, 202]

    with database.write(tenant_id=acme.tenant_id) as session:
        session.query(HookSecret).order_by(HookSecret.id).first().expires_at = now() - timedelta(seconds=1)  # type: ignore[union-attr]
    assert [sender.send(acme.hook_id, secret=each).status_code for each in ("old", "new")] == [401, 202]


def test_a_secret_that_ends_later_is_valid_now(
    sender: TestClientSender, hooked: Make, database: Database, vault: Vault
) -> None:
    acme = hooked(secret="new")
    add_secret(database, vault, acme.tenant_id, acme.hook_id, "old", expires_at=now() + timedelta(hours=1))
    assert sender.send(acme.hook_id, secret="old").status_code == 202


def test_a_removed_hook_is_an_unknown_one_at_once(sender: TestClientSender, hooked: Make, database: Database) -> None:
    acme = hooked(app=None)
    assert sender.send(acme.hook_id).status_code == 200
    with database.write(tenant_id=acme.tenant_id) as session:
        session.delete(session.get_one(Hook, acme.hook_id))
    assert sender.send(acme.hook_id).status_code == 401


def test_a_secret_sealed_for_another_hook_or_with_a_lost_key_does_not_count(
    sender: TestClientSender, hooked: Make, database: Database, vault: Vault, tmp_path: Any
) -> None:
    acme = hooked(secret="mine")
    create_key_file(tmp_path / "other.key")
    elsewhere = vault.seal("stolen", acme.tenant_id, "another hook")
    lost = Vault(tmp_path / "other.key").seal("lost", acme.tenant_id, acme.hook_id)
    with database.write(tenant_id=acme.tenant_id) as session:
        for sealed in (elsewhere, lost, "", "broken", "1.x.y", elsewhere[:11] + "%%%", elsewhere[:20]):
            session.add(HookSecret(tenant_id=acme.tenant_id, hook_id=acme.hook_id, sealed=sealed))
    assert [sender.send(acme.hook_id, secret=each).status_code for each in ("stolen", "lost")] == [401, 401]
    assert sender.send(acme.hook_id, secret="mine").status_code == 202


def test_an_unknown_hook_costs_the_same_work(
    sender: TestClientSender, hooked: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    digest = signatures._digest

    def counting(secret: str, body: bytes) -> str:
        computed.append(len(body))
        return digest(secret, body)

    acme = hooked()
    monkeypatch.setattr(signatures, "_digest", counting)
    sender.send(acme.hook_id, secret="guessed")
    sender.send("A" * 43, secret="guessed")
    sender.send("A" * 43, headers={"X-Hub-Signature-256": None})
    sent = len(BODY)
    # the sender's own signature is not counted: it is made elsewhere
    assert computed == [sent, sent, sent]


def test_the_unknown_hooks_secret_is_new_in_every_process(database: Database, vault: Vault) -> None:
    made = {vault.open(HookAuthenticator(database, vault)._nobodys_secret, "nobody") for _ in range(5)}
    assert len(made) == 5


def test_a_replayed_body_is_not_admitted_under_another_hook(sender: TestClientSender, hooked: Make) -> None:
    acme, other = hooked(secret="one"), hooked(secret="two")
    signature = sign("one", BODY)
    answers = [
        sender.send(each.hook_id, push(), headers={"X-Hub-Signature-256": signature}).status_code
        for each in (acme, other)
    ]
    assert answers == [202, 401]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_for_known_and_unknown_hooks_alike(
    sender: TestClientSender, hooked: Make, method: str
) -> None:
    client = sender.app.test_client()
    known, unknown = (client.open(f"/webhooks/github/{each}", method=method) for each in (hooked().hook_id, "A" * 43))
    assert (known.status_code, known.data, known.headers["Allow"]) == (405, unknown.data, "POST")
