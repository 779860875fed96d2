"""Private keys are read by nginx' master and by who brings them; no other process of the workers' user gets at them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from edge_certificates import TlsRig

from slipway.host.edge import WORKER_USER, control_socket

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have workers of another user")

SHOP = "shop.example.org"


def is_refused(*command: object) -> bool:
    """Whether the workers' user may not do this."""
    arguments, user = [*map(str, command)], {"user": WORKER_USER, "group": WORKER_USER, "extra_groups": []}
    done = subprocess.run(arguments, **user, capture_output=True, text=True, check=False)  # type: ignore[call-overload]
    return done.returncode != 0 and "Permission denied" in done.stderr


def test_a_workers_user_opens_no_key_and_not_even_the_index(tls: TlsRig) -> None:
    tls.folder.write("1", [SHOP])
    tls.publish()
    of_default, of_shop = tls.folder.path / "default", tls.folder.path / "1"
    paths = [of_default / "key.pem", of_shop / "key.pem", of_shop / "fullchain.pem", tls.folder.path / "index.json"]

    assert all(path.exists() for path in paths)
    assert all(is_refused("head", "-c1", path) for path in paths)
    assert of_default.stat().st_mode & 0o777 == tls.folder.path.stat().st_mode & 0o777 == 0o700
    assert (of_default / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_workers_user_brings_no_certificate(tls: TlsRig) -> None:
    path = control_socket(tls.rig.edge.settings)
    assert path.exists()
    assert is_refused("stat", path)
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_other_process_reads_the_memory_that_has_keys(tls: TlsRig) -> None:
    workers = tls.rig.edge.status["workers"]

    assert len(workers) == 3
    for pid in workers:
        assert is_refused("head", "-c1", f"/proc/{pid}/mem")
        limits = Path(f"/proc/{pid}/limits").read_text()
        (cores,) = [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size")]
        assert cores == ["0", "0"]


def test_keys_reach_neither_disk_nor_log(tls: TlsRig) -> None:
    made = tls.folder.write("1", [SHOP])
    tls.publish()
    secret = made.key.splitlines()[1]

    state = tls.rig.edge.settings.state_dir
    files = [path for path in state.rglob("*") if path.is_file() and tls.folder.path not in path.parents]
    assert files
    assert [path for path in files if secret in path.read_bytes()] == []
