"""What listens in a container, from one of its processes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from slipway.adapters.linux import listening
from slipway.core.rollout.listeners import Listener
from slipway.errors import NotFound

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
TCP = (
    HEAD
    + f"   0: 0100007F:1F40 00000000:0000 0A {REST}"
    + f"   1: 0B00007F:8F1D 00000000:0000 0A {REST}"
    + f"   2: 00000000:1388 00000000:0000 0A {REST}"
    + f"   3: 0200A8C0:0016 0100A8C0:C350 01 {REST}"
)
TCP6 = (
    HEAD
    + f"   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A {REST}"
    + f"   1: 00000000000000000000000001000000:2328 00000000000000000000000000000000:0000 0A {REST}"
)


def test_sockets_that_listen_are_read_with_their_addresses(tmp_path: Path) -> None:
    folder = tmp_path / "42" / "net"
    folder.mkdir(parents=True)
    (folder / "tcp").write_text(TCP)
    (folder / "tcp6").write_text(TCP6)
    found = listening.of_process(42, tmp_path)
    assert found == [
        Listener("127.0.0.1", 8000),
        Listener("127.0.0.11", 36637),
        Listener("0.0.0.0", 5000),
        Listener("::", 3000),
        Listener("::1", 9000),
    ]
    assert [str(each) for each in found if each.is_local] == ["127.0.0.1:8000", "127.0.0.11:36637", "[::1]:9000"]
    assert [each.port for each in found if each.is_the_engines] == [36637]


def test_a_host_without_ipv6_has_one_table(tmp_path: Path) -> None:
    (tmp_path / "42" / "net").mkdir(parents=True)
    (tmp_path / "42" / "net" / "tcp").write_text(HEAD)
    assert listening.of_process(42, tmp_path) == []


def test_a_process_that_ended_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        listening.of_process(42, tmp_path)


def test_the_kernel_says_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = listening.of_process(os.getpid())
        assert found is not None
        assert Listener("127.0.0.1", server.getsockname()[1]) in found
