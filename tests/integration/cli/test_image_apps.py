"""Apps of images, by the command."""

from __future__ import annotations

import json

from slipway.cli.exit_codes import Exit
from tests.integration.cli.rig import User

IMAGE = "registry.example/shop:1.4"


def test_an_app_is_made_of_an_image_and_shown_so(slipway: User, tenant: str) -> None:
    name = f"shop-{tenant}"
    made = slipway("apps", "create", name, "--image", IMAGE, "--credential-file", "-", stdin="acme:password")
    assert f"{name} is ready to be deployed (slipway deploy -a {name}): http://" in made.out
    assert slipway("apps").lines[1].split()[-1] == IMAGE
    assert IMAGE in slipway("apps", "show", name).out
    both = slipway("apps", "create", "x", "--image", IMAGE, "--repository", "https://a.example/b/c", code=Exit.USAGE)
    assert "a repository or from an image" in both.err


def test_an_image_is_deployed_and_set(slipway: User, tenant: str) -> None:
    name = f"shop-{tenant}"
    slipway("apps", "create", name, "--image", IMAGE)
    first = json.loads(slipway("deploy", "-a", name, "--no-watch", "--json").out)
    assert (first["ref"], first["source"]) == (IMAGE, "image")
    other = json.loads(slipway("deploy", "-a", name, "--image", "registry.example/shop:2", "--no-watch", "--json").out)
    assert (other["ref"], other["id"] != first["id"]) == ("registry.example/shop:2", True)
    assert "about to make" in slipway("apps", "set", "-a", name, f"image={IMAGE}", code=Exit.FAILED).err
    assert slipway("apps", "show", name, "--json").json["image"] == IMAGE
    assert [line.split()[2] for line in slipway("deployments", "-a", name).lines[1:]] == ["shop:2", "shop:1.4"]
    slipway("deployments", "cancel", str(other["id"]))
    assert "next deployment" in slipway("apps", "set", "-a", name, "image=registry.example/shop:3").out


def test_a_credential_is_set_moved_and_forgotten(slipway: User, tenant: str) -> None:
    name = f"shop-{tenant}"
    slipway("apps", "create", name, "--image", IMAGE)
    slipway("apps", "set", "-a", name, "--credential-file", "-", stdin="acme:password\n")
    moved = "image=other.example/shop:1"
    refused = slipway("apps", "set", "-a", name, moved, code=Exit.USAGE)
    assert "--credential-file FILE" in refused.err
    slipway("apps", "set", "-a", name, moved, "--credential-file", "-", stdin="")
    assert slipway("apps", "show", name, "--json").json["image"] == "other.example/shop:1"
    assert "what is to be set" in slipway("apps", "set", "-a", name, code=Exit.USAGE).err
