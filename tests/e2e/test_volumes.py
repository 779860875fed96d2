"""An app's data from its first deployment to its end, on the whole platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from docker import APIClient

from tests.fixtures.engine import unnamed_volumes
from tests.fixtures.services.registry import running_registry, web_app
from tests.fixtures.stack import Stack
from tests.fixtures.waiting import eventually

PORT = 8123
SERVE = r"""
use IO::Socket::INET;
$SIG{TERM} = sub { exit };
my $server = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 64, ReuseAddr => 1) or die "no port: $!";
while (1) {
  my $client = $server->accept or next;
  my $asked = <$client>;
  while (<$client>) { last if /^\r?\n$/ }
  if ($asked =~ m{^GET /(data|more)/write/(\w+)} && open(my $out, ">>", "/$1/notes")) { print $out "$2 "; close $out }
  my ($text, $folder) = ("", $asked =~ m{^GET /more} ? "more" : "data");
  if (open(my $in, "<", "/$folder/notes")) { local $/; $text = <$in> }
  print $client "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " . length($text) . "\r\n\r\n$text";
  close $client;
}
"""
"""Writes words into /data or /more, and answers with all that were written there."""


@pytest.fixture(scope="module")
def reference(stack: Stack) -> Iterator[str]:
    """An image with a VOLUME that runs as somebody else than root."""
    with running_registry(stack.docker[0], stack.settings.docker_host) as registry:
        files, changes = web_app("notes", PORT)
        registry.push("acme/notes:1", {**files, "serve.pl": SERVE.encode()}, *changes, "VOLUME /data")
        yield f"{registry.host}/acme/notes:1"


def deployed(stack: Stack, deployment: Any) -> dict[str, Any]:
    ended = stack.ended(deployment["id"])
    assert ended["state"] == "live", json.dumps(ended, indent=1)
    return ended


def made(stack: Stack, app: str, reference: str, **settings: Any) -> dict[str, Any]:
    stack.call("POST", "/apps", {"name": app, "image": reference, "settings": settings})
    return deployed(stack, stack.call("POST", f"/apps/{app}/deployments", {}))


def volumes(stack: Stack, app: str) -> dict[str, dict[str, Any]]:
    listed = stack.call("GET", "/volumes")["volumes"]
    return {each["name"]: each for each in listed if each["app"] == app}


def test_what_is_written_stays_until_its_volume_is_removed(stack: Stack, reference: str) -> None:
    first = made(stack, "notes", reference, volumes=[{"path": "/more", "shared": True}])
    assert first["notices"][0].startswith("Volume data (/data) is shared: during a rollout")
    assert len(first["notices"]) == 1
    assert "Volume data (/data) is shared" in stack.cli("deployments", "show", str(first["id"]), "-a", "notes")
    assert stack.get("notes", "/data/write/one").text == "one "
    assert stack.get("notes", "/more/write/un").text == "un ", "not in the image, whose user is not root"

    changed = stack.call("PATCH", "/apps/notes/variables", {"set": {"COLOUR": "red"}})
    deployed(stack, changed["deployment"])
    assert stack.get("notes", "/data/write/two").text == "one two "
    alone = {"volumes": [{"path": "/more"}, {"path": "/data", "shared": False}]}
    alone = deployed(stack, stack.call("PATCH", "/apps/notes", {"settings": alone})["deployment"])
    assert alone["notices"] == [], "one container at a time has each"
    assert stack.api("PUT", "/apps/notes/scale", {"replicas": 2}).status == 409
    deployed(stack, stack.call("POST", "/apps/notes/deployments", {"rebuild": True}))
    deployed(stack, stack.call("POST", "/apps/notes/rollback", {"to": 1}))
    assert stack.get("notes", "/data/write/three").text == "one two three "
    assert stack.get("notes", "/more").text == "un "

    kept = volumes(stack, "notes")
    assert {name: each["path"] for name, each in kept.items()} == {"data": "/data", "more": "/more"}
    assert all(each["size_bytes"] for each in kept.values())
    data = kept["data"]["id"]
    assert stack.api("DELETE", f"/volumes/{data}", X_Slipway_Confirm=data).status == 409
    assert kept["data"]["id"] in stack.cli("volumes", "-a", "notes")

    said = stack.cli("apps", "delete", "notes", "--confirm", "notes")
    assert f"slipway volumes remove {kept['data']['id']}" in said
    eventually(lambda: states(stack, "notes") == {"app deleted"}, within_s=60, what="no replica has them any more")
    eventually(lambda: not stack.containers("name=-acme-notes-"), what="its containers are gone")
    assert volumes(stack, "notes")["data"]["size_bytes"] == kept["data"]["size_bytes"]
    stack.cli("volumes", "remove", kept["data"]["id"], "--confirm", kept["data"]["id"])
    eventually(lambda: set(volumes(stack, "notes")) == {"more"}, what="the volume is removed")


def test_neither_another_tenant_nor_an_app_made_anew_has_the_data(stack: Stack, reference: str) -> None:
    made(stack, "diary", reference)
    assert stack.get("diary", "/data/write/mine").text == "mine "
    [first] = volumes(stack, "diary").values()
    stack.cli("apps", "delete", "diary", "--confirm", "diary")

    other = stack.cli_json("tokens", "create", "--tenant", "gazette", "--name", "tests")["token"]
    own, stack.token = stack.token, other
    try:
        made(stack, "diary", reference)
        assert answer(stack, "diary", "/data/write/theirs") == "theirs "
        assert {each["id"] for each in volumes(stack, "diary").values()}.isdisjoint({first["id"]})
    finally:
        stack.token = own
    assert stack.api("DELETE", f"/volumes/{first['id']}", token=other).status == 404

    again = {"name": "diary", "image": reference}
    eventually(lambda: stack.api("POST", "/apps", again).status == 201, within_s=60, what="the name is free again")
    deployed(stack, stack.call("POST", "/apps/diary/deployments", {}))
    assert answer(stack, "diary", "/data/write/new") == "new "
    assert volumes(stack, "diary").keys() == {"data"}
    assert len(by_id(stack, "diary")) == 2

    stack.cli("apps", "delete", "diary", "--volumes", "--confirm", "diary")
    eventually(lambda: by_id(stack, "diary") == {first["id"]}, within_s=60, what="its own volume goes with it")
    with APIClient(stack.settings.docker_host, version="auto") as api:
        assert unnamed_volumes(api, stack.instance) == set()
        names = {each["Name"] for each in api.volumes()["Volumes"] or []}
    assert f"{stack.instance}-{first['id']}" in names


def states(stack: Stack, app: str) -> set[str]:
    return {each["state"] for each in volumes(stack, app).values()}


def answer(stack: Stack, app: str, path: str) -> str:
    """Of the app of that name in the tenant that asks: each has a host of its own."""
    host = urlsplit(stack.call("GET", f"/apps/{app}")["urls"][0]).hostname
    return stack.request("GET", str(host), path).text


def by_id(stack: Stack, app: str) -> set[str]:
    return {each["id"] for each in stack.call("GET", "/volumes")["volumes"] if each["app"] == app}
