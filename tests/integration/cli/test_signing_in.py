"""Who is signed in, where that is kept, and what each refusal's code is."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slipway.cli.exit_codes import Exit
from slipway.settings import Settings
from tests.integration.cli.rig import Platform, User, user_of


@pytest.fixture
def anyone(platform: Platform, tmp_path: Path) -> User:
    """Nobody is signed in, and the environment says nothing."""
    home = tmp_path / "anyone"
    home.mkdir()
    return User(platform, "", home, {"SLIPWAY_URL": ""})


def test_login_keeps_the_token_for_its_user_alone_and_logout_forgets_it(
    platform: Platform, slipway: User, anyone: User, tenant: str
) -> None:
    message = anyone("login", platform.url, "--token-stdin", stdin=f"{slipway.token}\n").out
    assert message == f"Signed in to {platform.url}: token {tenant}-owner of {tenant}, owner.\n"
    kept = anyone.home / "config" / "login.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text()) == {"url": platform.url, "token": slipway.token}
    assert slipway.token not in message
    assert anyone("whoami").out == f"{platform.url}: token {tenant}-owner of {tenant}, owner\n"
    assert anyone("whoami", "--json").json["tenant"] == tenant
    assert anyone("logout").out == "Signed out.\n"
    assert anyone("logout", "--json").json == {"forgotten": False}
    anyone("whoami", code=Exit.NOT_SIGNED_IN)


def test_a_token_may_come_through_a_pipe_without_saying_so(platform: Platform, slipway: User, anyone: User) -> None:
    assert anyone("login", platform.url, "--json", stdin=slipway.token).json["role"] == "owner"
    assert anyone("login", "--json", stdin=slipway.token).json["url"] == platform.url, "where it was last"


@pytest.mark.parametrize("command", ["whoami", "login"])
def test_a_refused_token_of_the_environment_is_said_to_come_from_there(
    platform: Platform, slipway: User, anyone: User, command: str
) -> None:
    anyone("login", platform.url, "--token-stdin", stdin=slipway.token)
    anyone.environ["SLIPWAY_TOKEN"] = "slw_wrong"
    refused = anyone(command, code=Exit.NOT_SIGNED_IN).err
    assert "it comes from SLIPWAY_TOKEN, which goes before the login that is kept: unset it, or correct it" in refused
    assert "slipway login" not in refused


@pytest.mark.parametrize(
    ("given", "offered"),
    [
        ("slipway.localhost:8080", "slipway login http://slipway.localhost:8080"),
        ("slipway.example.net", "slipway login https://slipway.example.net"),
        ("ftp://slipway.example.net/", "slipway login https://slipway.example.net"),
        ("no address", "https://slipway.example.org"),
    ],
)
def test_an_address_without_a_scheme_is_offered_with_one(anyone: User, given: str, offered: str) -> None:
    assert offered in anyone("login", given, "--token-stdin", stdin="x", code=Exit.USAGE).err


@contextmanager
def answering(status: int, body: object) -> Iterator[str]:
    """A server that has one answer for everything; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            message = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/problem+json")
            self.send_header("Content-Length", str(len(message)))
            self.end_headers()
            self.wfile.write(message.encode())

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, "<h1>Not Found</h1>", "is not Slipway's console: http://{} answered 404 (text/html)."),
        (200, "<h1>Hello</h1>", "is not Slipway's console: http://{} answered 200 (text/html)."),
        (
            404,
            {"detail": "No app answers.", "code": "unknown-host", "fault": "client"},
            "neither its console nor an app",
        ),
        (
            503,
            {"detail": "Off.", "code": "scaled-to-zero", "fault": "app"},
            "is the address of an app, not the console's",
        ),
    ],
)
def test_a_login_at_another_host_says_who_answered_and_where_the_console_is(
    anyone: User, status: int, body: object, message: str
) -> None:
    with answering(status, body) as url:
        refused = anyone("login", url, stdin="slw_x", code=Exit.NOT_FOUND)
    assert message.format(url.removeprefix("http://")) in refused.err
    assert url in refused.err
    assert "SLIPWAY_PUBLIC_URL" in refused.err
    assert not (anyone.home / "config" / "login.json").exists()


def test_a_login_through_a_gateway_whose_console_is_down_claims_nothing(anyone: User) -> None:
    with answering(502, "<h1>Bad Gateway</h1>") as url:
        assert "answered 502" in anyone("login", url, stdin="slw_x", code=Exit.FAILED).err


def test_a_wrong_token_is_not_kept(platform: Platform, anyone: User) -> None:
    refused = anyone("login", platform.url, stdin="slw_wrong", code=Exit.NOT_SIGNED_IN)
    assert "slipway tokens create --name NAME" in refused.err
    assert "slipway login" not in refused.err
    kept = anyone.home / "config" / "login.json"
    assert not kept.exists()
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps({"url": platform.url, "token": "slw_wrong"}))
    assert f"slipway login {platform.url}\n" in anyone("whoami", code=Exit.NOT_SIGNED_IN).err


def test_the_host_makes_the_first_token_without_any_other(platform: Platform, anyone: User, tenant: str) -> None:
    settings: Settings = platform.api.services.settings
    anyone.environ |= {"SLIPWAY_STATE_DIR": str(settings.state_dir), "SLIPWAY_DATABASE_URL": settings.database_url}
    made = anyone("tokens", "create", "--tenant", tenant, "--name", "first", "--json").json
    assert (made["tenant"], made["role"]) == (tenant, "owner")
    assert User(platform, made["token"], anyone.home)("whoami", "--json").json["token"] == "first"
    again = anyone("tokens", "create", "--tenant", tenant, "--name", "first", code=Exit.FAILED)
    assert "choose another name" in again.err
    assert made["new_tenant"]
    assert "no tenant" not in anyone("tokens", "create", "--tenant", tenant, "--name", "second").err
    typed = anyone("tokens", "create", "--tenant", f"{tenant}x", "--name", "first").err
    assert f"There was no tenant {tenant}x: it was made." in typed
    anyone("tokens", "create", "--tenant", "No Tenant", "--name", "x", code=Exit.USAGE)


def test_elsewhere_no_token_can_be_made_so(anyone: User) -> None:
    anyone.environ["SLIPWAY_STATE_DIR"] = str(anyone.home)
    refused = anyone("tokens", "create", "--tenant", "acme", "--name", "x", code=Exit.REFUSED)
    assert "no platform" in refused.err
    assert not list(anyone.home.glob("*.db"))


def test_each_kind_of_refusal_has_its_code(platform: Platform, slipway: User, viewer: User, app: str) -> None:
    assert viewer("apps", "--json").json["apps"][0]["name"] == app
    refused = viewer("scale", "2", "-a", app, code=Exit.REFUSED).err
    assert "slipway tokens create --name NAME --role developer" in refused
    problem = json.loads(viewer("scale", "2", "-a", app, "--json", code=Exit.REFUSED).err)
    assert (problem["status"], problem["code"]) == (403, "not-allowed")
    assert problem["request_id"]
    slipway("ps", "-a", "nowhere", code=Exit.NOT_FOUND)
    slipway("scale", "101", "-a", app, code=Exit.USAGE)
    slipway("apps", "set", "-a", app, "port=none", code=Exit.USAGE)
    number = slipway("deploy", "-a", app, "--json").json["id"]
    late = slipway("deployments", "show", str(number), "--watch", "--timeout", "0", code=Exit.TIMED_OUT)
    assert f"slipway deployments show {number} --watch" in late.err
    gone = User(platform, slipway.token, slipway.home, {"SLIPWAY_URL": "http://127.0.0.1:9"})
    assert "nothing was changed" in gone("apps", code=Exit.FAILED).err


def test_no_proxy_is_asked_for_the_way_to_this_machine(slipway: User) -> None:
    slipway.environ |= {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}
    for host in ("127.0.0.1", "slipway.localhost"):
        slipway.environ["SLIPWAY_URL"] = slipway.platform.url.replace("127.0.0.1", host)
        assert slipway("whoami", "--json").json["role"] == "owner"


def test_another_tenants_app_is_not_found(slipway: User, app: str, platform: Platform, tmp_path: Path) -> None:
    stranger = user_of(platform, tmp_path / "stranger", "globex")
    stranger("apps", "show", app, code=Exit.NOT_FOUND)
    assert stranger("apps", "--json").json == {"apps": []}
