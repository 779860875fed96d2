"""What every container runtime promises about the data of apps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.errors import DependencyUnavailable, DeploymentFailed
from slipway.ports.runtime import MountedVolume, ReplicaSpec
from tests.contracts.runtime_rigs import MISSING, RuntimeRig

DATA = MountedVolume("shop-production-data-1", "/data")
NOTE = "/data/note"


def started(rig: RuntimeRig, spec: ReplicaSpec) -> str:
    return rig.runtime.start(spec).container_id


def test_a_volume_outlives_its_containers_until_it_is_removed(rig: RuntimeRig) -> None:
    spec = replace(rig.spec(), volumes=(DATA,))
    first = started(rig, spec)
    rig.write(first, NOTE, "kept")
    assert not rig.runtime.remove_volume(DATA.id), "a container has it"
    rig.runtime.remove(first)

    second = started(rig, replace(spec, id="r-next", slot=11, release_id=4))
    assert rig.read(second, NOTE) == "kept"
    assert rig.runtime.volume_sizes()[DATA.id] >= len("kept")
    rig.runtime.remove(second)

    assert rig.runtime.remove_volume(DATA.id)
    assert rig.runtime.remove_volume(DATA.id), "it is gone already"
    assert DATA.id not in rig.runtime.volume_sizes()
    assert rig.read(started(rig, spec), NOTE) is None


def test_several_replicas_may_have_one_volume_and_each_volume_its_own_data(rig: RuntimeRig) -> None:
    spec = replace(rig.spec(), volumes=(DATA,))
    first = started(rig, spec)
    second = started(rig, replace(rig.spec(slot=11), volumes=(DATA,)))
    other = started(rig, replace(rig.spec(slot=12), volumes=(MountedVolume("shop-preview-data-2", "/data"),)))
    rig.write(first, NOTE, "seen by both")
    assert rig.read(second, NOTE) == "seen by both"
    assert rig.read(other, NOTE) is None


def test_an_image_declares_its_volumes_and_a_mount_takes_their_place(rig: RuntimeRig) -> None:
    spec = rig.declare(rig.spec(), "/data")
    assert list(rig.runtime.image_volumes(spec.digest).paths) == ["/data"]
    container_id = started(rig, replace(spec, volumes=(DATA,)))
    assert rig.unnamed_volumes() == set()
    rig.write(container_id, NOTE, "in ours")
    rig.runtime.remove(container_id)
    assert rig.runtime.volume_sizes()[DATA.id] >= len("in ours")


def test_it_is_known_which_volumes_have_files_where_the_images_program_is(rig: RuntimeRig) -> None:
    spec = rig.declare_around_program(rig.spec(), "/usr/lib", "/usr/data")
    found = rig.runtime.image_volumes(spec.digest)
    assert (sorted(found.paths), list(found.with_program)) == (["/usr/data", "/usr/lib"], ["/usr/lib"])
    assert rig.unnamed_volumes() == set(), "nothing was copied"


def test_the_volumes_of_an_image_that_is_gone_are_not_known(rig: RuntimeRig) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        rig.runtime.image_volumes(MISSING)
    assert failure.value.reason == "image-missing"


def test_a_task_has_the_volumes_too(rig: RuntimeRig) -> None:
    spec = replace(rig.spec(), volumes=(DATA,))
    rig.runtime.run_task(spec, ("true",), timeout_s=20)
    assert DATA.id in rig.runtime.volume_sizes()


def test_a_runtime_that_does_not_answer_is_unavailable(rig: RuntimeRig) -> None:
    away = rig.unreachable()
    for call in (
        away.volume_sizes,
        lambda: away.remove_volume(DATA.id),
        lambda: away.image_volumes(MISSING),
    ):
        with pytest.raises(DependencyUnavailable):
            call()
