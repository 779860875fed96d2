"""Builds of different tenants reach nothing of each other, and nothing of the host."""

from __future__ import annotations

import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.adapters.buildkit import image_builder
from slipway.adapters.buildkit.cgroup import ROOT, Caps
from slipway.adapters.buildkit.image_builder import BuildKit
from slipway.errors import DeploymentFailed
from slipway.ports.building import Built, Interrupted
from tests.fixtures.build_caps import narrow_caps
from tests.fixtures.waiting import eventually
from tests.integration.build.conftest import BASE, Bench, with_rules

pytestmark = pytest.mark.engine


def unique() -> str:
    return secrets.token_hex(12)


def processes_with(words: str) -> list[str]:
    lines = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if words in line and "ps -eww" not in line]


def refused(bench: Bench, dockerfile: str) -> str:
    with pytest.raises(DeploymentFailed) as failure:
        bench.build({"Dockerfile": dockerfile})
    assert failure.value.reason == "dockerfile-refused"
    return failure.value.message


def test_a_cache_mount_is_the_tenants_own(bench: Bench) -> None:
    value = unique()
    write = f"FROM {BASE}\nRUN --mount=type=cache,id=shared,target=/c echo {value} > /c/value\n"
    read = f"FROM {BASE}\nRUN --mount=type=cache,id=shared,target=/c echo {unique()}; cat /c/value\n"
    bench.build({"Dockerfile": write}, tenant="one")
    bench.build({"Dockerfile": read}, tenant="one")
    assert [line for line in bench.lines if line.endswith(f" {value}")]
    with pytest.raises(DeploymentFailed):
        bench.build({"Dockerfile": read.replace("echo ", "echo x")}, tenant="two")


def test_another_apps_image_can_not_be_copied_from(bench: Bench) -> None:
    bench.build({"Dockerfile": f"FROM {BASE}\nCOPY a /a\n", "a": unique()})
    for line in (f"COPY --from={bench.image} /a /b", f"RUN --mount=from={bench.image},target=/x cat /x/a"):
        assert "an image of an app on this host" in refused(bench, f"FROM {BASE}\n{line}\n")
    assert "an image of an app" in refused(bench, f"FROM docker.io/{bench.image}\n")


def test_an_image_that_is_on_the_host_is_used_only_when_listed(bench: Bench) -> None:
    bench.build({"Dockerfile": f"FROM {BASE}\nCOPY a /a\n", "a": unique()})
    name = f"private-{unique()}"
    bench.docker("tag", bench.image, f"{name}:1")
    try:
        assert "builds may not read" in refused(bench, f"FROM {name}:1\n")
        with_rules(bench, name).build({"Dockerfile": f"FROM {name}:1\n"})
    finally:
        bench.docker("rmi", f"{name}:1")


def test_a_secret_is_in_the_step_and_nowhere_in_the_image(bench: Bench) -> None:
    secret = unique()
    step = "RUN --mount=type=secret,id=TOKEN test $(cat /run/secrets/TOKEN | wc -c) = 24"
    bench.build({"Dockerfile": f"FROM {BASE}\n{step} # {unique()}\n"}, hidden={"TOKEN": secret})
    history = bench.docker("history", "--no-trunc", bench.image) + bench.docker("image", "inspect", bench.image)
    assert secret not in history
    assert not [line for line in bench.lines if secret in line]


TAKE = "RUN --mount=type=secret,id=TOKEN cp /run/secrets/TOKEN /taken; cat /taken"


def taken(bench: Bench, dockerfile: str, *, tenant: str, token: str) -> tuple[str, int, int]:
    """What the step that uses the secret left in the image, how many steps came from the cache, and of how many."""
    built = bench.build({"Dockerfile": dockerfile}, tenant=tenant, hidden={"TOKEN": token})
    left = bench.docker("run", "--rm", "--network=none", bench.image, "cat", "/taken")
    return left, built.steps_cached, built.steps_total


@pytest.mark.parametrize(
    "dockerfile",
    [
        f"ARG BASE={BASE}\nFROM $BASE AS first\nRUN echo {{unique}}\n{TAKE}\n"
        "FROM $BASE\nCOPY --from=first /taken /taken\nRUN cat /taken\n",
        f"# escape=`\nFROM {BASE}\nENV HOSTNAME=x TENANT=x\nRUN echo {{unique}} `\n > /x\n{TAKE}\n",
        f"FROM {BASE} AS first\nONBUILD {TAKE} # {{unique}}\nFROM first\nRUN cat /taken\n",
    ],
    ids=["stages", "directive", "onbuild"],
)
def test_a_step_that_saw_a_secret_is_reused_only_by_its_tenant_with_that_secret(bench: Bench, dockerfile: str) -> None:
    dockerfile = dockerfile.replace("{unique}", unique())
    one, two = unique(), unique()
    left, cached, total = taken(bench, dockerfile, tenant="one", token=one)
    assert (left, cached) == (one, 0)
    assert taken(bench, dockerfile, tenant="two", token=two) == (two, 0, total)
    assert taken(bench, dockerfile, tenant="one", token=two)[0] == two, "a changed secret is used"
    assert taken(bench, dockerfile, tenant="one", token=one) == (one, total, total)


def test_a_command_that_another_tenant_ran_runs_anew(bench: Bench) -> None:
    """It may have been prepared: by what the other tenant left in its cache mounts, or by the moment that it chose."""
    dockerfile = f"FROM {BASE}\nRUN head -c 16 /dev/urandom | base64 > /drawn # {unique()}\n"
    drawn = []
    for tenant in ("one", "two", "one"):
        bench.build({"Dockerfile": dockerfile}, tenant=tenant)
        drawn.append(bench.docker("run", "--rm", "--network=none", bench.image, "cat", "/drawn"))
    assert drawn[0] == drawn[2] != drawn[1]


def test_what_keeps_steps_apart_is_not_in_the_image(bench: Bench) -> None:
    bench.build({"Dockerfile": f"FROM {BASE}\nRUN grep invalid /etc/hosts # {unique()}\n"})
    [line] = {line.split()[-1] for line in bench.lines if line.endswith(".invalid")}
    history = bench.docker("history", "--no-trunc", bench.image) + bench.docker("image", "inspect", bench.image)
    assert line not in history
    hosts = bench.docker("run", "--rm", "--network=none", bench.image, "cat", "/etc/hosts")
    assert "invalid" not in hosts


def test_no_registry_credential_of_the_host_is_given_to_a_build(bench: Bench) -> None:
    environment = bench.images._environment()
    bench.build({"Dockerfile": f"FROM {BASE}\n"})
    folder = Path(environment["DOCKER_CONFIG"])
    assert folder.is_relative_to(bench.settings.state_dir)
    assert not (folder / "config.json").exists()


def test_what_no_step_copies_is_nowhere_on_disk(bench: Bench, since: Path) -> None:
    """After builds that succeed, that fail, and that are cancelled."""
    steps = {"success": "true", "failure": "false", "cancel": "sleep 3602"}
    copied, uncopied = ({how: f"{what}-{unique()}" for how in steps} for what in ("copied", "uncopied"))
    files = {
        how: {
            "Dockerfile": f"FROM {BASE}\nCOPY used /used\nRUN {step} # {unique()}\n",
            "used": copied[how],
            "unused": uncopied[how],
            "deep/unused": uncopied[how],
        }
        for how, step in steps.items()
    }
    bench.build(files["success"])
    with pytest.raises(DeploymentFailed):
        bench.build(files["failure"])
    with pytest.raises(Interrupted):
        bench.build(files["cancel"], stopped=lambda: bool(processes_with("sleep 3602")))
    found = bench.left_of([*copied.values(), *uncopied.values()], since)
    assert found == set(copied.values()), "the search finds what was copied, and nothing else"


def test_cancelling_kills_client_and_step(bench: Bench) -> None:
    on_sigterm = threading.Event()
    outcome: list[BaseException] = []

    def build() -> None:
        try:
            bench.build({"Dockerfile": f"FROM {BASE}\nRUN sleep 3603 # {unique()}\n"}, stopped=on_sigterm.is_set)
        except Interrupted as error:
            outcome.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    try:
        eventually(lambda: processes_with("sleep 3603"), within_s=60)
        clients = processes_with(bench.image)
        assert clients
    finally:
        on_sigterm.set()
        thread.join(30)
    assert outcome
    assert processes_with("sleep 3603") == []
    assert processes_with(bench.image) == []
    assert bench.docker("ps", "-aq", "--filter", f"label=slipway.instance={bench.settings.instance}") == ""
    assert bench.docker("images", "-q", bench.image) == ""


def test_cancelling_waits_for_no_step_of_another_build(bench: Bench) -> None:
    ends, on_sigterm = threading.Event(), threading.Event()
    ended: dict[str, float] = {}
    outcome: dict[str, object] = {}

    def build(tenant: str, step: str, stopped: threading.Event) -> None:
        own = replace(bench, lines=[])
        try:
            outcome[tenant] = own.build({"Dockerfile": f"FROM {BASE}\n{step}"}, tenant=tenant, stopped=stopped.is_set)
        except Interrupted as error:
            outcome[tenant], ended[tenant] = error, time.monotonic()

    other = threading.Thread(target=build, args=("other", f"RUN sleep 3605 # {unique()}\n", ends))
    own = threading.Thread(target=build, args=("own", f"RUN sleep 3604 # {unique()}\n", on_sigterm))
    try:
        own.start()
        eventually(lambda: processes_with("sleep 3604"), within_s=60)
        other.start()
        eventually(lambda: processes_with("sleep 3605"), within_s=60)
        on_sigterm.set()
        asked = time.monotonic()
        own.join(30)
        assert isinstance(outcome["own"], Interrupted)
        assert processes_with("sleep 3604") == []
        assert processes_with("sleep 3605"), "the other build goes on"
        assert ended["own"] - asked < image_builder.STEPS_END_TIMEOUT_S / 2
    finally:
        on_sigterm.set()
        ends.set()
        other.join(60)
        own.join(60)
    assert processes_with("sleep 3605") == []


def test_a_step_that_another_build_of_the_tenant_has_come_to_runs_on_for_that_one(bench: Bench) -> None:
    on_sigterm = threading.Event()
    outcome: list[object] = []
    dockerfile = f"FROM {BASE}\nRUN sleep 9.07 # {unique()}\n"

    def build(stopped: Callable[[], bool]) -> None:
        own = replace(bench, lines=[])
        try:
            outcome.append(own.build({"Dockerfile": dockerfile}, stopped=stopped))
        except Interrupted as error:
            outcome.append(error)

    first = threading.Thread(target=build, args=(on_sigterm.is_set,))
    second = threading.Thread(target=build, args=(lambda: False,))
    first.start()
    eventually(lambda: processes_with("sleep 9.07"), within_s=60)
    clients = len(processes_with("--add-host"))
    second.start()
    eventually(lambda: len(processes_with("--add-host")) > clients, within_s=30)
    on_sigterm.set()
    first.join(image_builder.STEPS_END_TIMEOUT_S / 2)
    assert [type(each) for each in outcome] == [Interrupted], "the first one is done, and has waited for nobody"
    second.join(60)
    assert [type(each) for each in outcome] == [Interrupted, Built]


def kept_in_force(caps: Caps) -> Callable[[], bool]:
    """Never stops, and writes the caps anew each time: another installation's build sets its own."""

    def never() -> bool:
        caps.apply()
        return False

    return never


@pytest.mark.skipif(os.geteuid() != 0, reason="cgroups belong to root")
@narrow_caps()
def test_all_builds_together_have_a_memory_cap(bench: Bench) -> None:
    settings = bench.settings
    tight = Caps(600 << 20)
    if not tight.apply():
        pytest.skip("no common cgroup of builds on this host")
    capped = BuildKit(bench.part.cli, settings.docker_host, settings.state_dir, tight, 0)

    def is_refused() -> bool:
        """Not while another installation's builds hold more than that: the kernel keeps the older caps then."""
        hungry = f'RUN python3 -c "b = bytearray(900 << 20); print(len(b))" # {unique()}'
        try:
            bench.build({"Dockerfile": f"FROM {BASE}\n{hungry}\n"}, images=capped, stopped=kept_in_force(tight))
        except DeploymentFailed as error:
            return "may use 600 MB of memory together" in error.message
        return False

    try:
        eventually(is_refused, within_s=60)
    finally:
        Caps(4 << 30).apply()


@pytest.mark.skipif(os.geteuid() != 0, reason="cgroups belong to root")
@narrow_caps()
def test_all_builds_together_have_a_cap_of_processes(bench: Bench) -> None:
    settings = bench.settings
    tight = Caps(4 << 30, pids=100)
    if not tight.apply():
        pytest.skip("no common cgroup of builds on this host")
    capped = BuildKit(bench.part.cli, settings.docker_host, settings.state_dir, tight, 0)
    many = f"RUN for i in $(seq 200); do sleep 3606 & done # {unique()}"
    try:
        with pytest.raises(DeploymentFailed, match=r"could not start another process .* may have 100 together"):
            bench.build({"Dockerfile": f"FROM {BASE}\n{many}\n"}, images=capped, stopped=kept_in_force(tight))
        assert processes_with("sleep 3606") == []
    finally:
        Caps(4 << 30, pids=4096).apply()


def test_a_build_that_fills_the_disk_is_stopped_and_gives_it_back(bench: Bench) -> None:
    settings = bench.settings
    free = bench.images.free_bytes()
    picky = BuildKit(bench.part.cli, settings.docker_host, settings.state_dir, Caps(0), free - (256 << 20))
    fill = f"RUN i=0; while i=$((i+1)); do head -c 64M /dev/zero > /fill-$i; sleep 0.2; done # {unique()}"
    with pytest.raises(DeploymentFailed, match=r"the build was stopped: [\d.]+ GB are free .*builds need") as failed:
        bench.build({"Dockerfile": f"FROM {BASE}\n{fill}\n"}, images=picky)
    assert (failed.value.reason, bool(failed.value.remedy)) == ("disk-full", True)
    assert processes_with("/fill-") == []
    eventually(lambda: bench.images.free_bytes() > free - (200 << 20), within_s=30, what="its files are gone")


def test_caps_are_written_where_either_kind_of_cgroup_keeps_them(tmp_path: Path) -> None:
    one, two = tmp_path / "v1", tmp_path / "v2"
    for folder in ("memory/docker/buildkit", "cpu/docker/buildkit", "pids/docker/buildkit"):
        (one / folder).mkdir(parents=True)
    (two / "docker/buildkit").mkdir(parents=True)
    assert replace(Caps(1 << 30, 1.5, 900), root=one).apply()
    assert (one / "memory/docker/buildkit/memory.limit_in_bytes").read_text() == str(1 << 30)
    assert (one / "cpu/docker/buildkit/cpu.cfs_quota_us").read_text() == "150000"
    assert (one / "cpu/docker/buildkit/cpu.shares").read_text() == "256"
    assert (one / "pids/docker/buildkit/pids.max").read_text() == "900"
    assert replace(Caps(1 << 30, 1.5, 900), root=two).apply()
    assert (two / "docker/buildkit/memory.max").read_text() == str(1 << 30)
    assert (two / "docker/buildkit/cpu.max").read_text() == "150000 100000"
    assert (two / "docker/buildkit/cpu.weight").read_text() == "25"
    assert (two / "docker/buildkit/pids.max").read_text() == "900"
    assert not replace(Caps(1), root=tmp_path / "none").apply()
    assert Path("/sys/fs/cgroup") == ROOT
