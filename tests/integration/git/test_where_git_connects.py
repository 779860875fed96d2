"""git connects to the address that was checked, and to nothing else: whatever is written, whatever names lead to, and
whatever answers."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from slipway.adapters import processes, public_hosts
from slipway.adapters.git import GitSources, Limits
from slipway.core import repository_address
from slipway.errors import DeploymentFailed
from slipway.ports.building import Repository
from tests.fixtures.repository_spellings import ADDRESSES_INSIDE, FINE
from tests.integration.git import libcurl
from tests.integration.git.conftest import Listener, listening, sources

SCHEMES = ("http", "https", "ssh")


def test_no_spelling_leads_git_to_a_server_on_this_host(tmp_path: Path) -> None:
    asked = GitSources(Limits((), 1 << 20), tmp_path, {})
    with listening(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n") as inner:
        port = inner.url.rpartition(":")[2]
        for spelling in ADDRESSES_INSIDE:
            with pytest.raises(DeploymentFailed) as refused:
                asked.resolve(Repository(spelling.replace("{port}", port)), "main")
            assert (refused.value.reason, inner.received) == ("clone-refused", []), spelling


@pytest.mark.parametrize("written", [url for url in FINE.values() if not url.startswith("ssh:")])
def test_gits_library_reads_what_our_grammar_wrote_as_we_meant_it(written: str) -> None:
    address = repository_address.parse(written)
    read = libcurl.read(written)
    assert read is not None
    assert (read.scheme, (read.host or "").strip("[]"), read.port) == (
        address.scheme,
        address.host,
        str(address.connected_port),
    )
    assert (read.path, read.others) == (address.path, (None, None, None))


@pytest.mark.parametrize("written", [url for url in FINE.values() if url.startswith("ssh:")])
def test_git_gives_ssh_what_our_grammar_wrote(written: str, tmp_path: Path) -> None:
    address = repository_address.parse(written)
    environment = {"GIT_TRACE": "1", "GIT_SSH_COMMAND": "ssh-that-is-none", "GIT_SSH_VARIANT": "ssh"}
    done = processes.run(["git", "ls-remote", "--", written], env=environment, timeout_s=20, cwd=tmp_path)
    command = next(line for line in done.output.splitlines() if "ssh-that-is-none" in line and "upload-pack" in line)
    user = f"{address.user}@" if address.user else ""
    port = f"-p {address.port} " if address.port else ""
    assert f" {port}{user}{address.host} 'git-upload-pack '" in command


def test_ssh_connects_to_the_address_and_knows_the_host_by_its_name(tmp_path: Path) -> None:
    with listening() as first, listening(b"SSH-2.0-x\r\n") as second:
        port = second.url.rpartition(":")[2]
        kept = sources(tmp_path, f"ssh://git@localhost:{port}", first.url)
        with kept._access(Repository(f"ssh://git@localhost:{port}/a/b.git"), None) as access:
            command = shlex.split(access._environment["GIT_SSH_COMMAND"])
    shown = subprocess.run([*command, "-G", "-p", port, "git@localhost"], check=True, capture_output=True, text=True)
    options = dict(line.partition(" ")[::2] for line in shown.stdout.splitlines())
    assert options["hostname"] in ("127.0.0.1", "::1")
    assert options["hostkeyalias"] == f"[localhost]:{port}"
    assert options["canonicalizehostname"] == "false"
    assert "proxycommand" not in options


def test_ssh_gets_the_first_address_that_takes_a_connection() -> None:
    with listening() as server:
        port = int(server.url.rpartition(":")[2])
        assert public_hosts.first_reachable(["127.0.0.2", "127.0.0.1"], port, 5) == "127.0.0.1"
    assert public_hosts.first_reachable(["127.0.0.2", "127.0.0.1"], port, 5) == "127.0.0.2"


# names


@pytest.fixture(scope="module")
def own_network(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What came of the scenarios, all of them in one run."""
    argv = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.integration.git.own_network"]
    folder = tmp_path_factory.mktemp("network")
    done = subprocess.run([*argv, str(folder)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_name_that_turns_inside_after_it_was_checked_leads_nobody_there(own_network: Any, scheme: str) -> None:
    assert own_network["inner"][scheme] == []
    assert own_network["asked"][f"{scheme}.turns.example"] == 1
    assert own_network["shown"][f"{scheme}.turns.example"].startswith("clone-failed")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_name_that_does_not_resolve_when_it_is_checked_is_refused(own_network: Any, scheme: str) -> None:
    for name in ("late", "nowhere"):
        shown = own_network["shown"][f"{scheme}.{name}.example"]
        assert shown.startswith("clone-refused")
        assert "does not resolve" in shown


@pytest.mark.parametrize("name", ["mixed", "mapped", "nat64", "metadata", "own"])
def test_a_name_is_refused_when_one_of_its_addresses_is_inside(own_network: Any, name: str) -> None:
    for scheme in SCHEMES:
        shown = own_network["shown"][f"{scheme}.{name}.example"]
        assert shown.startswith("clone-refused")
        assert "inside this host or network" in shown


@pytest.mark.parametrize(("scheme", "greeting"), [("http", "GET"), ("https", "\x16\x03\x01"), ("ssh", "SSH")])
def test_a_listed_name_that_turns_elsewhere_is_not_followed_either(
    own_network: Any, scheme: str, greeting: str
) -> None:
    assert set(own_network["good"][scheme]) == {greeting}
    assert own_network["inner"][scheme] == []


def test_every_connection_of_a_fetch_goes_where_the_first_one_went(own_network: Any) -> None:
    assert own_network["fetch"] == {"is_whole": True, "inner": []}


def test_no_banner_of_what_answered_is_shown(own_network: Any) -> None:
    assert own_network["shown"]
    assert [name for name, shown in own_network["shown"].items() if "SECRET" in shown] == []


# what answers


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


SMART = "Content-Type: application/x-git-upload-pack-advertisement"
ANSWERS = {
    "a text": http("200 OK", b"TOP-SECRET", "Content-Type: text/plain"),
    "an error's text": http("500 TOP-SECRET", b"TOP-SECRET\nTOP-SECRET", "Content-Type: text/plain"),
    "a missing page": http("404 TOP-SECRET", b"TOP-SECRET", "Content-Type: text/plain; charset=utf-8"),
    "a refusal": http("403 No", b"TOP-SECRET", "Content-Type: text/plain"),
    "a realm": http("401 No", b"TOP-SECRET", 'WWW-Authenticate: Basic realm="TOP-SECRET"', "Content-Type: text/plain"),
    "another place": http("302 Found", b"TOP-SECRET", "Location: http://TOP-SECRET.example/x"),
    "a list of refs": http("200 OK", b"TOP-SECRET\tTOP-SECRET\n", "Content-Type: text/plain"),
    "git's own error": http("200 OK", b"001e# service=git-upload-pack\n0000001eERR TOP-SECRET not found", SMART),
    "a bad line": http("200 OK", b"TOP-SECRET", SMART),
    "a bad service": http("200 OK", b"001b# service=TOP-SECRET\n0000", SMART),
    "another service": b"220 TOP-SECRET ESMTP\r\n",
    "no version": b"HTTP/TOP-SECRET\r\n\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_nothing_of_what_answered_is_shown(tmp_path: Path, answer: bytes) -> None:
    shown = "no such branch; try again: slipway deploy"  # what a web page looks like to the oldest protocol
    with listening(answer) as inner:
        try:
            assert sources(tmp_path, inner.url).resolve(Repository(f"{inner.url}/a/b.git"), "main") is None
        except DeploymentFailed as failed:
            shown = f"{failed.message} {failed.remedy} {failed.tail}"
    assert inner.received
    assert "SECRET" not in shown
    assert re.search(r"slipway (deploy|apps set)", shown)


class DumbServer(BaseHTTPRequestHandler):
    """Files over plain HTTP, as git had it first: objects that are missing may be at `alternates`."""

    alternates = b""
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        files = {
            "/a/b.git/info/refs": b"1" * 40 + b"\trefs/heads/main\n",
            "/a/b.git/HEAD": b"ref: refs/heads/main\n",
            "/a/b.git/objects/info/http-alternates": self.alternates,
        }
        found = files.get(self.path.partition("?")[0])
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[Listener]:
    with listening(http("404 No", b"")) as inner:
        yield inner


def test_a_server_that_names_another_one_for_its_objects_is_not_followed(tmp_path: Path, elsewhere: Listener) -> None:
    """Not even without the depth that we always ask for, which this old protocol does not have."""
    handler = type("Dumb", (DumbServer,), {"alternates": f"{elsewhere.url}/x/objects\n".encode(), "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        kept = sources(tmp_path, url, elsewhere.url)
        with kept._access(Repository(f"{url}/a/b.git"), tmp_path / "own") as access:
            access.git(["init", "--quiet", "--bare", "--", str(tmp_path / "own")])
            with pytest.raises(DeploymentFailed):
                access.git(["fetch", "--", access.url, "main"])
        server.shutdown()
    assert "/a/b.git/objects/info/http-alternates" in handler.asked
    assert elsewhere.received == []


# the host's own proxy


def test_a_name_that_only_the_hosts_proxy_knows_is_asked_of_the_proxy_alone(
    tmp_path: Path, elsewhere: Listener
) -> None:
    outbound = {"http_proxy": elsewhere.url, "no_proxy": "*"}
    with pytest.raises(DeploymentFailed):
        GitSources(Limits((), 1 << 20), tmp_path, outbound).resolve(
            Repository("http://nowhere.invalid/a/b.git"), "main"
        )
    assert elsewhere.received[0].startswith(b"GET http://nowhere.invalid/a/b.git/info/refs")


@pytest.mark.parametrize("outbound", [{}, {"https_proxy": "http://127.0.0.1:9"}, {"no_proxy": "x"}])
def test_without_a_proxy_for_it_a_name_that_does_not_resolve_is_refused(
    tmp_path: Path, outbound: dict[str, str]
) -> None:
    with pytest.raises(DeploymentFailed, match="does not resolve") as refused:
        GitSources(Limits((), 1 << 20), tmp_path, outbound).resolve(Repository("http://nowhere.invalid/a"), "main")
    assert refused.value.reason == "clone-refused"
