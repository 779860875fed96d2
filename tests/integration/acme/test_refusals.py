"""When the authority refuses, or is not there: a clear reason, a wait that is obeyed, and nothing half-issued left."""

from __future__ import annotations

import pytest

from builder.certificates.issuing import BUDGET
from slipway.models import now
from tests.fixtures.acme.challenge_server import ChallengeServer
from tests.fixtures.acme.pebble import QUICK, RunningPebble, running_pebble
from tests.fixtures.acme.proxy import Canned, Proxy
from tests.fixtures.ports import free_port
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


def _fails(installation: Installation, reason: str, *, state: str = "waiting", within_s: float = 0) -> None:
    """The job ends with this reason, and the next attempt is later than `within_s` from now."""
    assert installation.run_job(HOST) == state
    row = installation.row(HOST)
    assert row.reason == reason, row.detail
    assert row.detail
    assert row.remedy
    assert row.next_attempt_at is not None
    assert (row.next_attempt_at - now()).total_seconds() > within_s
    assert installation.due() == []
    assert installation.index().get("certificates", {}) == {}
    assert installation.folders() == []


@pytest.fixture
def behind_proxy(installation: Installation, proxy: Proxy) -> Installation:
    behind = installation.with_settings(acme_directory=proxy.directory)
    behind.add_domain(HOST)
    return behind


def test_the_authoritys_limit_is_obeyed_as_long_as_it_says(behind_proxy: Installation, proxy: Proxy) -> None:
    limited = Canned(429, "rateLimited", "too many certificates already issued", {"Retry-After": "7200"})
    proxy.intervene = lambda _, path: limited if path == "/order-plz" else None

    _fails(behind_proxy, "rate-limited", within_s=7100)

    assert "too many certificates" in behind_proxy.row(HOST).detail
    proxy.asked.clear()
    assert behind_proxy.run_job(HOST) is None, "not before it is time"
    assert proxy.asked == []


def test_a_rejected_nonce_is_tried_again_at_once(behind_proxy: Installation, proxy: Proxy) -> None:
    rejected: set[str] = set()

    def first_time(method: str, path: str) -> Canned | None:
        if method != "POST" or path in rejected:
            return None
        rejected.add(path)
        return Canned(400, "badNonce", "an old nonce")

    proxy.intervene = first_time

    assert behind_proxy.run_job(HOST) == "issued", behind_proxy.row(HOST).detail
    assert len(rejected) > 5


def test_an_order_that_expires_midway(behind_proxy: Installation, proxy: Proxy) -> None:
    gone = Canned(403, "orderNotReady", "the order has expired")
    proxy.intervene = lambda _, path: gone if path.startswith("/finalize-order/") else None

    _fails(behind_proxy, "order-failed", within_s=600)

    proxy.intervene = lambda *_: None
    behind_proxy.change(HOST, next_attempt_at=None)
    assert behind_proxy.run_job(HOST) == "issued"


def test_a_name_that_its_policy_excludes_needs_a_hand(installation: Installation) -> None:
    installation.add_domain("blocked.example")

    assert installation.run_job("blocked.example") == "failed"

    row = installation.row("blocked.example")
    assert row.reason == "rejected-name"
    assert "choose another" in row.remedy


def test_an_authority_that_is_down(behind_proxy: Installation, proxy: Proxy) -> None:
    proxy.intervene = lambda *_: Canned(503, "serverInternal", "we are down for maintenance")

    _fails(behind_proxy, "authority-down", within_s=50)


def test_an_authority_whose_certificate_is_none(installation: Installation) -> None:
    """Nothing is sent to whoever can't prove to be the authority."""
    stranger = installation.with_settings(acme_ca_bundle="/etc/ssl/certs/ca-certificates.crt")
    stranger.add_domain(HOST)

    _fails(stranger, "authority-down", within_s=50)


def test_the_second_authority_is_asked_while_the_first_is_down(
    installation: Installation, pebble: RunningPebble
) -> None:
    two = installation.with_settings(
        acme_directory=f"https://127.0.0.1:{free_port()}/dir", acme_fallback=pebble.directory
    )
    two.add_domain(HOST)

    assert two.run_job(HOST) == "issued", two.row(HOST).detail

    assert two.row(HOST).authority == pebble.directory
    assert [each.outcome for each in two.issuances()] == ["authority-down", "issued"]


def test_the_second_authority_is_not_asked_for_what_the_first_refused(behind_proxy: Installation, proxy: Proxy) -> None:
    proxy.intervene = lambda _, path: Canned(400, "rejectedIdentifier", "never") if path == "/order-plz" else None
    two = behind_proxy.with_settings(acme_fallback="https://127.0.0.1:1/dir")

    assert two.run_job(HOST) == "failed"

    assert [each.authority for each in two.issuances()] == [proxy.directory]


def test_five_failed_authorizations_end_the_attempts_for_the_hour(
    behind_proxy: Installation, challenge_server: ChallengeServer
) -> None:
    """Preflight passes, and the authority finds something else: as from a place that we don't see."""
    for _ in range(5):
        behind_proxy.change(HOST, next_attempt_at=None)
        with challenge_server.answering(1):
            assert behind_proxy.run_job(HOST) == "waiting"
        assert behind_proxy.row(HOST).reason == "authorization-failed"
        assert HOST in behind_proxy.row(HOST).detail

    behind_proxy.change(HOST, next_attempt_at=None)
    with challenge_server.answering(1):
        _fails(behind_proxy, BUDGET, within_s=3000)
    assert len(behind_proxy.issuances()) == 5


def test_all_nonces_rejected(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory, challenge_server: ChallengeServer
) -> None:
    environment = QUICK | {"PEBBLE_WFE_NONCEREJECT": "100"}
    folder = tmp_path_factory.mktemp("nonces")
    with running_pebble(folder, challenge_server.port, environment=environment) as rejecting:
        refused = installation.with_settings(
            acme_directory=rejecting.directory,
            acme_ca_bundle=str(rejecting.ca_bundle),
            dns_resolvers=rejecting.dns.address,
        )
        refused.add_domain(HOST)

        _fails(refused, "bad-nonce", within_s=50)


def test_an_authority_that_was_set_up_anew_gives_another_account(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory, challenge_server: ChallengeServer
) -> None:
    with running_pebble(tmp_path_factory.mktemp("anew"), challenge_server.port) as pebble:
        own = installation.with_settings(
            acme_directory=pebble.directory, acme_ca_bundle=str(pebble.ca_bundle), dns_resolvers=pebble.dns.address
        )
        own.add_domain(HOST)
        assert own.run_job(HOST) == "issued", own.row(HOST).detail
        first = own.served(HOST)
        pebble.stop()
        pebble.start()
        own.change(HOST, renew_at=now())

        own.run_job(HOST)

        assert own.row(HOST).reason == "", own.row(HOST).detail
        assert own.served(HOST) != first


def test_the_proxy_passes_on_what_it_does_not_answer(behind_proxy: Installation, proxy: Proxy) -> None:
    assert behind_proxy.run_job(HOST) == "issued", behind_proxy.row(HOST).detail
    assert behind_proxy.row(HOST).authority == proxy.directory
    assert ("POST", "/order-plz") in proxy.asked
