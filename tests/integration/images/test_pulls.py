"""An image comes from its registry, always, and nothing of the host's owner is touched; failures say what they are."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

import pytest

from slipway.errors import DeploymentFailed
from slipway.ports.building import Interrupted, RegistryImage
from tests.fixtures.engine import remove_installation
from tests.fixtures.ports import free_port
from tests.fixtures.services.registry import PASSWORD, USER, Registry, Relay
from tests.integration.images.conftest import Harbour, never

pytestmark = pytest.mark.engine
BIG = 4 << 20
MakeRelay = Callable[..., Relay]


def unique(size: int = 32) -> dict[str, bytes]:
    return {"marker": secrets.token_bytes(size)}


def test_a_tag_is_looked_up_pulled_by_digest_and_kept_by_a_name_of_ours(harbour: Harbour, registry: Registry) -> None:
    digest = registry.push("acme/shop:1", unique(), "EXPOSE 9000", "EXPOSE 8123", "EXPOSE 53/udp", "USER 10001")
    reference, tag = f"{registry.host}/acme/shop:1", harbour.tag()
    assert harbour.images.resolve(RegistryImage(reference), stopped=never) == digest
    pulled = harbour.pull(reference, tag=tag)
    assert (pulled.exposed_port, pulled.user) == (8123, "10001")
    found = harbour.part.api.inspect_image(pulled.digest)
    assert (found["RepoTags"], found["RepoDigests"]) == ([tag], [])
    assert harbour.marks() == []
    assert "0 of 1 layer was here" in pulled.note
    assert [line.rpartition(" is ")[2] for line in harbour.lines] == ["here"] or len(harbour.lines) == 2


def test_a_moved_tag_and_a_digest_give_what_they_name(harbour: Harbour, registry: Registry) -> None:
    old = registry.push("acme/moved:1", unique())
    new = registry.push("acme/moved:1", unique())
    asked = [f"{registry.host}/acme/moved{version}" for version in (":1", f"@{old}", f":1@{old}")]
    resolved = [harbour.images.resolve(RegistryImage(each), stopped=never) for each in asked]
    assert resolved == [new, old, old]
    assert harbour.pull(asked[0]).digest != harbour.pull(asked[1]).digest


def test_an_image_without_a_tag_is_the_latest_alone(harbour: Harbour, registry: Registry) -> None:
    registry.push("acme/many:1", unique())
    latest = registry.push("acme/many:latest", unique())
    image = RegistryImage(f"{registry.host}/acme/many")
    assert harbour.images.resolve(image, stopped=never) == latest


def test_what_the_hosts_owner_pulled_stays_as_it_was(harbour: Harbour, registry: Registry) -> None:
    reference = f"{registry.host}/acme/owners:1"
    registry.push("acme/owners:1", unique())
    harbour.part.api.pull(reference)
    before = harbour.part.api.inspect_image(reference)
    tag = harbour.tag()
    try:
        assert harbour.pull(reference, tag=tag).digest == before["Id"]
        harbour.part.runtime().remove_image(tag)
        after = harbour.part.api.inspect_image(reference)
        assert (after["RepoTags"], after["RepoDigests"]) == (before["RepoTags"], before["RepoDigests"])
    finally:
        harbour.part.api.remove_image(reference)


def test_removing_our_tag_removes_what_only_we_pulled(harbour: Harbour, registry: Registry) -> None:
    registry.push("acme/gone:1", unique())
    tags = [harbour.tag(), harbour.tag()]
    [digest] = {harbour.pull(f"{registry.host}/acme/gone:1", tag=tag).digest for tag in tags}
    runtime = harbour.part.runtime()
    runtime.remove_image(tags[0])
    assert harbour.has(digest)
    runtime.remove_image(tags[1])
    assert not harbour.has(digest)


def test_what_was_pulled_goes_with_the_installation(harbour: Harbour, registry: Registry) -> None:
    registry.push("acme/left:1", unique())
    digest = harbour.pull(f"{registry.host}/acme/left:1").digest
    remove_installation(harbour.part.api, harbour.part.settings.instance)
    assert not harbour.has(digest)


# never what only this host has


def test_a_name_that_only_this_host_has_is_missing(harbour: Harbour, registry: Registry) -> None:
    name = f"{registry.host}/acme/local"
    harbour.part.api.tag(harbour.part.digest, name, "1")
    try:
        assert harbour.refused(f"{name}:1").reason == "image-missing"
    finally:
        harbour.part.api.remove_image(f"{name}:1")


def test_the_name_of_a_build_is_refused(harbour: Harbour) -> None:
    tag = f"slipway/{secrets.token_hex(16)}:1"
    harbour.part.api.tag(harbour.part.digest, *tag.split(":"))
    try:
        assert harbour.refused(tag).reason == "image-refused"
    finally:
        harbour.part.api.remove_image(tag)


def test_a_registry_that_names_the_id_of_a_build_does_not_get_it(harbour: Harbour, registry: Registry) -> None:
    """The Engine pulls nothing when it has an image of that id, whoever built it."""
    registry.push("acme/trick:1", unique())
    reference, build = f"{registry.host}/acme/trick:1", f"slipway/{secrets.token_hex(16)}:1"
    harbour.part.api.pull(reference)
    harbour.part.api.tag(reference, *build.split(":"))
    harbour.part.api.remove_image(reference)
    try:
        failed = harbour.refused(reference)
        assert (failed.reason, "built on this host" in failed.message) == ("image-refused", True)
        assert harbour.part.api.inspect_image(build)["RepoTags"] == [build]
        assert harbour.marks() == []
    finally:
        harbour.part.api.remove_image(build)


@pytest.mark.parametrize("reference", ["127.0.0.1:5000/a/b:1", "localhost/a/b:1", "10.1.2.3:80/a:1"])
def test_a_registry_inside_is_refused_unless_the_owner_lists_it(harbour: Harbour, reference: str) -> None:
    harbour.allowed = ("public",)
    failed = harbour.refused(reference)
    assert (failed.reason, "SLIPWAY_REGISTRIES" in failed.remedy) == ("image-refused", True)


def test_a_name_that_leads_inside_is_refused(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("169.254.169.254", 0))])
    harbour.allowed = ("public",)
    assert "resolves to 169.254.169.254" in harbour.refused("innocent.example/a/b:1").message


# failures


def test_an_image_that_is_not_there_is_missing(harbour: Harbour, registry: Registry) -> None:
    registry.push("acme/there:1", unique())
    for name in ("acme/there:2", "acme/nowhere:1", f"acme/there@sha256:{'a' * 64}"):
        assert harbour.refused(f"{registry.host}/{name}").reason == "image-missing"


def test_a_locked_registry_gives_to_the_right_credential_alone(harbour: Harbour, locked: Registry) -> None:
    locked.push("acme/private:1", unique())
    reference = f"{locked.host}/acme/private:1"
    without, wrong = harbour.refused(reference), harbour.refused(reference, f"{USER}:not-the-password")
    assert (without.reason, wrong.reason) == ("image-refused", "image-refused")
    assert "--credential-file" in without.remedy
    assert "not-the-password" not in f"{wrong} {wrong.remedy} {wrong.tail} {harbour.lines}"
    assert harbour.pull(reference, f"{USER}:{PASSWORD}").size_bytes > 0
    assert PASSWORD not in str(harbour.lines)


def test_an_unreachable_registry_has_a_reason_of_its_own(harbour: Harbour) -> None:
    failed = harbour.refused(f"127.0.0.1:{free_port()}/acme/shop:1")
    assert (failed.reason, "connection refused" in failed.message) == ("registry-unreachable", True)


def test_an_image_for_another_platform_is_refused_before_it_is_pulled(harbour: Harbour, registry: Registry) -> None:
    other = {"amd64": "arm64"}.get(harbour.part.api.version()["Arch"], "amd64")
    registry.push_foreign("acme/foreign:1", other)
    with pytest.raises(DeploymentFailed, match=f"linux/{other}") as failed:
        harbour.images.resolve(RegistryImage(f"{registry.host}/acme/foreign:1"), stopped=never)
    assert failed.value.reason == "image-platform"


def test_a_disk_without_room_refuses_before_the_pull(harbour: Harbour, registry: Registry) -> None:
    registry.push("acme/room:1", unique())
    harbour.room.free = 0
    with pytest.raises(DeploymentFailed) as failed:
        harbour.pull(f"{registry.host}/acme/room:1")
    assert failed.value.reason == "disk-full"


# stopped


@pytest.fixture
def big(registry: Registry) -> str:
    registry.push("acme/big:1", unique(BIG))
    return "acme/big:1"


def test_a_cancel_stops_the_engines_pull(harbour: Harbour, relay: MakeRelay, big: str) -> None:
    slow = relay(1 << 20)
    with pytest.raises(Interrupted):
        harbour.pull(f"{slow.host}/{big}", stopped=slow.slow.is_set)
    assert slow.hung_up.wait(60)
    assert slow.through < BIG
    assert harbour.marks() == []


def test_a_registry_that_does_not_answer_is_given_up_when_the_work_stops(
    harbour: Harbour, relay: MakeRelay, big: str
) -> None:
    mute = relay(0, mute=True)
    with pytest.raises(Interrupted):
        harbour.pull(f"{mute.host}/{big}", stopped=mute.slow.is_set)


def test_a_pull_that_takes_too_long_is_stopped(harbour: Harbour, relay: MakeRelay, big: str) -> None:
    slow = relay(1 << 20)
    with pytest.raises(DeploymentFailed) as failed:
        harbour.pull(f"{slow.host}/{big}", timeout_s=0.5)
    assert failed.value.reason == "pull-timeout"
    assert slow.hung_up.wait(60)


def test_an_image_that_would_fill_the_disk_is_stopped(harbour: Harbour, relay: MakeRelay, big: str) -> None:
    slow = relay(1 << 20)

    def fill() -> None:
        assert slow.slow.wait(60)
        harbour.room.free = 0

    filling = threading.Thread(target=fill)
    filling.start()
    failed = harbour.refused(f"{slow.host}/{big}")
    filling.join()
    assert failed.reason == "image-too-large"
    assert slow.hung_up.wait(60)
