"""What every container runtime promises the agent."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from slipway.core.terminal.channels import Size
from slipway.errors import Conflict, DependencyUnavailable, DeploymentFailed, NotFound
from slipway.ports.runtime import Change, Happened, Observed, ReplicaSpec, TerminalSession, TerminalSpec
from tests.contracts.runtime_rigs import MISSING, RuntimeRig
from tests.fixtures.waiting import eventually


def started(rig: RuntimeRig, spec: ReplicaSpec) -> str:
    """The id of the container."""
    return rig.runtime.start(spec).container_id


def only(rig: RuntimeRig) -> Observed:
    (one,) = rig.runtime.list()
    return one


def ended(rig: RuntimeRig) -> Observed | None:
    one = only(rig)
    return None if one.running else one


def test_a_started_replica_is_listed_as_it_was_asked_for(rig: RuntimeRig) -> None:
    spec = rig.spec()
    replica = rig.runtime.start(spec)
    seen = only(rig)
    assert (seen.container_id, seen.address) == (replica.container_id, replica.address)
    assert (seen.replica_id, seen.app_id, seen.tenant_id) == (spec.id, spec.app_id, spec.tenant_id)
    assert (seen.environment, seen.process, seen.release_id, seen.slot) == ("production", "web", 3, spec.slot)
    assert (seen.running, seen.paused, seen.task) == (True, False, False)
    assert seen.exit_code is None
    assert seen.started_at is not None


def test_a_second_start_adopts_the_replica_that_runs(rig: RuntimeRig) -> None:
    first = rig.runtime.start(rig.spec())
    assert rig.runtime.start(rig.spec()) == first
    assert only(rig).container_id == first.container_id


def test_a_replica_has_an_address_of_its_own_and_keeps_it_from_start_to_start(rig: RuntimeRig) -> None:
    rig.runtime.reserve(rig.spec().tenant_id, rig.spec().id)
    first, other = rig.runtime.start(rig.spec()), rig.runtime.start(rig.spec(slot=11))
    assert first.address != other.address
    rig.runtime.remove(first.container_id)
    again = rig.runtime.start(rig.spec())
    assert again.container_id != first.container_id
    assert again.address == first.address


def test_the_address_of_a_replica_that_is_gone_may_be_released_twice(rig: RuntimeRig) -> None:
    first = rig.runtime.start(rig.spec())
    rig.runtime.remove(first.container_id)
    rig.runtime.close_connections(first.address)
    for _ in range(2):
        rig.runtime.release(first.address)
    started(rig, rig.spec())


def test_a_dead_replica_of_that_name_is_started_anew(rig: RuntimeRig) -> None:
    first = started(rig, rig.spec())
    rig.end(first)
    eventually(lambda: ended(rig), what="it ends")
    second = started(rig, replace(rig.spec(), id="r-next"))
    assert second != first
    assert (only(rig).container_id, only(rig).replica_id, only(rig).running) == (second, "r-next", True)


def test_another_replica_that_runs_under_the_name_is_left_alone(rig: RuntimeRig) -> None:
    first = started(rig, rig.spec())
    with pytest.raises(Conflict):
        rig.runtime.start(replace(rig.spec(), id="r-next"))
    assert (only(rig).container_id, only(rig).running) == (first, True)


def test_a_replica_that_ended_is_listed_with_its_exit_code_and_no_address(rig: RuntimeRig) -> None:
    rig.end(started(rig, rig.spec()))
    seen = eventually(lambda: ended(rig), what="it ends")
    assert (seen.exit_code, seen.oom_killed, seen.address) == (0, False, None)


def test_a_start_without_the_image_fails_and_leaves_nothing(rig: RuntimeRig) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        started(rig, replace(rig.spec(), digest=MISSING))
    assert failure.value.reason == "image-missing"
    assert rig.runtime.list() == []


def test_stopping_ends_it_and_twice_is_once(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    rig.runtime.stop(container_id, grace_s=5)
    rig.runtime.stop(container_id, grace_s=5)
    assert (only(rig).running, only(rig).exit_code) == (False, 143)


def test_removing_kills_it_and_twice_is_once(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    rig.runtime.remove(container_id)
    rig.runtime.remove(container_id)
    rig.runtime.stop(container_id, grace_s=1)
    assert rig.runtime.list() == []


def test_the_output_of_what_is_gone_is_not_found(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    rig.runtime.remove(container_id)
    with pytest.raises(NotFound):
        list(rig.runtime.logs(container_id))


def test_a_task_leaves_no_container(rig: RuntimeRig) -> None:
    assert rig.runtime.run_task(rig.spec(), ("true",), timeout_s=20).exit_code == 0
    assert rig.runtime.list() == []


def test_a_task_is_started_once_and_found_again_until_it_is_removed(rig: RuntimeRig) -> None:
    spec, argv = replace(rig.spec(slot=5), id="run-5"), ("python", "-c", "import time; time.sleep(60)")
    first = rig.runtime.start_task(spec, argv)
    assert rig.runtime.start_task(spec, argv) == first
    seen = only(rig)
    assert (seen.container_id, seen.replica_id, seen.running, seen.task) == (first.container_id, "run-5", True, True)
    rig.runtime.stop(first.container_id, grace_s=5)
    assert rig.runtime.start_task(spec, argv) == first, "one that ended is not started again"
    assert not only(rig).running
    rig.runtime.remove(first.container_id)
    rig.runtime.release(first.address)


def said_by(terminal: TerminalSession) -> bytes:
    """All that it prints until it ends."""
    printed = b""
    while (found := terminal.read(timeout_s=5)) is not None:
        printed += b"".join(content for _, content in found)
    return printed


def test_a_program_beside_a_replica_gets_its_input_and_ends_with_its_code(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    terminal = rig.runtime.open_terminal(container_id, TerminalSpec(("cat",)))
    terminal.write(b"one\n")
    terminal.close_input()
    assert said_by(terminal) == b"one\n"
    assert eventually(lambda: [terminal.exit_code()] != [None] and [terminal.exit_code()], what="its code") == [0]
    terminal.end()
    assert only(rig).running, "the replica runs on"


def test_a_program_in_a_terminal_is_ended_and_so_is_one_whose_agent_is_gone(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    first, second = (rig.runtime.open_terminal(container_id, TerminalSpec(("cat",), Size(80, 24))) for _ in range(2))
    first.resize(Size(100, 40))
    first.end()
    first.end()
    eventually(lambda: first.exit_code() is not None, what="it has ended")
    assert second.exit_code() is None
    assert rig.runtime.end_terminals() == 1
    eventually(lambda: second.exit_code() is not None, what="the other has ended too")
    second.end()
    assert only(rig).running


def test_nothing_runs_in_a_replica_that_does_not(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    rig.runtime.stop(container_id, grace_s=5)
    with pytest.raises(NotFound):
        rig.runtime.open_terminal(container_id, TerminalSpec(("cat",)))


def test_a_tenant_may_be_removed_twice(rig: RuntimeRig) -> None:
    rig.runtime.remove(started(rig, rig.spec()))
    for _ in range(2):
        rig.runtime.remove_tenant(rig.spec().tenant)


def test_an_image_that_is_gone_needs_no_removal(rig: RuntimeRig) -> None:
    rig.runtime.remove_image("slipway-test/none:gone")


def test_changes_name_the_app_to_which_something_happened(rig: RuntimeRig) -> None:
    changes = heard(rig)
    container_id = started(rig, rig.spec())
    rig.end(container_id)
    eventually(lambda: ended(rig), what="it ends")
    rig.runtime.remove(container_id)

    def happened() -> list[Change]:
        return [each for each in changes if each.container_id == container_id and each.what != Happened.CHANGED]

    eventually(lambda: len(happened()) == 3, what="its removal is reported")
    assert {(each.app_id, each.replica_id) for each in happened()} == {(41, rig.spec().id)}
    assert [(each.what, each.exit_code) for each in happened()] == [
        (Happened.STARTED, None),
        (Happened.DIED, 0),
        (Happened.REMOVED, None),
    ]


def test_a_process_that_needs_too_much_memory_is_reported_and_the_replica_runs_on(rig: RuntimeRig) -> None:
    changes = heard(rig)
    container_id = started(rig, rig.spec())
    rig.exhaust(container_id)
    short = lambda: [each.container_id for each in changes if each.what == Happened.OUT_OF_MEMORY]  # noqa: E731
    eventually(short, what="it is reported")
    assert set(short()) == {container_id}
    assert only(rig).running


def heard(rig: RuntimeRig) -> list[Change]:
    """What is reported from now on, as it comes."""
    changes: list[Change] = []

    def listen() -> None:
        for change in rig.runtime.changes():
            changes.append(change)

    threading.Thread(target=listen, daemon=True).start()
    probe = replace(rig.spec(slot=99), id="r-probe")

    def is_heard() -> bool:
        rig.runtime.remove(started(rig, probe))
        return bool(changes)

    eventually(is_heard, what="it listens")
    return changes


def test_an_engine_that_does_not_answer_is_unavailable(rig: RuntimeRig) -> None:
    runtime = rig.unreachable()
    for call in (
        runtime.list,
        lambda: runtime.start(rig.spec()),
        lambda: runtime.remove_tenant("acme"),
        lambda: runtime.stop("a" * 64, grace_s=1),
        lambda: runtime.remove("a" * 64),
        lambda: list(runtime.logs("a" * 64)),
        lambda: next(runtime.changes()),
    ):
        with pytest.raises(DependencyUnavailable):
            call()


def test_what_a_running_replica_uses_is_within_its_limits(rig: RuntimeRig) -> None:
    spec = rig.spec()
    container_id = started(rig, spec)

    def has_run() -> bool:
        return rig.runtime.usage(container_id).cpu_s > 0

    eventually(has_run, what="it used some CPU")
    use = rig.runtime.usage(container_id)
    assert (use.cpus_limit, use.memory_limit_bytes, use.processes_limit) == (spec.cpus, spec.memory_bytes, spec.pids)
    assert 0 < use.memory_bytes < spec.memory_bytes
    assert 0 < use.processes <= spec.pids


def test_one_that_ended_uses_nothing(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    rig.end(container_id)
    eventually(lambda: ended(rig), what="it ends")
    with pytest.raises(NotFound):
        rig.runtime.usage(container_id)
    with pytest.raises(NotFound):
        rig.runtime.listeners(container_id)


def test_of_a_replica_that_listens_nowhere_no_socket_is_seen(rig: RuntimeRig) -> None:
    """Not even the Engine's own, which answers questions for names in each container."""
    assert rig.runtime.listeners(started(rig, rig.spec())) == []


def test_output_is_followed_to_its_end_with_signs_of_life(rig: RuntimeRig) -> None:
    container_id = started(rig, rig.spec())
    following = rig.runtime.follow(container_id)
    assert b"" in following, "one that is quiet gives signs of life"
    rig.end(container_id)
    list(following)
    eventually(lambda: ended(rig), what="it ends")


def test_what_is_not_there_can_not_be_followed(rig: RuntimeRig) -> None:
    with pytest.raises(NotFound):
        next(rig.runtime.follow("f" * 64))
