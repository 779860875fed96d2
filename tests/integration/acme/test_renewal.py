"""Certificates are renewed when the authority says so, or when their life is half over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slipway.models import now
from tests.fixtures.acme.challenge_server import ChallengeServer
from tests.fixtures.acme.pebble import RunningPebble, running_pebble
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


@pytest.fixture
def issued(installation: Installation) -> Installation:
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail
    return installation


def _move_window(installation: Installation, pebble: RunningPebble, start: timedelta, end: timedelta) -> None:
    pem = (installation.files(HOST) / "fullchain.pem").read_text()
    pebble.set_window(pem, now() + start, now() + end)
    installation.change(HOST, ask_window_at=now())


def test_a_window_that_moves_renews_three_times(issued: Installation, pebble: RunningPebble) -> None:
    serials = [issued.served(HOST)]
    for _ in range(3):
        _move_window(issued, pebble, timedelta(hours=-2), timedelta(hours=-1))
        assert issued.due(), "the agent sees that it is time"
        assert issued.run_job(HOST) == "issued"
        serials.append(issued.served(HOST))

    assert len(set(serials)) == 4
    assert issued.index()["version"] == 4
    assert [each.is_renewal for each in issued.issuances()] == [False, True, True, True]


def test_a_window_to_come_renews_nothing_now(issued: Installation, pebble: RunningPebble) -> None:
    serial = issued.served(HOST)
    _move_window(issued, pebble, timedelta(days=3), timedelta(days=4))

    assert issued.run_job(HOST) == "issued"

    row = issued.row(HOST)
    assert issued.served(HOST) == serial
    assert row.renew_at is not None
    assert timedelta(days=3) <= row.renew_at - now() + timedelta(seconds=30) <= timedelta(days=4, seconds=30)
    assert row.ask_window_at is not None
    assert timedelta(hours=5) < row.ask_window_at - now() <= timedelta(hours=6)
    assert issued.due() == []


def test_without_an_answer_the_certificates_life_says_when(issued: Installation) -> None:
    serial = issued.served(HOST)
    deaf = issued.with_settings(acme_directory="https://127.0.0.1:1/dir")
    issued.change(HOST, ask_window_at=now(), authority="https://127.0.0.1:1/dir")
    renew_at = issued.row(HOST).renew_at

    assert deaf.run_job(HOST) == "issued"

    assert issued.served(HOST) == serial
    assert issued.row(HOST).renew_at == renew_at
    assert issued.row(HOST).ask_window_at > now()  # type: ignore[operator]


def test_one_of_six_days_is_renewed_after_half_of_them(installation: Installation) -> None:
    short = installation.with_settings(acme_profile="shortlived")
    short.add_domain(HOST)

    assert short.run_job(HOST) == "issued", short.row(HOST).detail

    row = short.row(HOST)
    assert row.not_before is not None
    assert row.renew_at is not None
    assert row.not_after is not None
    assert row.not_after - row.not_before < timedelta(days=6, minutes=1)
    assert timedelta(days=2.6) < row.renew_at - row.not_before <= timedelta(days=3)


def test_a_renewal_that_fails_leaves_the_old_one_served(issued: Installation) -> None:
    serial = issued.served(HOST)
    down = issued.with_settings(acme_directory="https://127.0.0.1:1/dir")
    issued.change(HOST, renew_at=now())

    assert down.run_job(HOST) == "issued"

    row = issued.row(HOST)
    assert (row.reason, row.attempts) == ("authority-down", 1)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > now()
    assert issued.served(HOST) == serial
    assert issued.due() == []


def test_after_a_change_of_the_authority_the_new_one_issues_what_the_old_one_had(
    issued: Installation,
    pebble: RunningPebble,
    tmp_path_factory: pytest.TempPathFactory,
    challenge_server: ChallengeServer,
) -> None:
    """Also where the old one still answers, and says that there is time."""
    serial = issued.served(HOST)
    _move_window(issued, pebble, timedelta(days=3), timedelta(days=4))
    folder = tmp_path_factory.mktemp("other")
    with running_pebble(folder, challenge_server.port) as other:
        both = folder / "both.pem"
        both.write_bytes(pebble.ca_bundle.read_bytes() + other.ca_bundle.read_bytes())
        changed = issued.with_settings(
            acme_directory=other.directory, acme_ca_bundle=str(both), dns_resolvers=other.dns.address
        )
        assert changed.due(), "the agent sees it"
        assert changed.served(HOST) == serial, "the old one is served meanwhile"

        changed.run_job(HOST)

        assert changed.row(HOST).authority == other.directory, changed.row(HOST).detail
        assert changed.served(HOST) != serial
        assert changed.due() == []


def test_the_second_authoritys_certificates_stay_when_the_first_is_back(
    issued: Installation, pebble: RunningPebble
) -> None:
    back = issued.with_settings(acme_directory="https://127.0.0.1:1/dir", acme_fallback=pebble.directory)
    assert back.due() == []
