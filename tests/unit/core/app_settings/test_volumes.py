"""Which volumes a release mounts, what they are called, and what a deployment says about them."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.app_settings.model import parse
from slipway.core.app_settings.volumes import (
    NAME_MAX,
    Mount,
    default_name,
    exclude_each_other,
    exclusive_processes,
    mounts,
    sharing_notices,
    unshared,
)
from slipway.errors import InvalidInput

WEB = ("web",)
BOTH = ("web", "worker")


def declared(*volumes: dict[str, Any]) -> tuple[Mount, ...]:
    return parse({"volumes": list(volumes)}).mounts()


@pytest.mark.parametrize(
    ("one", "other", "excluded"),
    [
        ({"path": "/data", "shared": False}, {"path": "/data"}, True),
        ({"path": "/data", "shared": False}, {"path": "/data", "shared": False}, True),
        ({"path": "/data", "shared": False}, {"path": "/data", "read_only": True}, True),
        ({"path": "/data", "shared": False}, {"path": "/other"}, False),
        ({"path": "/data", "shared": False}, {"path": "/data", "name": "another"}, False),
        ({"path": "/data"}, {"path": "/data", "shared": True}, False),
    ],
)
def test_two_releases_exclude_each_other_by_a_volume_that_one_does_not_share(
    one: dict[str, Any], other: dict[str, Any], *, excluded: bool
) -> None:
    assert exclude_each_other(declared(one), declared(other)) is excluded
    assert exclude_each_other(declared(other), declared(one)) is excluded


def test_the_volume_that_keeps_two_apart_is_named_as_the_first_mounts_it() -> None:
    one, other = {"path": "/data"}, {"path": "/srv", "name": "data", "shared": False}
    assert unshared(declared(one), declared(other)) == Mount("data", "/data")
    assert unshared(declared(other), declared(one)) == Mount("data", "/srv", shared=False)


@pytest.mark.parametrize(
    "path",
    ["", "/", "data", "./data", "/data/../etc", "/data//x", "/proc", "/proc/self", "/sys/fs", "/dev/shm", "/etc",
     "/etc/", "/etc/hosts", "/usr", "/bin", "/lib64", "/tmp", "/var", "/run",
     "/data x", "/data\n", "/" + "a" * 250, "/daten-ü"],
)  # fmt: skip
def test_a_path_that_is_none_or_belongs_to_the_system_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="path"):
        declared({"path": path})


@pytest.mark.parametrize("path", ["/data", "/data/", "/var/lib/postgresql/data", "/etc/gitlab", "/home/app/.cache"])
def test_other_paths_are_taken_without_their_last_slash(path: str) -> None:
    assert declared({"path": path})[0].path == path.rstrip("/")


@pytest.mark.parametrize(
    ("volumes", "message"),
    [
        ([{"path": "/data"}, {"path": "/data/"}], "path /data"),
        ([{"path": "/a", "name": "data"}, {"path": "/b", "name": "data"}], "name data"),
        ([{"path": "/data"}, {"path": "/b", "name": "data"}], "name data"),
        ([{"path": "/data", "name": "Data"}], "Data"),
        ([{"path": "/data", "name": "../x"}], "'../x'"),
        ([{"path": "/data", "share": True}], "not a setting"),
        ([{"path": f"/{number}"} for number in range(21)], "at most 20"),
    ],
)
def test_contradictions_are_refused_by_name(volumes: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        declared(*volumes)
    assert message in refused.value.message


def test_a_volume_without_a_name_is_called_after_its_path() -> None:
    assert default_name("/data") == "data"
    assert default_name("/var/lib/data") == "var-lib-data"


def test_no_two_paths_give_one_name() -> None:
    paths = ["/var/lib", "/var-lib", "/var.lib", "/var_lib", "/Var/lib", "/" + "a/" * 60 + "b", "/" + "a/" * 60 + "c"]
    names = [default_name(path) for path in paths]
    assert len(set(names)) == len(paths)
    assert max(map(len, names)) <= NAME_MAX


def test_an_images_volume_and_an_entry_at_its_path_are_one() -> None:
    found = mounts(declared({"path": "/data", "name": "uploads"}), ["/data/", "/cache"], WEB)
    assert [(each.name, each.path) for each in found] == [("uploads", "/data"), ("cache", "/cache")]


def test_of_an_image_only_what_can_be_a_volume_becomes_one() -> None:
    found = mounts((), ["/tmp", "/sys/fs/cgroup", "data", "/", "/data", "/srv//x/", "//y/../z"], WEB)
    assert [each.path for each in found] == ["/data", "/srv/x", "/z"]


def test_a_name_that_an_images_volume_has_already_is_refused() -> None:
    with pytest.raises(InvalidInput, match="two volumes are called data: /elsewhere and /data"):
        mounts(declared({"path": "/elsewhere", "name": "data"}), ["/data"], WEB)


def test_a_process_that_the_app_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the process jobs"):
        mounts(declared({"path": "/data", "processes": ["jobs"]}), (), BOTH)


def test_what_is_not_shared_belongs_to_one_process() -> None:
    with pytest.raises(InvalidInput, match="web and worker would mount it"):
        mounts(declared({"path": "/data", "shared": False}), (), BOTH)
    one = mounts(declared({"path": "/data", "shared": False, "processes": ["worker"]}), (), BOTH)
    assert exclusive_processes(one, BOTH) == {"worker"}
    assert exclusive_processes(mounts(declared({"path": "/data", "shared": False}), (), WEB), WEB) == {"web"}
    assert exclusive_processes(mounts(declared({"path": "/data"}), (), WEB), WEB) == frozenset()


@pytest.mark.parametrize(
    ("values", "replicas", "recreate", "message"),
    [
        ({}, {"web": 1}, False, "during a rollout the old and the new release write to it at the same time."),
        ({}, {"web": 2}, False, "at the same time, and 2 replicas write to it at the same time."),
        ({}, {"web": 1, "worker": 1}, True, "2 replicas write to it"),
        ({}, {"web": 1}, True, None),
        ({"processes": ["web"]}, {"web": 1, "worker": 3}, True, None),
        ({"shared": True}, {"web": 3}, False, None),
        ({"shared": False}, {"web": 1}, True, None),
        ({"read_only": True}, {"web": 3}, False, None),
    ],
)
def test_what_several_write_to_is_said_unless_somebody_said_that_they_may(
    values: dict[str, Any], replicas: dict[str, int], recreate: bool, message: str | None
) -> None:
    notices = sharing_notices(declared({"path": "/data", **values}), replicas, recreate=recreate)
    if message is None:
        assert notices == []
    else:
        (notice,) = notices
        assert notice.startswith("Volume data (/data) is shared: ")
        assert message in notice
        assert "shared = false under [[volumes]]" in notice


def test_a_volume_that_is_mounted_no_longer_is_named_once_it_goes() -> None:
    (notice,) = sharing_notices((), {"web": 1}, recreate=False, no_longer=[Mount("data", "/data")])
    assert notice == "Volume data (/data) is no longer mounted. Its data is kept: slipway volumes"
