"""A build makes an image with its facts; a failed build has a reason in a sentence."""

from __future__ import annotations

import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway.adapters.buildkit.cgroup import Caps
from slipway.adapters.buildkit.image_builder import BuildKit
from slipway.adapters.docker import cli
from slipway.core.build.image_names import promoted_tag
from slipway.errors import DependencyUnavailable, DeploymentFailed
from tests.fixtures.waiting import eventually
from tests.integration.build.conftest import BASE, Bench

pytestmark = pytest.mark.engine
EXAMPLES = Path(__file__).parents[3] / "examples"


def test_a_dockerfile_becomes_an_image(bench: Bench) -> None:
    built = bench.build(
        {"Dockerfile": f"FROM {BASE}\nCOPY a /a\nEXPOSE 9000 8080 53/udp\nUSER 10001\n", "a": str(time.time_ns())}
    )
    assert bench.inspect(bench.image)["Id"] == built.digest
    assert (built.exposed_port, built.user) == (8080, "10001")
    assert built.size_bytes > 1 << 20
    assert built.steps_total == 1


def test_an_image_gets_a_second_name_by_which_it_stays(bench: Bench) -> None:
    built = bench.build({"Dockerfile": f"FROM {BASE}\nCOPY a /a\nEXPOSE 8080\n", "a": str(time.time_ns())})
    first, second = bench.image, promoted_tag(bench.settings.instance, 7, built.digest)
    assert bench.images.tag_image("sha256:" + "0" * 64, second) is None
    found = bench.images.tag_image(built.digest, second)
    assert found is not None
    assert (found.digest, found.exposed_port) == (built.digest, 8080)
    bench.images.remove_image(first)
    assert bench.inspect(second)["RepoTags"] == [second]
    bench.images.remove_image(second)
    assert not bench.images.local_image(built.digest)


def test_the_step_cache_stays_whole_when_sources_are_forgotten(bench: Bench) -> None:
    unique = str(time.time_ns())
    files = {"Dockerfile": f"FROM {BASE}\nCOPY a /a\nRUN echo {unique} > /b\nCOPY c /c\n", "a": unique, "c": "1"}
    bench.build(files)
    again = bench.build(files)
    assert again.steps_cached == again.steps_total == 3
    changed = bench.build(files | {"c": "2"})
    assert changed.steps_cached == 2


def test_only_what_is_not_ignored_is_in_the_context(bench: Bench) -> None:
    files = {
        "docker/web.Dockerfile": f"FROM {BASE}\nCOPY . /x\nRUN ls /x > /list && ! ls /x/secret\n",
        "docker/web.Dockerfile.dockerignore": "secret\n",
        ".dockerignore": "*\n",
        "secret": "x",
        "slipway.toml": '[build]\ndockerfile = "docker/web.Dockerfile"\n',
    }
    bench.build(files)


@pytest.mark.parametrize(
    ("dockerfile", "sentence"),
    [
        (f"FROM {BASE}\nRUN echo boom && exit 3\n", "`RUN echo boom && exit 3` ended with exit code 3"),
        ("FROM no-such-image-anywhere:1\n", "no-such-image-anywhere:1 is not on this host and can't be pulled"),
        (f"FROM {BASE}\nCOPY missing /x\n", "asks for /missing, which is not there"),
        (f"FROM {BASE}\nCOPY --wrong a b\n", "Unknown flag: wrong|unknown flag: --wrong"),
    ],
)
def test_a_failed_build_says_which_step_and_why(bench: Bench, dockerfile: str, sentence: str) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        bench.build({"Dockerfile": dockerfile})
    assert re.search(sentence.replace("`", "."), failed.value.sentence)
    assert failed.value.reason == "build-failed"
    assert failed.value.remedy
    if "boom" in dockerfile:
        assert "boom" in failed.value.tail


def test_a_build_that_takes_too_long_is_stopped(bench: Bench) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        bench.build({"Dockerfile": f"FROM {BASE}\nRUN sleep 3601 # {time.time_ns()}\n"}, timeout_s=3)
    assert failed.value.reason == "build-timeout"


def test_a_full_disk_refuses_builds_with_figures(bench: Bench) -> None:
    settings = bench.settings
    picky = BuildKit(bench.part.cli, settings.docker_host, settings.state_dir, Caps(0), 1 << 50)
    with pytest.raises(DeploymentFailed, match=r"[\d.]+ GB are free .*builds need 1048576\.0 GB") as failed:
        bench.build({"Dockerfile": f"FROM {BASE}\n"}, images=picky)
    assert failed.value.reason == "disk-full"


def test_an_unreachable_engine_is_reported_as_that(bench: Bench, tmp_path: Path) -> None:
    unreachable = BuildKit(bench.part.cli, f"unix://{tmp_path}/no.sock", tmp_path, Caps(0), 0)
    with pytest.raises(DependencyUnavailable):
        unreachable.facts()


def test_a_client_without_buildkit_is_passed_over(tmp_path: Path) -> None:
    bad = tmp_path / "docker"
    bad.write_text("#!/bin/sh\n[ $1 = --version ] && echo Docker version 29.0.0, build x\nexit 1\n")
    bad.chmod(0o755)
    with pytest.raises(DependencyUnavailable, match="which can't do BuildKit builds"):
        cli.pick_client(str(bad))
    assert cli.pick_client() != str(bad)


def test_an_unavailable_frontend_is_left_out_and_said(bench: Bench) -> None:
    if bench.images.local_image("docker/dockerfile:1"):
        pytest.skip("this host has the frontend")
    source = {"Dockerfile": f"# syntax=docker/dockerfile:1\nFROM {BASE}\nRUN true\n"}
    if bench.images.obtain_image("docker/dockerfile:1"):
        pytest.skip("a registry answers here")
    bench.build(source)


@contextmanager
def served(bench: Bench, *options: str) -> Iterator[str]:
    """A container of the image as a replica runs: read-only, no rights; yields its address."""
    label = f"slipway.instance={bench.settings.instance}"
    hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    container = bench.docker("run", "-d", "--label", label, *hardened, "--env=PORT=8123", *options, bench.image)
    try:
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        yield f"http://{bench.docker('inspect', '--format', template, container)}:8123"
    finally:
        bench.docker("rm", "-f", container)


def answer(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return response.read().decode()
    except OSError:
        return ""


@pytest.mark.parametrize(("example", "path"), [("hello", "/health"), ("static", "/"), ("static", "/style.css")])
def test_a_detected_app_runs_on_a_read_only_root_without_rights(bench: Bench, example: str, path: str) -> None:
    files = {
        str(file.relative_to(EXAMPLES / example)): file.read_text()
        for file in (EXAMPLES / example).rglob("*")
        if file.is_file()
    }
    built = bench.build(files, timeout_s=300)
    assert built.user == "10001:10001"
    assert built.exposed_port == 8000
    with served(bench) as url:
        assert eventually(lambda: answer(url + path), within_s=30)
        assert answer(f"{url}/slipway.toml") == ""


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_site_serves_nothing_that_sites_do_not_publish(bench: Bench) -> None:
    """Also what the repository's own ignore file lets in, and what links lead to."""
    published = ("index.html", "a/page.html", ".well-known/security.txt", "openapi.yaml", "install.sh", "example.py")
    withheld = (
        *(".env", ".git/config", "a/.git/HEAD", ".well-known/.secret", "config.php", "CONFIG.PHP", "dump.sql.gz"),
        *(
            "index.html~",
            "index.html.bak",
            "tls.key",
            "id_rsa",
            "Dockerfile",
            "slipway.toml",
            "package.json",
            "Procfile",
        ),
        *("node_modules/x/index.js", "a/settings.ini", "debug.log"),
    )
    let_in = "".join(f"!{path}\n" for path in withheld)
    files = {f"public/{path}": "content of " + path for path in (*published, *withheld)}
    files |= {"slipway.toml": '[static]\nroot = "public"\n', "public/.dockerignore": f"left-out.html\n{let_in}"}
    links = {
        "passwd.txt": "/etc/passwd",
        "environment.txt": "/proc/self/environ",
        "up.txt": "../srv/static_site.py",
        "root": "/",
        "loop": ".",
        "env.txt": ".env",
        "gone.html": "nowhere",
        "again.html": "a/page.html",
        "latest": "a",
        "index.html.gz": "/etc/passwd",
    }
    bench.build(
        files | {"public/left-out.html": "x"}, timeout_s=300, links={f"public/{k}": v for k, v in links.items()}
    )
    with served(bench) as url:
        eventually(lambda: answer(url))
        assert {
            path for path in (*published, "again.html", "latest/page.html", "") if status(f"{url}/{path}") != 200
        } == set()
        led_out = (
            "passwd.txt",
            "environment.txt",
            "up.txt",
            "root/etc/passwd",
            "loop/index.html",
            "env.txt",
            "gone.html",
        )
        ways = ("a/../.env", "a/..%2f.env", "%2eenv", "//etc/passwd", "..%2f..%2fetc%2fpasswd", ".env/", "config.php/")
        refused = (*withheld, *led_out, *ways, "left-out.html", "index.html.gz")
        assert {path for path in refused if status(f"{url}/{path}") == 200} == set()
        packed = urllib.request.Request(f"{url}/", headers={"Accept-Encoding": "gzip"})  # noqa: S310
        with urllib.request.urlopen(packed, timeout=5) as response:  # noqa: S310
            assert response.read() == b"content of index.html"


def test_the_scratch_folder_is_gone_afterwards(bench: Bench) -> None:
    bench.build({"Dockerfile": f"FROM {BASE}\n"})
    base = bench.settings.scratch_dir / f"slipway-{bench.settings.instance}"
    assert list(base.iterdir()) == []
    shutil.rmtree(base)


def test_build_variables_reach_the_steps_of_a_generated_dockerfile(bench: Bench) -> None:
    files = {"requirements.txt": "no-such-package\n", "Procfile": "web: python app.py\n"}
    variables = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "EMPTY": ""}
    with pytest.raises(DeploymentFailed):
        bench.build(files, hidden=variables)
    assert any(line.endswith("Looking in indexes: http://127.0.0.1:9/simple") for line in bench.lines)


def test_a_change_of_the_sources_installs_nothing_anew(bench: Bench) -> None:
    files = {"requirements.txt": "# nothing\n", "Procfile": "web: python app.py\n", "app.py": "1"}
    bench.build(files)
    changed = bench.build(files | {"app.py": str(time.time_ns())})
    assert changed.steps_total - changed.steps_cached == 1


@pytest.mark.parametrize("target", ["fin.al_x-1", "FIN.AL_X-1", "Fin.al_x-1"])
def test_a_stage_is_built_by_its_name_in_any_case(bench: Bench, target: str) -> None:
    text = f"FROM {BASE} AS Fin.al_x-1\nEXPOSE 9000\nFROM {BASE}\nEXPOSE 8000\n"
    built = bench.build({"Dockerfile": text, "slipway.toml": f'[build]\ntarget = "{target}"\n'})
    assert built.exposed_port == 9000
