"""`kill -9` at each step: the next job takes the certificate up, nothing half-issued is left, and what was served is
served until the new one is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis

from builder.certificates import issuing, jobs, removal
from builder.certificates.dependencies import connected
from slipway.adapters import certificate_files
from slipway.core.certificates.states import State
from slipway.domain.certificates import rows as certificates
from slipway.models import now
from slipway.ports.authority import Authority
from tests.fixtures.acme.pebble import RunningPebble
from tests.fixtures.waiting import eventually
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"
_FORK = multiprocessing.get_context("fork")
Patch = Callable[[pytest.MonkeyPatch], None]


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(target: Any, name: str, times: int = 1) -> Patch:
    """Die at the beginning of the n-th call."""
    left = [times]

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(target, name)

        def dying(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                _die()
            return original(*args, **kwargs)

        monkeypatch.setattr(target, name, dying)

    return patch


def _after(target: Any, name: str, times: int = 1) -> Patch:
    """Die at the end of the n-th call."""
    left = [times]

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(target, name)

        def dying(*args: Any, **kwargs: Any) -> Any:
            returned = original(*args, **kwargs)
            left[0] -= 1
            if left[0] == 0:
                _die()
            return returned

        monkeypatch.setattr(target, name, dying)

    return patch


STEPS: dict[str, Patch] = {
    "claimed": _before(issuing, "_left_behind"),
    "checked": _after(issuing, "_check"),
    "counted": _after(issuing, "_begin"),
    "issued, not installed": _before(issuing, "_install"),
    "certificate written, key not": _before(certificate_files, "_write", times=2),
    "installed, not recorded": _before(certificates, "record_issued"),
    "recorded, not published": _before(issuing, "publish"),
    "index written aside": _after(certificate_files, "_write", times=3),
    "published, not released": _before(jobs, "_release"),
}


def _killed_job(installation: Installation, patch: Patch) -> None:
    """Do the job in a process that dies at the step."""
    row = installation.row(HOST)

    def job() -> None:
        patch(pytest.MonkeyPatch())
        with connected(installation.settings) as dependencies:
            jobs.run(dependencies, row.id, row.lease)

    process = _FORK.Process(target=job)
    process.start()
    process.join(240)
    assert process.exitcode == -signal.SIGKILL, "it died at the step"


def _next_job(installation: Installation) -> str | None:
    [(_, lease)] = eventually(installation.due, what="the agent sees that the job is gone")
    assert lease == installation.row(HOST).lease
    return installation.run_job(HOST)


def _nothing_is_left(installation: Installation) -> None:
    row = installation.row(HOST)
    assert (row.state, row.reason, row.heartbeat_at) == (State.ISSUED, "", None)
    assert installation.served(HOST) == row.serial
    assert not list(installation.settings.certificate_dir.glob("*/*.new"))
    assert not list(installation.settings.certificate_dir.glob("*.new"))
    live = installation.settings.certbot_dir / "config" / "live" / f"slipway-{row.id}"
    assert (live / "privkey.pem").read_bytes() == (installation.files(HOST) / "key.pem").read_bytes()
    assert all(each.outcome for each in installation.issuances())
    assert installation.due() == []


@pytest.mark.parametrize("step", STEPS)
def test_a_job_that_is_killed_is_taken_up(installation: Installation, step: str) -> None:
    installation.add_domain(HOST)

    _killed_job(installation, STEPS[step])

    assert (installation.index() == {}) is (step != "published, not released")
    assert _next_job(installation) == "issued"
    _nothing_is_left(installation)
    _asked_no_more_than_needed(installation, step)


@pytest.mark.parametrize("step", STEPS)
def test_a_renewal_that_is_killed_leaves_the_old_one_served(installation: Installation, step: str) -> None:
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "issued"
    old = installation.served(HOST)
    installation.change(HOST, renew_at=now())

    _killed_job(installation, STEPS[step])

    assert (installation.served(HOST) == old) is (step != "published, not released")
    assert _next_job(installation) == "issued"
    assert installation.served(HOST) != old
    _nothing_is_left(installation)
    _asked_no_more_than_needed(installation, step, before=1)


def _asked_no_more_than_needed(installation: Installation, step: str, before: int = 0) -> None:
    """What the authority had issued is not asked for again."""
    outcomes = [each.outcome for each in installation.issuances()][before:]
    assert outcomes == (["interrupted", "issued"] if step == "counted" else ["issued"])


def test_certbot_dies_with_the_job_while_the_authority_looks(installation: Installation, redis_url: str) -> None:
    installation.add_domain(HOST)

    def die_in_the_midst(monkeypatch: pytest.MonkeyPatch) -> None:
        def watch() -> None:
            with Redis.from_url(redis_url) as redis:
                while not any(
                    b"." in cast(bytes, redis.get(key) or b"").split(b" ")[-1] for key in redis.keys("*:acme:*")
                ):
                    time.sleep(0.005)
            _die()

        def then_die(*args: Any) -> Any:
            threading.Thread(target=watch, daemon=True).start()
            return original(*args)

        original = issuing._ask
        monkeypatch.setattr(issuing, "_ask", then_die)

    _killed_job(installation, die_in_the_midst)

    folder = str(installation.settings.certbot_dir)
    eventually(lambda: not _with_words(folder), what="certbot is gone, too")
    assert _next_job(installation) == "issued", installation.row(HOST).detail
    _nothing_is_left(installation)
    assert [each.outcome for each in installation.issuances()] == ["interrupted", "issued"]


def _with_words(words: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line and int(path.parent.name) != os.getpid():
            found.append(line)
    return found


def test_what_certbot_left_half_written_is_no_obstacle(installation: Installation) -> None:
    """As a kill within certbot leaves it: links without what they lead to, and an empty configuration."""
    certificate_id = installation.add_domain(HOST)
    config = installation.settings.certbot_dir / "config"
    live, archive = config / "live" / f"slipway-{certificate_id}", config / "archive" / f"slipway-{certificate_id}"
    for folder in (live, archive, config / "renewal"):
        folder.mkdir(parents=True, mode=0o700)
    for kind in ("cert", "chain", "fullchain", "privkey"):
        (live / f"{kind}.pem").symlink_to(archive / f"{kind}1.pem")
    (archive / "cert1.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (config / "renewal" / f"slipway-{certificate_id}.conf").touch()

    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail
    _nothing_is_left(installation)


REMOVAL_STEPS: dict[str, Patch] = {
    "no longer served": _before(removal, "_revoke"),
    "revoked": _after(removal, "_revoke"),
}


@pytest.mark.parametrize("step", REMOVAL_STEPS)
def test_a_removal_that_is_killed_is_taken_up(installation: Installation, pebble: RunningPebble, step: str) -> None:
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "issued"
    serial = installation.served(HOST)
    installation.remove_domain(HOST)

    _killed_job(installation, REMOVAL_STEPS[step])
    assert installation.index()["certificates"] == {}
    _next_job(installation)

    assert installation.rows() == []
    assert pebble.revoked(serial)


def test_a_job_whose_lease_is_lost_writes_nothing(installation: Installation) -> None:
    """It goes on after another one has begun: as one that the kernel had stopped for a while."""
    installation.add_domain(HOST)

    with connected(installation.settings) as dependencies:

        class Slow:
            def issue(self, *args: Any) -> Any:
                pair = dependencies.authority.issue(*args)
                installation.change(HOST, lease=installation.row(HOST).lease + 1, heartbeat_at=None)
                return pair

            def __getattr__(self, name: str) -> Any:
                return getattr(dependencies.authority, name)

        row = installation.row(HOST)
        slow = replace(dependencies, authority=cast(Authority, Slow()))
        assert jobs.run(slow, row.id, row.lease) is None

    assert installation.row(HOST).serial == ""
    assert installation.index() == {}
