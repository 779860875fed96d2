"""git connects to the address that was checked, and to nothing else: whatever is written, whatever names lead to, and
whatever answers."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from slipway.adapters.git import access, connection, public_hosts
from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.adapters.linux import processes
from slipway.core.naming import repository_address
from slipway.errors import DeploymentFailed
from slipway.ports.building import Interrupted, Repository
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


@pytest.mark.parametrize(
    "spelling",
    [
        *(f"http://{host}:{{port}}/a/b.git" for host in ("loc%61lhost", "127%2e0%2e0%2e1", "127.1", "0x7f000001", "0")),
        *(f"http://{host}:{{port}}/a/b.git" for host in ("2130706433", "017700000001", "[::ffff:127.0.0.1]")),
        "http://github.com@127.0.0.1:{port}/a/b.git",
    ],
)
def test_git_itself_would_follow_such_a_spelling(tmp_path: Path, spelling: str) -> None:
    """That nothing is received in the test above is the refusal's doing."""
    assert spelling in ADDRESSES_INSIDE
    with listening(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n") as inner:
        written = spelling.replace("{port}", inner.url.rpartition(":")[2])
        environment = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        processes.run(["git", "ls-remote", "--", written], env=environment, timeout_s=20, cwd=tmp_path)
    assert inner.received


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
        assert public_hosts.first_reachable(["127.0.0.2", "127.0.0.1"], port, 5, processes.never) == "127.0.0.1"
    assert public_hosts.first_reachable(["127.0.0.2", "127.0.0.1"], port, 5, processes.never) == "127.0.0.2"


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes no more connections: its queue is full."""
    with socket.socket() as server, ExitStack() as waiting:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(8):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def test_all_addresses_for_ssh_share_one_time() -> None:
    with silent() as port:
        began = time.monotonic()
        assert public_hosts.first_reachable(["127.0.0.1"] * 20, port, 1.0, processes.never) == "127.0.0.1"
        assert 0.9 < time.monotonic() - began < 15


def test_the_search_for_an_address_stops_when_the_deployment_does() -> None:
    with silent() as port, pytest.raises(Interrupted):
        public_hosts.first_reachable(["127.0.0.1"] * 2, port, 600, lambda: True)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_of_thousands_of_addresses_some_are_pinned_and_all_are_checked(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    many = [f"93.184.{number // 250}.{number % 250}" for number in range(500)]
    monkeypatch.setattr(public_hosts, "addresses", lambda _: many)
    address = repository_address.parse(f"{scheme}://git.example.org/a/b.git")
    assert len(connection.connection(address, (), {}).pinned) == connection.MOST_PINNED
    many.append("127.0.0.1")
    with pytest.raises(DeploymentFailed, match="inside this host"):
        connection.connection(address, (), {})


def test_what_git_can_not_be_started_with_fails_the_deployment(tmp_path: Path) -> None:
    kept = GitSources(Limits(("127.0.0.1",), 1 << 20), tmp_path, {"https_proxy": "x" * (1 << 20)})
    with pytest.raises(DeploymentFailed, match="can't be started") as failed:
        kept.resolve(Repository("https://127.0.0.1/a/b.git"), "main")
    assert (failed.value.reason, "slipway doctor" in failed.value.remedy) == ("clone-failed", True)


@pytest.mark.parametrize(
    ("said", "shown"), [("git version 2.36.6", "git 2.36"), ("git version 1.8.3.1", "git 1.8"), ("", "unknown version")]
)
def test_a_git_that_would_ignore_the_addresses_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, shown: str
) -> None:
    old = tmp_path / "git"
    old.write_text(f"#!/bin/sh\n[ $1 = --version ] && echo '{said}' || touch {tmp_path}/ran\n")
    old.chmod(0o755)
    monkeypatch.setattr(processes, "PATH", f"{tmp_path}:{processes.PATH}")
    access.require_pinning.cache_clear()
    with pytest.raises(DeploymentFailed, match=shown) as failed:
        GitSources(Limits((), 1 << 20), tmp_path, {}).resolve(Repository("https://93.184.216.34/a/b.git"), "main")
    assert "2.37 or newer" in failed.value.remedy
    assert not (tmp_path / "ran").exists()
    old.write_text("#!/bin/sh\necho git version 2.37.0\n")
    access.require_pinning()
    old.unlink()
    access.require_pinning()
    assert access.require_pinning.cache_info().hits, "once in a process is enough"


def test_a_deploy_key_is_gone_when_its_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_hosts, "addresses", lambda _: ["127.0.0.1"])
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----"
    with pytest.raises(DeploymentFailed, match="inside this host"):
        GitSources(Limits((), 1 << 20), tmp_path, {}).resolve(Repository("git@git.example.org:a/b", key), "x")
    assert not [each for each in Path("/proc/self/fd").iterdir() if "deploy-key" in str(_led_to(each))]


def _led_to(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


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
