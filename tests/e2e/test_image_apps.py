"""An app whose image somebody else makes: pulled, live, pulled again when its tag moved, and back without a pull."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.services.registry import PASSWORD, USER, Registry, running_registry, web_app
from tests.fixtures.stack import Stack

PORT = 8123


@pytest.fixture(scope="module")
def registry(stack: Stack) -> Iterator[Registry]:
    with running_registry(stack.docker[0], stack.settings.docker_host, locked=True) as registry:
        yield registry


def publish(registry: Registry, name: str, version: str) -> str:
    files, changes = web_app(version, PORT)
    return registry.push(name, files, *changes)


def deploy(stack: Stack, app: str, *arguments: str) -> dict[str, Any]:
    """By the command; the deployment once it is live."""
    ended = stack.ended(stack.cli_json("deploy", "-a", app, "--no-watch", *arguments)["id"])
    assert ended["state"] == "live", json.dumps(ended, indent=1)
    return ended


def test_an_image_goes_live_follows_its_tag_and_comes_back(stack: Stack, registry: Registry, tmp_path: Path) -> None:
    one = publish(registry, "acme/shop:1", "one")
    (tmp_path / "account").write_text(f"{USER}:{PASSWORD}\n")
    reference = f"{registry.host}/acme/shop:1"
    stack.cli("apps", "create", "pulled", "--image", reference, "--credential-file", str(tmp_path / "account"))
    stack.cli("env", "set", "-a", "pulled", "COLOUR=red")

    first = deploy(stack, "pulled")
    assert stack.get("pulled").text == "one"
    assert stack.get("pulled", "/env/COLOUR").text == "red"
    assert (first["ref"], first["digest"], first["commit"]) == (reference, one, "")
    assert [step["name"] for step in first["steps"]][:3] == ["fetch", "start", "switch"]
    log = stack.cli("deployments", "log", str(first["id"]), "-a", "pulled")
    assert one in log
    assert PASSWORD not in log

    assert stack.ended(stack.cli_json("deploy", "-a", "pulled", "--no-watch")["id"])["state"] == "skipped"

    two = publish(registry, "acme/shop:1", "two")
    second = deploy(stack, "pulled")
    assert (stack.get("pulled").text, second["digest"]) == ("two", two)
    assert second["previous"] == {"id": first["id"], "release": 1, "commit": "", "digest": one}

    three = publish(registry, "acme/shop:3", "three")
    third = deploy(stack, "pulled", "--image", f"{registry.host}/acme/shop:3")
    assert (stack.get("pulled").text, third["digest"]) == ("three", three)
    assert stack.call("GET", "/apps/pulled")["image"] == f"{registry.host}/acme/shop:3"
    stack.cli("env", "set", "-a", "pulled", "COLOUR=blue")
    stack.call("PUT", "/apps/pulled/scale", {"replicas": 2})

    registry.stop()  # going back pulls nothing
    try:
        rollback = stack.call("POST", "/apps/pulled/rollback", {"to": first["release"]["number"]})
        back = stack.ended(rollback["id"])
        assert (back["state"], back["digest"]) == ("live", one)
        assert back["release"]["digest"] == first["release"]["digest"]
        assert (stack.get("pulled").text, stack.get("pulled", "/env/COLOUR").text) == ("one", "red")
        assert one[7:19] in stack.cli("deployments", "-a", "pulled")
        assert f"{registry.host}/acme/shop:3" in stack.cli("apps")

        away = stack.ended(stack.call("POST", "/apps/pulled/deployments", {})["id"])
        assert (away["state"], away["reason"]) == ("failed", "registry-unreachable")
        assert stack.get("pulled").text == "one"
    finally:
        registry.start()
