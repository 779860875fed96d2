"""Contents that Git LFS keeps are put in their pointers' places; no server leads anywhere else, or fills the memory."""

from __future__ import annotations

import hashlib
import json
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slipway.adapters.git import public_hosts
from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.adapters.linux import processes
from slipway.errors import DeploymentFailed
from slipway.ports.building import Commit, Interrupted
from tests.integration.git.conftest import TOKEN, Origin, listening, sources

CONTENT = b"\x00\x01 a picture" * 1000
OID = hashlib.sha256(CONTENT).hexdigest()
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"


def pointer(content: bytes = CONTENT) -> str:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


@dataclass
class Server:
    """A Git LFS server that answers as a test wants."""

    url: str = ""
    contents: dict[str, bytes] = field(default_factory=lambda: {OID: CONTENT})
    batch: Callable[[dict[str, Any]], tuple[int, Any]] | None = None
    href: str = ""
    """Where contents are; empty: here."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    redirect: str = ""

    def answer(self, asked: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append(asked)
        if self.batch:
            return self.batch(asked)
        return 200, {"transfer": "basic", "objects": [self._object(each) for each in asked["objects"]]}

    def _object(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["oid"] not in self.contents:
            return asked | {"error": {"code": 404, "message": "no such object"}}
        href = f"{self.href or self.url}/objects/{asked['oid']}"
        return asked | {"actions": {"download": {"href": href, "header": {"Authorization": "Basic of-the-server"}}}}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.headers.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, document = made.answer(asked)
            self._send(status, document if isinstance(document, bytes) else json.dumps(document).encode())

        def do_GET(self) -> None:
            made.headers.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            if made.redirect and not self.path.startswith("/moved"):
                self._send(302, b"", Location=f"{made.redirect}{self.path}")
                return
            self._send(200, made.contents.get(self.path.rpartition("/")[2], b""))

        def _send(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not to the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        made.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield made
        http.shutdown()
        thread.join()


def pushed(origin: Origin, server: Server | str, more: str = "", **files: str) -> str:
    url = server if isinstance(server, str) else f"{server.url}/lfs"
    given = {"logo__bin": pointer(), "plain__txt": pointer()} | files
    return origin.push(
        "With a picture", __gitattributes=ATTRIBUTES, __lfsconfig=f"[lfs]\n\turl = {url}\n{more}", **given
    )


def fetched(origin: Origin, server: Server, commit: str, folder: Path) -> Commit:
    taken = sources(folder.parent, origin.forge.base_url, server.url)
    return taken.fetch(origin.repository, commit, folder, stopped=processes.never)


def refused(origin: Origin, server: Server, commit: str, folder: Path) -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as failed:
        fetched(origin, server, commit, folder)
    assert list(folder.parent.glob("source*")) == [folder], "git's own data is gone"
    assert TOKEN not in failed.value.message + failed.value.remedy + failed.value.tail
    return failed.value


def test_a_content_takes_the_place_of_its_pointer(origin: Origin, server: Server, folder: Path) -> None:
    commit = fetched(origin, server, pushed(origin, server), folder)
    assert (folder / "logo.bin").read_bytes() == CONTENT
    assert (folder / "plain.txt").read_text() == pointer(), "what no attribute names is no pointer"
    assert commit.notes == ("fetching 1 of 1 files that Git LFS keeps",)
    [asked] = server.asked
    assert (asked["operation"], asked["objects"]) == ("download", [{"oid": OID, "size": len(CONTENT)}])
    [batch, content] = [headers for _, headers in server.headers]
    assert (batch["accept"], batch["content-type"]) == ("application/vnd.git-lfs+json",) * 2
    assert content["authorization"] == "Basic of-the-server"


def test_a_content_that_several_files_have_is_fetched_once_and_keeps_their_modes(
    origin: Origin, server: Server, folder: Path
) -> None:
    pushed(origin, server)
    (origin.copy.path / "größe.bin").write_text(pointer())
    (origin.copy.path / "größe.bin").chmod(0o755)
    fetched(origin, server, origin.push("Twice"), folder)
    assert (folder / "größe.bin").read_bytes() == (folder / "logo.bin").read_bytes() == CONTENT
    assert stat.S_IMODE((folder / "größe.bin").stat().st_mode) & 0o111
    assert not stat.S_IMODE((folder / "logo.bin").stat().st_mode) & 0o111
    assert len(server.asked[0]["objects"]) == 1


def test_the_apps_token_goes_to_the_apps_own_host_alone(origin: Origin, server: Server, folder: Path) -> None:
    fetched(origin, server, pushed(origin, server), folder)
    assert "authorization" not in server.headers[0][1]
    assert TOKEN not in str(server.headers)


def test_without_an_lfsconfig_the_usual_server_is_asked_with_the_token(
    origin: Origin, server: Server, folder: Path
) -> None:
    """The forge of these tests has none, and says so."""
    commit = origin.push("With a picture", __gitattributes=ATTRIBUTES, logo__bin=pointer())
    failed = refused(origin, server, commit, folder)
    assert "127.0.0.1" in failed.message
    assert failed.reason in ("clone-refused", "clone-failed")
    assert "lfs.fetchexclude" in failed.remedy


def test_what_lfsconfig_excludes_stays_a_pointer(origin: Origin, server: Server, folder: Path) -> None:
    commit = fetched(origin, server, pushed(origin, server, "\tfetchexclude = *.bin\n"), folder)
    assert (folder / "logo.bin").read_text() == pointer()
    assert (commit.notes, server.asked) == ((), [])


def test_very_many_patterns_are_refused_before_any_content_is_asked_for(
    origin: Origin, server: Server, folder: Path
) -> None:
    failed = refused(origin, server, pushed(origin, server, f"\tfetchexclude = {'a,' * 101}\n"), folder)
    assert (failed.reason, "lfs.fetchexclude" in failed.message, server.asked) == ("clone-refused", True, [])


def test_a_content_that_the_server_has_not_is_named(origin: Origin, server: Server, folder: Path) -> None:
    failed = refused(origin, server, pushed(origin, server, lost__bin=pointer(b"lost")), folder)
    assert failed.reason == "lfs-missing"
    assert hashlib.sha256(b"lost").hexdigest()[:12] in failed.message
    assert "git lfs push" in failed.remedy


@pytest.mark.parametrize("given", [b"something else", CONTENT + b"x", CONTENT[:-1], b""])
def test_what_is_not_the_content_is_refused(origin: Origin, server: Server, folder: Path, given: bytes) -> None:
    server.contents[OID] = given
    assert refused(origin, server, pushed(origin, server), folder).reason == "clone-failed"


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>"),
        (200, []),
        (200, {}),
        (200, {"objects": [7]}),
        (200, {"objects": [{"oid": OID, "actions": {"download": {"href": 7}}}]}),
        (200, b"[" * 100_000),
        (200, b"x" * (5 << 20)),
        (500, {}),
        (401, {}),
        (404, {}),
        (302, {}),
    ],
    ids=str,
)
def test_a_server_that_is_none_is_refused(
    origin: Origin, server: Server, folder: Path, answer: tuple[int, Any]
) -> None:
    server.batch = lambda _: answer
    assert refused(origin, server, pushed(origin, server), folder).reason in (
        "clone-failed",
        "clone-refused",
        "lfs-missing",
    )


def test_contents_count_as_the_commits_own(origin: Origin, server: Server, folder: Path, tmp_path: Path) -> None:
    taken = sources(tmp_path, origin.forge.base_url, server.url, source_max_bytes=len(CONTENT))
    with pytest.raises(DeploymentFailed) as failed:
        taken.fetch(origin.repository, pushed(origin, server), folder, stopped=processes.never)
    assert (failed.value.reason, server.asked) == ("source-too-large", [])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2/lfs",
        "http://localhost/lfs",
        "https://169.254.169.254/latest",
        "http://10.1.2.3/lfs",
        "http://2130706433/lfs",
        "http://[::ffff:127.0.0.1]/lfs",
        "file:///etc",
        "ssh://git@127.0.0.1/lfs",
        "http://me:secret@git.example/lfs",
    ],
)
def test_a_server_inside_is_refused_unless_it_is_listed(origin: Origin, server: Server, folder: Path, url: str) -> None:
    taken = GitSources(Limits(("public", urlsplit(origin.forge.base_url).netloc), 64 << 20), folder.parent, {})
    with pytest.raises(DeploymentFailed) as failed:
        taken.fetch(origin.repository, pushed(origin, url), folder, stopped=processes.never)
    assert failed.value.reason == "clone-refused"
    assert server.asked == []


@pytest.mark.parametrize("by", ["server", "href", "redirect"])
def test_a_host_that_the_settings_do_not_list_is_not_even_looked_up(
    origin: Origin, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    looked_up: list[str] = []
    monkeypatch.setattr(public_hosts, "public_addresses", lambda host, *_: looked_up.append(host))
    elsewhere = "https://elsewhere.example"
    if by != "server":
        setattr(server, by, elsewhere)
    commit = pushed(origin, elsewhere if by == "server" else server)
    assert "repositories on elsewhere.example are not allowed here" in refused(origin, server, commit, folder).message
    assert looked_up == []


@pytest.mark.parametrize("by", ["href", "redirect"])
def test_a_content_inside_is_refused_unless_it_is_listed(origin: Origin, server: Server, folder: Path, by: str) -> None:
    with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as inner:
        setattr(server, by, inner.url)
        assert refused(origin, server, pushed(origin, server), folder).reason == "clone-refused"
        assert inner.received == []


def test_a_redirect_is_followed_without_the_headers_of_the_first_address(
    origin: Origin, server: Server, folder: Path
) -> None:
    server.redirect = f"{server.url}/moved"
    fetched(origin, server, pushed(origin, server), folder)
    assert (folder / "logo.bin").read_bytes() == CONTENT
    assert "authorization" not in server.headers[-1][1]


def test_redirects_without_end_are_refused(origin: Origin, server: Server, folder: Path) -> None:
    server.redirect = server.url
    assert "redirects without end" in refused(origin, server, pushed(origin, server), folder).message


def test_stopping_ends_it(origin: Origin, server: Server, folder: Path) -> None:
    commit = pushed(origin, server)
    taken = sources(folder.parent, origin.forge.base_url, server.url)
    with pytest.raises(Interrupted):
        taken.fetch(origin.repository, commit, folder, stopped=lambda: bool(server.asked))


def test_a_link_where_a_pointer_should_be_is_not_followed(
    origin: Origin, server: Server, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside.bin").write_text(pointer())
    pushed(origin, server)
    (origin.copy.path / "link.bin").symlink_to(tmp_path / "outside.bin")
    fetched(origin, server, origin.push("With a link"), folder)
    assert (folder / "link.bin").is_symlink()
    assert (tmp_path / "outside.bin").read_text() == pointer()
