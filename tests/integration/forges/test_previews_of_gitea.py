"""Pull requests at a real Gitea get previews of the whole platform: a host that answers, one comment, and an end."""

from __future__ import annotations

import http.client
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.fixtures.gitea.server import PASSWORD, USER, Gitea
from tests.fixtures.stack import PROBE, Answer, Checkout, Stack, running_stack
from tests.fixtures.waiting import eventually

STRANGER = "eve"
WITHIN_S = 40
POLLED_S = "5"


class Relay:
    """Brings deliveries to the edge: programs in Go, such as Gitea, resolve no name under `.localhost`."""

    def __init__(self, edge_port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {**dict(self.headers.items()), "Host": "slipway.localhost"}
                connection = http.client.HTTPConnection("127.0.0.1", edge_port, timeout=30)
                connection.request("POST", self.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                connection.close()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def address(self, hook_url: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/webhooks/{hook_url.partition('/webhooks/')[2]}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def stack(gitea: Gitea) -> Iterator[Stack]:
    forge = f"gitea {gitea.url} {gitea.token}"
    owners = f"{gitea.netloc}/{USER}"
    with running_stack(git_hosts=gitea.netloc, forge_tokens=forge, preview_owners=owners, poll_s=POLLED_S) as stack:
        yield stack


@pytest.fixture(scope="module")
def relay(stack: Stack) -> Iterator[Relay]:
    relay = Relay(stack.port)
    yield relay
    relay.close()


@dataclass
class Shop:
    """An app with previews, of a repository at Gitea, live."""

    stack: Stack
    gitea: Gitea
    name: str
    checkout: Checkout
    hook: int

    @property
    def repository(self) -> str:
        return f"/repos/{USER}/{self.name}"

    def branch(self, name: str, version: str) -> str:
        """A version on a branch, pushed."""
        commit = self.checkout.commit(version, VERSION=f"{version}\n")
        self.checkout.push(f"HEAD:refs/heads/{name}")
        return commit

    def pull(self, head: str) -> int:
        made = self.gitea.call("POST", f"{self.repository}/pulls", base="main", head=head, title=f"Of {head}")
        return int(made["number"])

    def close(self, number: int) -> None:
        self.gitea.call("PATCH", f"{self.repository}/pulls/{number}", state="closed")

    def previews(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.stack.call("GET", f"/apps/{self.name}/previews")["previews"]
        return listed

    def state(self, number: int) -> str:
        return next((each["state"] for each in self.previews() if each["number"] == number), "")

    def is_in(self, number: int, state: str) -> None:
        eventually(lambda: self.state(number) == state, within_s=WITHIN_S, what=f"#{number} is {state}")

    def app(self, number: int) -> str:
        return f"pr-{number}-{self.name}"

    def serves(self, number: int, version: str) -> None:
        def answers() -> bool:
            answer = self.stack.get(self.app(number))
            return (answer.status, answer.text) == (200, version)

        eventually(answers, within_s=WITHIN_S, what=f"#{number} serves {version}")

    def is_gone(self, number: int) -> None:
        """Host, app, containers and images."""
        name = self.app(number)

        def gone() -> bool:
            found = self.stack.get(name).status == 404 and self.stack.api("GET", f"/apps/{name}").status == 404
            return found and not self.stack.containers(f"label=slipway.app={name}") and not self.images(name)

        eventually(gone, within_s=WITHIN_S, what=f"nothing is left of {name}")

    def images(self, name: str) -> list[tuple[str, str]]:
        return self.stack.images(f"slipway.app={name}")

    def comments(self, number: int) -> list[str]:
        found = self.gitea.call("GET", f"{self.repository}/issues/{number}/comments")
        return [each["body"].partition("\n")[2] for each in found]

    def says(self, number: int, text: str) -> None:
        """In its only comment."""

        def said() -> bool:
            comments = self.comments(number)
            return len(comments) == 1 and text in comments[0]

        eventually(said, within_s=WITHIN_S, what=f"the comment on #{number} says {text!r}")


def working_copy(stack: Stack, name: str, push_url: str) -> Checkout:
    folder = stack.state / "checkouts" / name
    shutil.copytree(PROBE, folder)
    checkout = Checkout(folder, push_url)
    checkout.run("init", "-q", "-b", "main")
    return checkout


@pytest.fixture
def shop(stack: Stack, relay: Relay, gitea: Gitea) -> Shop:
    name = f"s{secrets.token_hex(3)}"
    url = gitea.create_repository(name)
    settings = {"previews": {"inherit_variables": True, "variables": {"ROUND": "preview"}}}
    values = {"name": name, "repository": url, "credential": gitea.token, "hook": True, "settings": settings}
    hook = stack.call("POST", "/apps", values)["hook"]
    stack.cli("env", "set", "-a", name, "--secret", "SECRET=s3cret-of-the-shop")
    checkout = working_copy(stack, name, gitea.push_url(name))
    config = {"url": relay.address(hook["url"]), "content_type": "json", "secret": hook["secret"]}
    hooks = f"/repos/{USER}/{name}/hooks"
    events = ["push", "pull_request"]
    made = gitea.call("POST", hooks, type="gitea", config=config, events=events, active=True)
    shop = Shop(stack, gitea, name, checkout, int(made["id"]))
    stack.deploy(name, checkout, "main-1")
    return shop


def get(shop: Shop, number: int, path: str) -> Answer:
    return shop.stack.get(shop.app(number), path)


def test_a_pull_request_is_previewed_from_its_opening_to_its_end(shop: Shop) -> None:
    commit = shop.branch("cart", "cart-1")
    number = shop.pull("cart")
    shop.serves(number, "cart-1")
    assert get(shop, number, "/env/SECRET").text == "s3cret-of-the-shop"
    assert get(shop, number, "/env/ROUND").text == "preview"
    shop.says(number, f"://{shop.app(number)}.localhost:{shop.stack.port}/")
    shop.says(number, f"at `{commit[:7]}`: it is live.")
    shop.branch("cart", "cart-2")
    shop.serves(number, "cart-2")
    assert shop.stack.get(shop.name).text == "main-1"
    shop.says(number, "it is live.")
    shop.close(number)
    shop.is_gone(number)
    shop.says(number, "it is removed.")
    assert shop.previews() == []
    assert shop.stack.get(shop.name).text == "main-1"


def test_one_that_is_opened_again_is_previewed_again_and_one_that_is_merged_is_not(shop: Shop) -> None:
    shop.branch("cart", "cart-1")
    number = shop.pull("cart")
    shop.serves(number, "cart-1")
    shop.close(number)
    shop.is_gone(number)
    shop.gitea.call("PATCH", f"{shop.repository}/pulls/{number}", state="open")
    shop.serves(number, "cart-1")
    shop.gitea.call("POST", f"{shop.repository}/pulls/{number}/merge", Do="merge")
    shop.is_gone(number)
    eventually(lambda: shop.stack.get(shop.name).text == "cart-1", within_s=WITHIN_S, what="what was merged is live")
    shop.says(number, "it is removed.")


def test_a_fork_waits_for_an_approval_of_its_commit_and_gets_no_secret(shop: Shop) -> None:
    stranger = f"{STRANGER}{secrets.token_hex(2)}"
    shop.gitea.call("PATCH", shop.repository, private=False)
    person = {"username": stranger, "email": f"{stranger}@x.io", "password": PASSWORD}
    shop.gitea.call("POST", "/admin/users", **person, must_change_password=False)
    fork_of(shop, stranger)
    shop.checkout.push_url = f"http://{stranger}:{PASSWORD}@{shop.gitea.netloc}/{stranger}/{shop.name}.git"
    commit = shop.branch("round", "fork-1")
    number = shop.pull(f"{stranger}:round")
    shop.is_in(number, "awaiting approval")
    shop.says(number, f"slipway previews approve -a {shop.name} {number} {commit[:7]}")
    assert shop.stack.get(shop.app(number)).status == 404
    shop.stack.cli("previews", "approve", "-a", shop.name, str(number), commit[:7])
    shop.serves(number, "fork-1")
    assert get(shop, number, "/env/SECRET").text == ""
    shop.branch("round", "fork-2")
    shop.is_in(number, "awaiting approval")
    shop.serves(number, "fork-1")
    refused = shop.stack.api("POST", f"/apps/{shop.name}/previews/{number}/approve", {"commit": commit})
    assert refused.status == 409
    shop.stack.cli("previews", "remove", "-a", shop.name, str(number))
    shop.is_gone(number)


def fork_of(shop: Shop, stranger: str) -> None:
    """A fork that the stranger has made."""
    url = f"{shop.gitea.url}/api/v1{shop.repository}/forks"
    answer = httpx.post(url, json={}, auth=(stranger, PASSWORD), timeout=30, trust_env=False)
    assert answer.is_success, answer.text


def test_a_closing_and_an_opening_whose_events_do_not_come_are_found(shop: Shop) -> None:
    shop.branch("cart", "cart-1")
    number = shop.pull("cart")
    shop.serves(number, "cart-1")
    shop.gitea.call("DELETE", f"{shop.repository}/hooks/{shop.hook}")
    shop.close(number)
    shop.is_gone(number)
    shop.branch("other", "other-1")
    another = shop.pull("other")
    shop.serves(another, "other-1")
