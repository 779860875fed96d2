"""What only the real Engine can show."""

from __future__ import annotations

import gc
import secrets
import socket
import subprocess
import threading
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from slipway.adapters.docker.engine import DockerEngine
from slipway.adapters.docker.networks import TenantNetworks
from slipway.adapters.docker.output import CUT_MARK, LINE_MAX_BYTES
from slipway.adapters.docker.runtime import DockerRuntime
from slipway.core.build.image_names import promoted_tag, pulled_tag
from slipway.errors import Conflict, DependencyUnavailable, DeploymentFailed, HostUnready, SubnetTaken
from slipway.ports.runtime import Change, MountedVolume
from tests.fixtures.engine import EnginePart, pause
from tests.fixtures.waiting import eventually
from tests.integration.runtime.relay import Relay

pytestmark = pytest.mark.engine

DATA = (MountedVolume("shop-production-data-1", "/data"),)


def texts(runtime: DockerRuntime, container_id: str) -> list[bytes]:
    return [line.split(b" ", 1)[1] for line in runtime.logs(container_id)]


def test_many_threads_start_at_the_same_time(runtime: DockerRuntime, engine: EnginePart) -> None:
    slots = range(10, 18)
    threads = [threading.Thread(target=runtime.start, args=(engine.spec(slot=slot),)) for slot in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.slot for one in runtime.list()) == list(slots)
    assert len({one.address for one in runtime.list()}) == len(slots)


def test_only_this_installations_containers_are_seen(runtime: DockerRuntime, engine: EnginePart) -> None:
    other = engine.runtime(instance="other")
    with closing(other):
        runtime.start(engine.spec())
        assert other.list() == []


def test_a_name_that_somebody_elses_container_has_is_not_touched(runtime: DockerRuntime, engine: EnginePart) -> None:
    spec = engine.spec()
    theirs = engine.api.create_container(engine.digest, ["true"], name=f"{engine.settings.instance}-{spec.name}")["Id"]
    with pytest.raises(Conflict):
        runtime.start(spec)
    engine.api.remove_container(theirs)


def test_a_container_that_was_made_and_never_started_is_replaced(runtime: DockerRuntime, engine: EnginePart) -> None:
    spec = engine.spec()
    left = engine.api.create_container(
        engine.digest, ["true"], name=f"{engine.settings.instance}-{spec.name}",
        labels={"slipway.instance": engine.settings.instance},
    )["Id"]  # fmt: skip
    assert runtime.start(spec).container_id != left
    assert [one.running for one in runtime.list()] == [True]


def test_a_network_that_somebody_removed_comes_back_with_the_next_start(
    runtime: DockerRuntime, engine: EnginePart
) -> None:
    runtime.remove(runtime.start(engine.spec()).container_id)
    runtime.remove_tenant("acme")
    again = runtime.start(engine.spec())
    assert [one.address for one in runtime.list()] == [again.address]


def test_an_empty_network_moves_to_a_new_range_and_one_in_use_does_not(
    runtime: DockerRuntime, engine: EnginePart
) -> None:
    with closing(DockerEngine(engine.settings.docker_host)) as calls:
        networks = TenantNetworks(calls, engine.settings.instance)
        first, second = [str(each) for each in islice(engine.settings.subnets.subnets(new_prefix=24), 4, 6)]
        for subnet in (first, second, first):
            networks.ensure("globex", subnet)
        runtime.start(engine.spec("globex"))
        with pytest.raises(HostUnready):
            networks.ensure("globex", second)


def test_a_range_that_another_network_has_is_refused_as_taken(engine: EnginePart) -> None:
    subnet = str(next(engine.settings.subnets.subnets(new_prefix=24)))
    with closing(DockerEngine(engine.settings.docker_host)) as calls:
        networks = TenantNetworks(calls, engine.settings.instance)
        networks.ensure("first", subnet)
        with pytest.raises(SubnetTaken, match="overlaps"):
            networks.ensure("second", subnet)
    engine.clean()


def test_an_address_that_is_in_use_fails_the_start_and_leaves_nothing(
    runtime: DockerRuntime, engine: EnginePart
) -> None:
    first = runtime.start(engine.spec())
    engine.book.free(first.address, engine.spec().id)  # so that the next new replica gets it
    with pytest.raises(DeploymentFailed) as failure:
        runtime.start(engine.spec(slot=50))
    assert failure.value.reason == "address-taken"
    assert [one.container_id for one in runtime.list()] == [first.container_id]


def test_output_comes_in_order_with_long_lines_whole(runtime: DockerRuntime, engine: EnginePart) -> None:
    program = "print('first'); print('x' * 50_000); print('naïve'); print('last', end='')"
    container_id = runtime.start(engine.spec(argv=("python", "-c", program))).container_id
    eventually(lambda: not runtime.list()[0].running)
    assert texts(runtime, container_id) == [b"first\n", b"x" * 50_000 + b"\n", "naïve\n".encode(), b"last\n"]
    assert len(list(runtime.logs(container_id, tail=1))) == 1


def test_long_lines_of_both_streams_at_once_stay_apart(runtime: DockerRuntime, engine: EnginePart) -> None:
    program = """
import os
for _ in range(3):
    for stream, letter in ((1, b"o"), (2, b"e")):
        os.write(stream, letter * 20_000)
os.write(1, b"\\n")
os.write(2, b"\\n")
"""
    container_id = runtime.start(engine.spec(argv=("python", "-c", program))).container_id
    eventually(lambda: not runtime.list()[0].running)
    assert sorted(texts(runtime, container_id)) == [b"e" * 60_000 + b"\n", b"o" * 60_000 + b"\n"]


def test_followed_output_comes_as_it_is_written_and_ends_with_the_replica(
    runtime: DockerRuntime, engine: EnginePart
) -> None:
    container_id = runtime.start(engine.spec()).container_id
    with closing(runtime.follow(container_id)) as lines:
        assert next(line for line in lines if line).endswith(b" begins\n")
        engine.api.kill(container_id, signal="SIGUSR1")
        assert [line for line in lines if line] == []


LINES = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
for number in range(300):
    os.write(1, b"%d\\n" % number)
os.write(1, b"x" * 100_000 + b"\\n")
os.write(1, b"10%\\r50%\\r100%\\n")
os.write(1, b"from Windows\\r\\n")
os.write(2, "a".encode() + "é".encode() * 10_000 + b"\\n")
os.write(1, b"\\xff\\n")
signal.sigwait({signal.SIGUSR1})
os.write(1, b"y" * 50_000 + b"\\n")
"""
"""300 lines, one that is cut, one that rewrites itself, one of Windows, one in pieces that cut characters, a broken
one; later one in pieces."""


def test_a_tail_and_what_follows_are_whole_lines_counted_as_lines(runtime: DockerRuntime, engine: EnginePart) -> None:
    container_id = runtime.start(engine.spec(argv=("python", "-c", LINES))).container_id
    special = [
        b"x" * LINE_MAX_BYTES + CUT_MARK + b"\n",
        b"10%\r50%\r100%\n",
        b"from Windows\n",
        b"\xef\xbf\xbd\n",
    ]
    said = eventually(lambda: len(found := texts(runtime, container_id)) == 305 and found, what="all is printed")
    other = next(text for text in said if text.startswith(b"a"))
    assert len(other.decode()) == 10_002
    assert set(other.decode()) == {"a", "é", "\ufffd", "\n"}
    said.remove(other)
    assert said == [b"%d\n" % number for number in range(300)] + special
    for tail in (1, 4, 7, 200, 305, 400):
        assert len(list(runtime.logs(container_id, tail=tail))) == min(tail, 305)
    with closing(runtime.follow(container_id, tail=6)) as lines:
        last, followed = set(runtime.logs(container_id, tail=6)), []
        while not last <= set(followed):
            followed.append(next(filter(None, lines)))
        assert len(followed) < 20, "a few more where a line in pieces began before others ended"
        engine.api.kill(container_id, signal="SIGUSR1")
        assert [line.partition(b" ")[2] for line in lines if line] == [b"y" * 50_000 + b"\n"]
    after = max(followed).partition(b" ")[0].decode()
    rest = [line.partition(b" ")[2] for line in runtime.follow(container_id, after=after) if line]
    assert rest == [b"y" * 50_000 + b"\n"]
    assert [line for line in runtime.follow(container_id, tail=0) if line] == []


def test_a_command_that_the_image_lacks_ends_with_127_and_says_which(
    runtime: DockerRuntime, engine: EnginePart
) -> None:
    container_id = runtime.start(engine.spec(argv=("no-such-program",))).container_id
    (seen,) = eventually(lambda: [one for one in runtime.list() if not one.running])
    assert seen.exit_code == 127
    assert b"no-such-program" in b"".join(texts(runtime, container_id))


def test_a_task_returns_its_code_and_the_end_of_its_output(runtime: DockerRuntime, engine: EnginePart) -> None:
    result = runtime.run_task(engine.spec(), ("sh", "-c", "echo moved; echo failed >&2; exit 3"), timeout_s=20)
    assert (result.exit_code, sorted(result.tail.splitlines())) == (3, ["failed", "moved"])


def test_a_task_that_takes_too_long_is_stopped(runtime: DockerRuntime, engine: EnginePart) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        runtime.run_task(engine.spec(), ("sh", "-c", "echo started; exec sleep 60"), timeout_s=1)
    assert (failure.value.reason, failure.value.tail) == ("pre-deploy-timeout", "started")
    assert runtime.list() == []


def test_a_task_under_way_is_found_again_by_who_comes_after_a_crash(
    runtime: DockerRuntime, engine: EnginePart, tmp_path: Path
) -> None:
    count_and_wait = ("sh", "-c", "echo run >> /data/runs; sleep 1; wc -l < /data/runs")
    spec = engine.spec(volumes=DATA)
    relay = Relay(tmp_path / "engine.sock", engine.settings.docker_host.removeprefix("unix://"))
    crashing = engine.runtime(DockerEngine(f"unix://{tmp_path}/engine.sock"))

    def crash() -> None:
        eventually(lambda: [one for one in runtime.list() if one.running], what="the task runs")
        relay.cut()

    cutter = threading.Thread(target=crash)
    cutter.start()
    with pytest.raises(DependencyUnavailable):
        crashing.run_task(spec, count_and_wait, timeout_s=20)
    cutter.join()
    assert [one.task for one in runtime.list()] == [True]
    assert runtime.run_task(spec, count_and_wait, timeout_s=20).tail.strip() == "1"


def test_a_task_of_another_deployment_runs_anew(runtime: DockerRuntime, engine: EnginePart) -> None:
    spec = engine.spec()
    engine.api.create_container(
        engine.digest, ["true"], name=f"{engine.settings.instance}-{spec.name}-task",
        labels={"slipway.instance": engine.settings.instance, "slipway.deployment": "11"},
    )  # fmt: skip
    assert runtime.run_task(spec, ("echo", "anew"), timeout_s=20).tail == "anew"


def image_of(engine: EnginePart, tag: str, **labels: str) -> str:
    """An image as a build leaves it; returns its digest."""
    container = engine.api.create_container(
        engine.digest, ["true"], labels={"slipway.instance": engine.settings.instance}
    )
    named = {f"slipway.{name}": value for name, value in labels.items()}
    made = str(engine.api.commit(container, conf={"Labels": named})["Id"])
    if tag:
        repository, _, version = tag.rpartition(":")
        engine.api.tag(made, repository, version)
    return made


def test_its_images_are_those_with_its_labels_or_its_tags(runtime: DockerRuntime, engine: EnginePart) -> None:
    instance, token = engine.settings.instance, secrets.token_hex(4)
    built, theirs = f"slipway/{token}:1", f"theirs-{token}:1"
    untagged = image_of(engine, "", instance=instance, deployment="11")
    digest = image_of(engine, built, instance=instance, deployment="12")
    engine.api.tag(digest, f"theirs-{token}", "2")
    image_of(engine, theirs, instance=instance, deployment="13")
    image_of(engine, f"slipway/{token}:2", instance="another", deployment="14")
    pulled = pulled_tag(instance, token, 15, "sha256:" + "c" * 64)
    fetched = image_of(engine, pulled, deployment="16")
    promoted = promoted_tag(secrets.token_hex(4), 17, digest)
    engine.api.tag(digest, *promoted.split(":"))
    try:
        found = [(image.name, image.digest, image.deployment_id) for image in runtime.own_images()]
        expected = [(untagged, untagged, 11), (built, digest, 12), (promoted, digest, 17), (pulled, fetched, 15)]
        assert sorted(found) == sorted(expected)
        for image in runtime.own_images():
            runtime.remove_image(image.name)
        assert runtime.own_images() == []
        assert engine.api.inspect_image(digest)["RepoTags"] == [f"theirs-{token}:2"]
    finally:
        for tag in (theirs, f"theirs-{token}:2", f"slipway/{token}:2"):
            engine.api.remove_image(tag)


def test_changes_end_when_the_engine_stops_answering(
    runtime: DockerRuntime, engine: EnginePart, tmp_path: Path
) -> None:
    relay = Relay(tmp_path / "engine.sock", engine.settings.docker_host.removeprefix("unix://"))
    listening = engine.runtime(DockerEngine(f"unix://{tmp_path}/engine.sock"))
    heard: list[Change | str] = []

    def listen() -> None:
        heard.extend(listening.changes())  # extend keeps what came, one by one
        heard.append("ended")

    listener = threading.Thread(target=listen)
    listener.start()

    def hears() -> bool:
        runtime.remove(runtime.start(engine.spec()).container_id)
        return bool(heard)

    eventually(hears, what="it listens")
    relay.cut()
    listener.join(timeout=10)
    assert heard[-1] == "ended"
    listening.close()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the SDK leaves the socket open that finds nobody
def test_the_engine_is_used_again_after_it_was_unreachable(engine: EnginePart, tmp_path: Path) -> None:
    path, to = tmp_path / "engine.sock", engine.settings.docker_host.removeprefix("unix://")
    runtime = engine.runtime(DockerEngine(f"unix://{path}"))
    first = Relay(path, to)
    runtime.list()
    first.cut()
    path.unlink()
    with pytest.raises(DependencyUnavailable):
        runtime.list()
    second = Relay(path, to)
    assert runtime.list() == []
    runtime.close()
    second.cut()
    gc.collect()


def test_a_frozen_replica_is_seen_as_such_and_can_be_stopped(runtime: DockerRuntime, engine: EnginePart) -> None:
    container_id = runtime.start(engine.spec()).container_id
    pause(engine.api, container_id)
    (seen,) = runtime.list()
    assert (seen.running, seen.paused) == (True, True)
    runtime.stop(container_id, grace_s=5)
    assert [one.running for one in runtime.list()] == [False]


def test_connections_to_an_address_without_a_replica_are_closed(runtime: DockerRuntime, engine: EnginePart) -> None:
    serve = "import socket; s = socket.create_server(('', 8000)); c = s.accept(); print('in', flush=True); s.accept()"
    spec = engine.spec(argv=("python", "-c", serve))
    replica = runtime.start(spec)
    eventually(lambda: runtime.list()[0].running)

    def connected() -> socket.socket | None:
        try:
            return socket.create_connection((replica.address, 8000), timeout=5)
        except OSError:
            return None

    with eventually(connected, what="a connection") as connection:
        pause(engine.api, replica.container_id)  # it will not close it by itself
        runtime.close_connections(replica.address)
        with pytest.raises(ConnectionError):
            connection.recv(1)


def test_an_image_loses_its_tag_and_one_in_use_stays(runtime: DockerRuntime, engine: EnginePart) -> None:
    tag = f"{engine.settings.instance}/shop:abc"
    subprocess.run(
        [engine.cli, "build", "-q", "-t", tag, "-"],
        input=f"FROM {engine.settings.python_image}\nLABEL made.for={tag}\n", text=True, check=True, timeout=120,
        env={"DOCKER_BUILDKIT": "1", "PATH": "/usr/bin:/bin"}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    digest = engine.api.inspect_image(tag)["Id"]
    container_id = runtime.start(engine.spec(digest=digest)).container_id
    runtime.remove_image(tag)
    assert engine.api.inspect_image(digest)["Id"] == digest
    runtime.remove(container_id)
    runtime.remove_image(tag)
    assert not engine.api.images(tag)
