"""Base images of languages: those that are missing are made, each under all of its names."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from builder.dependencies import base_images
from slipway.core.build.templates.template import BaseImages
from slipway.errors import HostUnready
from slipway.host import __main__ as host
from slipway.host.install.images import Images
from slipway.host.install.language_images import LANGUAGE_IMAGES, LANGUAGES, make
from slipway.settings import load
from tests.unit.host.host_fakes import FakeCommands

OF_BUILDERS = {"buildpacks_builder", "buildpacks_run", "railpack"}
NOT_MADE = {"gradle", "dotnet", "dotnet_runtime", "ruby", "ruby_runtime", *OF_BUILDERS}
"""Those that Debian lacks, or has in another version than the default."""


def test_templates_and_settings_name_the_same_default_images() -> None:
    assert base_images(load({})) == BaseImages(python="python:3.11-slim", static="python:3.11-slim")


def test_each_default_that_can_be_made_is_made_under_its_name() -> None:
    made = {name for image in LANGUAGE_IMAGES for name in (image.reference, *image.aliases)}
    defaults = base_images(load({}))
    languages = {each.name for each in fields(BaseImages)} - {"host", "python", "static", "debian"} - NOT_MADE
    assert {name: getattr(defaults, name) for name in languages if getattr(defaults, name) not in made} == {}


@pytest.fixture
def images(tmp_path: Path) -> tuple[Images, FakeCommands]:
    commands = FakeCommands("docker", "env")
    return Images(commands, "docker", "unix:///x.sock", tmp_path), commands


def test_images_that_are_here_are_not_made_again(images: tuple[Images, FakeCommands]) -> None:
    one, commands = images
    lines: list[str] = []
    make(one, LANGUAGES, lines.append)
    assert lines == ["All of these base images are here."]
    assert commands.ran_with("build") == []


def test_a_missing_one_is_built_under_all_of_its_names(images: tuple[Images, FakeCommands]) -> None:
    one, commands = images
    commands.answer("docker", "--host", "unix:///x.sock", "image", "inspect", "--", "composer:2", code=1)
    make(one, ["php", "go"], lambda _line: None)
    [argv] = commands.ran_with("build")
    assert [argv[place + 1] for place, part in enumerate(argv) if part == "--tag"] == ["php:8.2-apache", "composer:2"]


def test_a_language_that_can_not_be_had_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    options = host.parser().parse_args(["base-images", "cobol"])
    with pytest.raises(HostUnready, match="cobol") as refused:
        host.base_images(host.Invocation(options, {}, load({})))
    assert "node" in refused.value.remedy
    assert capsys.readouterr().out == ""
