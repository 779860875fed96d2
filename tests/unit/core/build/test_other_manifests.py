"""Manifests of Node, Go, PHP, Ruby, Java, Rust and .NET that are written wrongly, or to hold a worker up, are refused
or read as far as they go."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest

from slipway.core.build.detection import detect
from slipway.core.build.templates.base_images import HostImages
from slipway.core.build.templates.template import BaseImages, Sources
from slipway.errors import InvalidInput

IMAGES = BaseImages("python:3.11-slim", "python:3.11-slim")
LARGE = 1 << 20
VALUES = (5, "text", True, [], [1, [2]], {}, {"a": 1}, [{"path": 1}], None)
IN_PACKAGE = ("scripts", "dependencies", "devDependencies", "workspaces", "engines", "volta", "main", "packageManager")
IN_ANGULAR = ("projects", "projects/a", "projects/a/architect", "projects/a/architect/build")
IN_CARGO = ("package", "package.name", "package.default-run", "bin", "dependencies", "workspace")


def read(files: dict[str, str]) -> None:
    with contextlib.suppress(InvalidInput):
        detect(Sources(frozenset(files), files), IMAGES)


def nested(path: str, value: object) -> object:
    for name in reversed(path.split("/")):
        value = {name: value}
    return value


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("name", IN_PACKAGE)
def test_a_value_of_the_wrong_kind_in_package_json_is_no_fault_of_ours(name: str, value: object) -> None:
    read({"package.json": json.dumps({name: value}), "server.js": ""})
    read({"composer.json": json.dumps({"require": value, name: value}), "index.php": ""})


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("path", IN_ANGULAR)
def test_nor_is_one_in_angular_json(path: str, value: object) -> None:
    package = json.dumps({"dependencies": {"@angular/core": "1"}})
    read({"package.json": package, "angular.json": json.dumps(nested(path, value))})
    read({"package.json": package, "angular.json": json.dumps(value)})


@pytest.mark.parametrize("value", ["5", "'text'", "true", "[]", "[1, [2]]", "{}", "{ a = 1 }", "[{ path = 1 }]"])
@pytest.mark.parametrize("name", IN_CARGO)
def test_nor_is_one_in_cargo_toml(name: str, value: str) -> None:
    read(
        {
            "Cargo.toml": f"{name} = {value}\n",
            "src/main.rs": "",
            "rust-toolchain.toml": f"[toolchain]\nchannel = {value}",
        }
    )
    read({"Cargo.toml": "", "src/main.rs": "", "rust-toolchain.toml": f"toolchain = {value} # ["})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("package.json", content) for content in ("[", "1", " ", '{"a":')),
        *((".nvmrc", content) for content in (" ", "1", "1.", ">= ", "|", "- ")),
        *(("vite.config.js", content) for content in ("outDir", "outDir: ", "outDir:'")),
        *(("yarn.lock", content) for content in ("__metadata:\n", "\n", " ")),
        *(("angular.json", content) for content in ("[", '{"projects":')),
    ],
)
def test_a_long_file_of_node_holds_nothing_up(name: str, content: str) -> None:
    package = {"package.json": '{"dependencies": {"vite": "1"}, "main": "a.js"}', "a.js": ""}
    read(package | {name: content * (LARGE // len(content))})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("go.mod", content) for content in ("module ", "=> ", "\n")),
        *(("composer.json", content) for content in ("[", " ", '{"require":')),
        *(("Gemfile", content) for content in ("\n", " ", "gem ", "ruby ", "gem 'a' ", "path: ")),
        *(("Gemfile.lock", content) for content in ("\n", "    a (", "RUBY VERSION\n")),
        *(("pom.xml", content) for content in (" ", "<mainClass>", "<mainClass>a ", "<packaging> ", "<java.version> ")),
        *(("build.gradle", content) for content in ("\n", " ", "application ", "id (", "sourceCompatibility ")),
        *(("Cargo.toml", content) for content in ("[", "a = [", "\n", "a.", '"a" . ', "'.'.", "1.")),
        *(("a.csproj", content) for content in ("<AssemblyName>", "Sdk ", "Sdk = ", "<TargetFramework>")),
        *(("netlify.toml", content) for content in ("HUGO_VERSION ", "HUGO_VERSION = ", " ")),
    ],
)
def test_a_long_file_of_another_language_holds_nothing_up(name: str, content: str) -> None:
    beside = {"netlify.toml": {"hugo.toml": ""}, "Gemfile.lock": {"Gemfile": ""}}.get(name, {})
    read(beside | {name: content * (LARGE // len(content)), "main.go": "package main\n", "src/main.rs": ""})


def test_a_long_value_of_one_line_holds_nothing_up() -> None:
    spaces = " " * LARGE
    read({"package.json": json.dumps({"engines": {"node": f"{spaces}1"}, "main": "a.js"}), "a.js": ""})
    read({"package.json": json.dumps({"scripts": {"prepare": f"husky {spaces}&", "start": f"npm{spaces}"}})})
    read({"composer.json": json.dumps({"require": {"php": f"{spaces}8"}}), "index.php": ""})
    read({"build.gradle": f"sourceCompatibility{spaces}", "pom.xml": f"<mainClass>{spaces}"})
    read({"go.mod": f"=>{spaces}", "main.go": "package main\n"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("package.json", text) for text in ('{{"a": {}}}', '{{"engines": {{"node": "{}"}}}}')),
        *(("composer.json", text) for text in ('{{"a": {}}}', '{{"require": {{"php": "{}"}}}}')),
        *((name, "{}") for name in (".nvmrc", ".php-version", ".java-version", "rust-toolchain")),
        *((".tool-versions", f"{name} {{}}.1") for name in ("ruby", "java", "node")),
        *(("Gemfile", text) for text in ("ruby '{}.1'", "ruby '3.4.{}'")),
        ("Gemfile.lock", "RUBY VERSION\n   ruby {}.1.1"),
        ("pom.xml", "<java.version>{}<"),
        *(("build.gradle", text) for text in ("sourceCompatibility = {}", "JavaLanguageVersion.of({})")),
        *(("Cargo.toml", text) for text in ("a = {}", "[package]\nname = 'a{}'")),
        ("rust-toolchain.toml", "[toolchain]\nchannel = '{}'"),
        *((name, "a = {}") for name in ("pyproject.toml", "Pipfile")),
        ("a.csproj", 'Sdk="Microsoft.NET.Sdk.Web" <TargetFramework>net{}.0</TargetFramework>'),
    ],
)
def test_a_number_of_thousands_of_digits_is_no_fault_of_ours(name: str, content: str) -> None:
    """Nor is an image asked for whose name is longer than names of images are."""
    asked: list[str] = []
    images = replace(IMAGES, host=HostImages(obtain=lambda reference: bool(asked.append(reference))))
    web = {"Procfile": "web: x\n"}
    besides = ("package.json", "index.php", "Gemfile", "pom.xml", "Cargo.toml", "requirements.txt")
    for beside in besides:
        files = web | {beside: "{}", "src/main.rs": ""} | {name: content.format("1" * 5000)}
        with contextlib.suppress(InvalidInput):
            detect(Sources(frozenset(files), files), images)
    assert all(len(reference) < 300 for reference in asked)


def test_a_procfile_with_an_open_quote_is_refused_in_its_words() -> None:
    files = {"index.php": "", "Procfile": 'web: heroku-php-apache2 "public\n'}
    with pytest.raises(InvalidInput, match="the Procfile's web line can't be split into words"):
        detect(Sources(frozenset(files), files), IMAGES)
