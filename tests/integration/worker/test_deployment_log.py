"""The log of a deployment: live through Redis, kept on disk, whole whatever becomes of Redis."""

from __future__ import annotations

import errno
import gzip
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from slipway.adapters.redis import deployment_log, work_queue
from slipway.adapters.redis.deployment_log import RedisDeploymentLog
from tests.fixtures.services.redis_server import RedisServer


@pytest.fixture
def log(own_redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisDeploymentLog]:
    monkeypatch.setattr(deployment_log, "WAIT_S", 0.3)
    monkeypatch.setattr(deployment_log, "POLL_S", 0.02)
    monkeypatch.setattr(deployment_log, "REDIS_PAUSE_S", 0.05)
    with work_queue.connect(own_redis.url, timeout_s=0.2) as redis:
        yield RedisDeploymentLog(redis, tmp_path)


class Reader(threading.Thread):
    """Follows a log in the background."""

    def __init__(self, log: RedisDeploymentLog, after: str = "0") -> None:
        super().__init__(daemon=True)
        self._log = RedisDeploymentLog(log.redis, log.log_dir)
        self._after = after
        self.got: list[tuple[str, str]] = []
        self.idle = threading.Event()
        self.start()

    def run(self) -> None:
        for position, line in self._log.follow(7, after=self._after):
            if line:
                self.got.append((position, line))
                self.idle.clear()
            else:
                self.idle.set()

    def lines(self) -> list[str]:
        self.join(20)
        assert not self.is_alive(), "following ends with the log"
        return [line for _, line in self.got]


def test_what_is_written_is_read_in_order_before_and_after_the_end(log: RedisDeploymentLog) -> None:
    for number in range(5):
        log.append(7, f"line {number}")
    expected = [f"line {number}" for number in range(5)]
    assert list(log.read(7)) == expected
    log.finish(7)
    assert list(log.read(7)) == expected
    assert [path.name for path in (log.log_dir / "deployments").iterdir()] == ["7.log.gz"]


def test_a_reader_gets_lines_as_they_come_and_ends_with_the_log(log: RedisDeploymentLog) -> None:
    log.append(7, "before")
    reader = Reader(log)
    assert reader.idle.wait(20)
    log.append(7, "while")
    log.append(7, "it follows")
    log.finish(7)
    assert reader.lines() == ["before", "while", "it follows"]


def test_a_reader_comes_back_where_it_left(log: RedisDeploymentLog) -> None:
    for number in range(4):
        log.append(7, f"line {number}")
    log.finish(7)
    everything = list(log.follow(7))
    assert [line for _, line in everything] == ["line 0", "line 1", "line 2", "line 3"]
    assert list(log.follow(7, after=everything[1][0])) == everything[2:]


def test_finishing_twice_is_once_and_what_comes_later_is_added(log: RedisDeploymentLog) -> None:
    log.append(7, "one")
    log.finish(7)
    log.finish(7)
    log.append(7, "two")
    log.finish(7)
    assert list(log.read(7)) == ["one", "two"]
    with gzip.open(log.log_dir / "deployments/7.log.gz", "rt") as kept:
        assert len(kept.readlines()) == 2


def test_a_full_disk_leaves_what_was_kept_and_what_is_to_be_kept(
    log: RedisDeploymentLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(7, "one")
    log.finish(7)
    log.append(7, "two")
    with monkeypatch.context() as disk:
        disk.setattr(gzip.GzipFile, "write", cut_off)
        with pytest.raises(OSError, match="No space left"):
            log.finish(7)
    assert list(log.read(7)) == ["one", "two"]
    log.finish(7)
    assert list(log.read(7)) == ["one", "two"]
    assert names(log) == ["7.log.gz"]


def test_a_kill_before_the_file_is_in_its_place_leaves_the_log_whole(
    log: RedisDeploymentLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(7, "one")
    with monkeypatch.context() as kill:
        kill.setattr(Path, "replace", killed)
        with pytest.raises(Killed):
            log.finish(7)
    log.append(7, "two")
    assert list(log.read(7)) == ["one", "two"]
    log.finish(7)
    assert list(log.read(7)) == ["one", "two"]
    assert names(log) == ["7.log.gz"]


def test_a_kill_before_the_spool_is_removed_repeats_no_line(
    log: RedisDeploymentLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(7, "one")
    log.append(7, "two")
    with monkeypatch.context() as kill:
        kill.setattr(Path, "unlink", killed)
        with pytest.raises(Killed):
            log.finish(7)
    assert names(log) == ["7.log", "7.log.gz"]
    assert list(log.read(7)) == ["one", "two"]
    log.finish(7)
    assert list(log.read(7)) == ["one", "two"]
    assert [line for _, line in log.follow(7)] == ["one", "two"]


@pytest.mark.parametrize("whole", [0, 1])
def test_a_file_that_an_earlier_version_damaged_is_read_as_far_as_possible(log: RedisDeploymentLog, whole: int) -> None:
    member = gzip.compress(b"1-0 one\n1-1 two\n")
    log.append(7, "three")
    damaged = member * whole + member[:-9] + member
    (log.log_dir / "deployments/7.log.gz").write_bytes(damaged)
    expected = ["one", "two"] * whole + ["three"]
    assert list(log.read(7)) == expected
    log.finish(7)
    assert list(log.read(7)) == expected
    assert [line for _, line in log.follow(7)] == expected


def test_a_line_with_a_carriage_return_stays_one_line(log: RedisDeploymentLog) -> None:
    log.append(7, "10%\r100%")
    assert list(log.read(7)) == ["10%\r100%"]
    log.finish(7)
    assert list(log.read(7)) == ["10%\r100%"]


class Killed(BaseException):
    """In place of SIGKILL: nothing catches it."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def cut_off(file: gzip.GzipFile, _data: bytes) -> int:
    """The first bytes of a member reach the disk."""
    cast(Any, file.fileobj).write(b"\x1f\x8b\x08")
    raise OSError(errno.ENOSPC, "No space left on device")


def names(log: RedisDeploymentLog) -> list[str]:
    return sorted(path.name for path in (log.log_dir / "deployments").iterdir())


def test_two_writers_keep_one_order(log: RedisDeploymentLog) -> None:
    other = RedisDeploymentLog(log.redis, log.log_dir)
    for number in range(0, 100, 2):
        log.append(7, str(number))
        other.append(7, str(number + 1))
    log.finish(7)
    other.append(7, "100")
    other.finish(7)
    followed = list(log.follow(7))
    assert [line for _, line in followed] == [str(number) for number in range(101)]
    positions = [tuple(map(int, position.split("-"))) for position, _ in followed]
    assert positions == sorted(set(positions))


def test_nothing_is_lost_while_redis_is_unreachable(log: RedisDeploymentLog, own_redis: RedisServer) -> None:
    log.append(7, "one")
    reader = Reader(log)
    assert reader.idle.wait(20)
    own_redis.stop()
    log.append(7, "two")
    log.append(7, "three")
    own_redis.start()
    log._silent_until = 0.0
    log.append(7, "four")
    log.finish(7)
    assert reader.lines() == ["one", "two", "three", "four"]


def test_redis_emptied_loses_no_line(log: RedisDeploymentLog, own_redis: RedisServer) -> None:
    log.append(7, "one")
    own_redis.flush()
    log.append(7, "two")
    log.finish(7)
    own_redis.flush()
    assert [line for _, line in log.follow(7)] == ["one", "two"]


def test_the_stream_is_bounded_and_the_file_is_not(log: RedisDeploymentLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_log, "STREAM_LINES", 100)
    for number in range(1000):
        log.append(7, str(number))
    assert log.redis.xlen("slipway:log:7") < 400
    log.finish(7)
    assert len(list(log.read(7))) == 1000
    assert 0 < log.redis.ttl("slipway:log:7") <= deployment_log.STREAM_KEPT_S


def test_a_removed_log_is_gone(log: RedisDeploymentLog) -> None:
    log.append(7, "one")
    (log.log_dir / "deployments/7.log.gz.new").touch()
    log.remove(7)
    assert names(log) == []
    assert list(log.read(7)) == []
    assert log.redis.exists("slipway:log:7") == 0
    log.append(7, "new")
    assert list(log.read(7)) == ["new"]
