"""Apps' volumes in the Engine: whose they are, what is in them at first, and that nothing unnamed stays behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.adapters.docker.engine import DockerEngine
from slipway.adapters.docker.runtime import DockerRuntime
from slipway.errors import DependencyUnavailable
from slipway.ports.runtime import MountedVolume
from tests.fixtures.engine import EnginePart, unnamed_volumes
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.engine

DATA = MountedVolume("shop-production-data-1", "/srv/data")
LOOK = """
import json, os, sys
path = sys.argv[1]
def attempt():
    try:
        open(path + "/mine", "w").close()
    except OSError as error:
        return error.strerror
    return "written"
seen = os.stat(path)
before = sorted(os.listdir(path))
print(json.dumps({"owner": [seen.st_uid, seen.st_gid], "before": before, "writing": attempt()}))
"""


def seen_in(runtime: DockerRuntime, engine: EnginePart, volume: MountedVolume, **values: Any) -> dict[str, Any]:
    """What a replica finds at the volume's path. It is removed again."""
    spec = engine.spec(volumes=(volume,), argv=("python", "-c", LOOK, volume.path), **values)
    container_id = runtime.start(spec).container_id
    (line,) = eventually(lambda: list(runtime.logs(container_id)), what="it says what it sees")
    assert unnamed_volumes(engine.api, engine.settings.instance) == set()
    runtime.remove(container_id)
    seen: dict[str, Any] = json.loads(line.split(b" ", 1)[1])
    return seen


@pytest.mark.parametrize(
    ("user", "owner"),
    [("10001", [10001, 0]), ("10001:10002", [10001, 10002]), ("daemon", [1, 1]), ("www-data:games", [33, 60])],
)
def test_a_user_of_the_image_can_write_to_a_volume_at_a_path_that_the_image_lacks(
    runtime: DockerRuntime, engine: EnginePart, user: str, owner: list[int]
) -> None:
    digest = engine.image(f"USER {user}")
    first = seen_in(runtime, engine, DATA, digest=digest)
    assert first == {"owner": owner, "before": [], "writing": "written"}
    assert seen_in(runtime, engine, DATA, digest=digest) == {"owner": owner, "before": ["mine"], "writing": "written"}
    assert [container["Names"] for container in engine.api.containers(all=True, filters=engine.ours)] == []


def test_what_the_image_has_there_is_copied_with_its_owner(runtime: DockerRuntime, engine: EnginePart) -> None:
    """/etc/skel belongs to root and is not empty: whose it is stays as the image says."""
    digest = engine.image("USER 10001", "VOLUME /etc/skel")
    seen = seen_in(runtime, engine, MountedVolume("shop-production-skel-1", "/etc/skel"), digest=digest)
    assert (seen["owner"], seen["writing"]) == ([0, 0], "Permission denied")
    assert ".profile" in seen["before"]


def test_a_volume_may_be_mounted_to_be_read_only(runtime: DockerRuntime, engine: EnginePart) -> None:
    seen = seen_in(
        runtime, engine, MountedVolume(DATA.id, DATA.path, read_only=True), digest=engine.image("USER 10001")
    )
    assert seen["writing"] == "Read-only file system"


def test_a_volume_is_labelled_with_whose_it_is(runtime: DockerRuntime, engine: EnginePart) -> None:
    seen_in(runtime, engine, DATA)
    labels = engine.api.inspect_volume(f"{engine.settings.instance}-{DATA.id}")["Labels"]
    assert labels == {
        "slipway.instance": engine.settings.instance,
        "slipway.tenant": "7",
        "slipway.app": "41",
        "slipway.environment": "production",
        "slipway.volume": DATA.id,
    }


def test_volumes_that_the_engine_makes_for_itself_go_with_their_container(
    runtime: DockerRuntime, engine: EnginePart
) -> None:
    """An image may declare what can't be a volume; a tmpfs takes the place of /tmp."""
    digest = engine.image('VOLUME ["/sys/fs/cgroup", "/tmp"]')
    container_id = runtime.start(engine.spec(digest=digest)).container_id
    (name,) = unnamed_volumes(engine.api, engine.settings.instance)
    runtime.remove(container_id)
    assert name not in {each["Name"] for each in engine.api.volumes()["Volumes"] or []}


def test_who_is_killed_between_two_containers_leaves_nothing_in_the_way(
    runtime: DockerRuntime, engine: EnginePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = engine.image("USER 10001")

    def killed(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("docker.APIClient.put_archive", killed)
        crashing = engine.runtime(DockerEngine(engine.settings.docker_host))
        with pytest.raises(DependencyUnavailable):
            crashing.start(engine.spec(digest=digest, volumes=(DATA,)))
        crashing.close()
    assert len(engine.api.containers(all=True, filters=engine.ours)) == 2
    (replica,) = runtime.list()
    assert seen_in(runtime, engine, DATA, digest=digest)["writing"] == "written"
    assert runtime.list() == [], f"{replica} was taken over"
    assert runtime.remove_volume(DATA.id)
    assert engine.api.containers(all=True, filters=engine.ours) == []


def test_a_volume_of_that_name_that_is_not_ours_is_left_alone(runtime: DockerRuntime, engine: EnginePart) -> None:
    name = f"{engine.settings.instance}-somebody-elses"
    engine.api.create_volume(name)
    try:
        assert runtime.remove_volume("somebody-elses")
        assert engine.api.inspect_volume(name)["Name"] == name
    finally:
        engine.api.remove_volume(name)
