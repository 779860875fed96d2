"""What a replica's container is, looked at from inside and from the Engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.adapters.docker.runtime import DockerRuntime
from slipway.adapters.linux.bridge_names import bridge_name
from slipway.errors import DeploymentFailed
from slipway.ports.runtime import MountedVolume
from tests.fixtures.engine import EnginePart
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.engine

DATA = (MountedVolume("shop-production-data-1", "/data"),)

ASK = """
import json, os, resource
def attempt(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
    return "written"
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
mounts = {line.split()[1]: line.split()[3] for line in open("/proc/mounts")}
print(json.dumps({
    "root": attempt("/probe"), "tmp": attempt("/tmp/probe"), "volume": attempt("/data/probe"),
    "tmp_options": mounts["/tmp"], "capabilities": status["CapEff"], "bounding": status["CapBnd"],
    "no_new_privileges": status["NoNewPrivs"], "init": open("/proc/1/cmdline").read().split("\\0")[0],
    "hostname": os.uname().nodename, "environment": os.environ["GREETING"],
    "oom": open("/proc/self/oom_score_adj").read(),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
}))
"""


def inside(runtime: DockerRuntime, engine: EnginePart, **values: Any) -> dict[str, Any]:
    spec = engine.spec(volumes=DATA, variables={"GREETING": "a=b c"}, argv=("python", "-c", ASK), **values)
    container_id = runtime.start(spec).container_id
    (line,) = eventually(lambda: list(runtime.logs(container_id)), what="it says what it sees")
    answer: dict[str, Any] = json.loads(line.split(b" ", 1)[1])
    return answer


def test_a_replica_can_change_nothing_but_tmp_and_its_volumes(runtime: DockerRuntime, engine: EnginePart) -> None:
    seen = inside(runtime, engine)
    assert (seen["root"], seen["tmp"], seen["volume"]) == ("Read-only file system", "written", "written")
    assert {"noexec", "nosuid", "nodev", "size=65536k"} <= set(seen["tmp_options"].split(","))


def test_an_app_may_ask_for_a_writable_root(runtime: DockerRuntime, engine: EnginePart) -> None:
    seen = inside(runtime, engine, read_only=False)
    assert seen["root"] == "written"
    assert "noexec" not in seen["tmp_options"]


def test_a_replica_has_no_privilege_and_can_get_none(runtime: DockerRuntime, engine: EnginePart) -> None:
    seen = inside(runtime, engine)
    assert int(seen["capabilities"], 16) == int(seen["bounding"], 16) == 0
    assert seen["no_new_privileges"] == "1"


def test_a_replica_runs_under_init_with_its_name_and_variables(runtime: DockerRuntime, engine: EnginePart) -> None:
    seen = inside(runtime, engine)
    assert seen["init"] == "/sbin/docker-init"
    assert (seen["hostname"], seen["environment"]) == ("r-acme-10", "a=b c")
    assert (seen["oom"].strip(), seen["core"]) == ("500", 0)


def test_its_memory_processors_processes_and_output_have_bounds(runtime: DockerRuntime, engine: EnginePart) -> None:
    host = engine.api.inspect_container(runtime.start(engine.spec()).container_id)["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 128 << 20
    assert (host["NanoCpus"], host["PidsLimit"]) == (500_000_000, 64)
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "2"}
    assert host["RestartPolicy"]["Name"] in ("", "no")
    assert [name for name in ("PortBindings", "Binds", "Privileged", "Devices") if host[name]] == []
    assert host["IpcMode"] == "private"


def test_a_replica_that_takes_too_much_memory_is_listed_as_such(runtime: DockerRuntime, engine: EnginePart) -> None:
    hungry = "held = bytearray(200 << 20); print(len(held))"
    runtime.start(engine.spec(argv=("python", "-c", hungry), memory_bytes=48 << 20))
    (seen,) = eventually(lambda: [one for one in runtime.list() if not one.running], what="it is killed")
    assert (seen.exit_code, seen.oom_killed) == (137, True)


def test_removing_a_replica_keeps_its_volume_and_no_other(runtime: DockerRuntime, engine: EnginePart) -> None:
    container_id = runtime.start(engine.spec(volumes=DATA)).container_id
    (mount,) = engine.api.inspect_container(container_id)["Mounts"]
    runtime.remove(container_id)
    assert engine.api.inspect_volume(mount["Name"])["Labels"]["slipway.app"] == "41"


def test_the_tenants_bridge_has_the_name_that_the_firewall_matches(runtime: DockerRuntime, engine: EnginePart) -> None:
    runtime.start(engine.spec())
    network = engine.api.inspect_network(f"{engine.settings.instance}-acme")
    name = network["Options"]["com.docker.network.bridge.name"]
    assert name == bridge_name(engine.settings.instance, "acme")
    assert len(name) == 15


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"memory_bytes": 1000}, "Minimum memory limit allowed is 6MB"),
        ({"cpus": 10_000.0}, "Range of CPUs is from 0.01"),
        ({"volumes": (MountedVolume("data", "/proc"),)}, "/proc"),
    ],
    ids=["memory", "cpus", "mount"],
)
def test_a_refused_start_says_why_and_leaves_nothing(
    runtime: DockerRuntime, engine: EnginePart, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(DeploymentFailed, match=said) as failure:
        runtime.start(engine.spec(**values))
    assert failure.value.reason == "start-refused"
    assert "OCI runtime" not in failure.value.message
    assert runtime.list() == []
