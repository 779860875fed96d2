"""A small git forge that speaks GitHub's protocols: smart HTTP, signed `push` deliveries, commit statuses.

In a test:

    with Forge(tmp_path) as forge:
        forge.create_repository("acme/hello")
        forge.add_hook("acme/hello", url, secret)
        …git push to forge.clone_url("acme/hello")…
        forge.settle()[-1].status == 202

As a process: `python -m slipway.demo.forge --root DIR --port N` (its REST API is then open to the token in
`DIR/admin-token`).
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from slipway import logs
from slipway.demo import api, payloads
from slipway.demo.bare import RefUpdate, updates
from slipway.demo.deliveries import Courier, Delivery, deliver, prepare, sign
from slipway.demo.payloads import NULL_SHA, Person
from slipway.demo.registry import Hook, Registry, Repository
from slipway.demo.server import ForgeServer
from slipway.errors import Conflict, InvalidInput, NotFound

__all__ = ["NULL_SHA", "Delivery", "Forge", "Hook", "Person", "Repository", "deliver", "sign"]

# GitHub makes no events for a push of more refs than these
_MAX_TAGS, _MAX_BRANCHES = 3, 5000
_log = logging.getLogger(__name__)


class Forge:
    """Serves the repositories below `root` and tells their hooks of every push.

    It listens once made (`base_url` is then known) and answers between `start` and `stop`. Without `admin_token` its
    REST API takes commit statuses only.
    """

    def __init__(self, root: Path, listen: tuple[str, int] = ("127.0.0.1", 0), admin_token: str = "") -> None:
        self.registry = Registry(root)
        self.admin_token = admin_token
        self._courier = Courier()
        self._server = ForgeServer(listen, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="forge", daemon=True)
        host, port = self._server.server_address[:2]
        self.base_url = f"http://{host!s}:{port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._courier.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # repositories

    def create_repository(
        self, full_name: str, private: bool = False, token: str | None = None, default_branch: str = "main"
    ) -> Repository:
        """A new, empty repository.

        Raises:
            InvalidInput: not `owner/name`, or private without a token.
            Conflict: it exists.
        """
        return self.registry.create(full_name, private=private, token=token or "", default_branch=default_branch)

    def clone_url(self, full_name: str) -> str:
        return f"{self.base_url}/{self.registry.get(full_name).full_name}.git"

    def push_url(self, full_name: str, login: str = "octocat") -> str:
        """The clone URL with credentials: the repository's token (any word where it has none) and who pushes."""
        url = urlsplit(self.clone_url(full_name))
        token = self.registry.get(full_name).token or "any"
        return url._replace(netloc=f"{quote(login, safe='')}:{quote(token, safe='')}@{url.netloc}").geturl()

    def api_url(self, full_name: str) -> str:
        return f"{self.base_url}/repos/{full_name}"

    def refs(self, full_name: str) -> dict[str, str]:
        """All branches and tags: full ref → object id."""
        return self.registry.get(full_name).bare.refs()

    def repository_payload(self, full_name: str) -> dict[str, Any]:
        """The repository as it stands in events."""
        repository = self.registry.get(full_name)
        return payloads.repository(
            self.base_url,
            repository.full_name,
            private=repository.private,
            default_branch=repository.bare.default_branch,
            created_at=repository.created_at,
            pushed_at=repository.pushed_at,
        )

    # hooks and deliveries

    def add_hook(
        self,
        full_name: str,
        url: str,
        secret: str,
        content_type: str = "json",
        events: Sequence[str] = ("push",),
    ) -> Hook:
        """A new hook, greeted with a `ping`. `content_type` is `json` or `form`; an empty secret signs nothing."""
        if urlsplit(url).scheme not in ("http", "https") or content_type not in ("json", "form"):
            raise InvalidInput("a hook needs an http(s) URL and the content type json or form")
        repository = self.registry.get(full_name)
        hook = Hook(self.registry.new_hook_id(url), url, secret, content_type, tuple(events))
        repository.hooks.append(hook)
        repository.save()
        shown = hook.shown(self.api_url(full_name))
        self._dispatch(repository, hook, "ping", payloads.ping(self.repository_payload(full_name), shown))
        return hook

    def change_hook(
        self,
        full_name: str,
        hook_id: int,
        *,
        url: str | None = None,
        secret: str | None = None,
        active: bool | None = None,
    ) -> Hook:
        """Change what is given (not None) of a hook."""
        repository = self.registry.get(full_name)
        hook = repository.hook(hook_id)
        hook.url = hook.url if url is None else url
        hook.secret = hook.secret if secret is None else secret
        hook.active = hook.active if active is None else active
        repository.save()
        return hook

    def remove_hook(self, full_name: str, hook_id: int) -> None:
        repository = self.registry.get(full_name)
        repository.hooks.remove(repository.hook(hook_id))
        repository.save()

    def send(self, full_name: str, event: str, payload: Mapping[str, Any] | bytes) -> list[Delivery]:
        """Send any event, crafted or real, to every hook that wants it; in the background."""
        repository = self.registry.get(full_name)
        wanting = [hook for hook in repository.hooks if hook.wants(event)]
        return [self._dispatch(repository, hook, event, payload) for hook in wanting]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every sending so far, pings too, oldest first."""
        return self._courier.deliveries

    def pushes(self) -> list[Delivery]:
        """Deliveries of `push`, without those sent again, once all are answered."""
        return [d for d in self.settle() if d.event == "push" and not d.redelivery]

    def settle(self, timeout_s: float = 30.0) -> list[Delivery]:
        """Wait until nothing is under way; see `Courier.settle`."""
        return self._courier.settle(timeout_s)

    def redeliver(self, delivery: Delivery | str) -> Delivery:
        """Send a delivery (or the latest with that id) again: same id and bytes, signed with the hook's secret of now.

        Raises:
            NotFound: it, or its hook, is not there any more.
        """
        if isinstance(delivery, str):
            found = [d for d in self.deliveries if d.id == delivery]
            if not found:
                raise NotFound(f"no delivery {delivery}")
            delivery = found[-1]
        repository = self.registry.get(delivery.repository)
        hook = repository.hook(delivery.hook_id)
        return self._dispatch(repository, hook, delivery.event, delivery.body, again=delivery.id)

    def _dispatch(
        self, repository: Repository, hook: Hook, event: str, payload: Mapping[str, Any] | bytes, again: str = ""
    ) -> Delivery:
        delivery = prepare(
            hook.url,
            hook.secret,
            event,
            payload,
            content_type=hook.content_type,
            delivery_id=again,
            hook_id=hook.id,
            target_id=payloads.identity(repository.full_name),
        )
        return self._courier.dispatch(replace(delivery, repository=repository.full_name, redelivery=bool(again)))

    # pushes

    def pushed(self, repository: Repository, before: Mapping[str, str], after: Mapping[str, str], login: str) -> None:
        """Tell the hooks what a push changed; one event a ref. Called while the repository's pushes are held."""
        changed = updates(before, after)
        if not changed:
            return
        repository.pushed_at = int(time.time())
        repository.bare.adopt_default_branch(after)
        repository.save()
        tags = [update for update in changed if update.ref.startswith("refs/tags/")]
        branches = [update for update in changed if update not in tags]
        told = (branches if len(branches) <= _MAX_BRANCHES else []) + (tags if len(tags) <= _MAX_TAGS else [])
        known = dict(before)
        for update in told:
            self.send(repository.full_name, "push", self._payload(repository, update, known, login))
            known[update.ref] = update.after
            if update.after == NULL_SHA:
                del known[update.ref]

    def push_payload(
        self,
        full_name: str,
        *,
        ref: str = "refs/heads/main",
        before: str | None = None,
        after: str | None = None,
        login: str = "octocat",
        **changes: Any,
    ) -> dict[str, Any]:
        """The body of a `push`, for deliveries that no push made.

        `before` and `after` default to the parent of, and to, the ref's head; commits that the repository doesn't
        have are made up. `changes` replace top-level fields at the end.
        """
        repository = self.registry.get(full_name)
        refs = repository.bare.refs()
        after = after or refs[ref]
        update = RefUpdate(ref, before or repository.bare.parent(after), after)
        if all(sha == NULL_SHA or repository.bare.has_commit(sha) for sha in (update.before, after)):
            known = {name: sha for name, sha in refs.items() if name != ref} | {ref: update.before}
            payload = self._payload(repository, update, {k: v for k, v in known.items() if v != NULL_SHA}, login)
        else:
            made_up = [payloads.commit(after, url=f"{self.base_url}/{full_name}/commit/{after}", modified=["app.py"])]
            payload = payloads.push(
                self.repository_payload(full_name), ref=ref, before=update.before, after=after, commits=made_up
            )
        return payload | changes

    def _payload(
        self, repository: Repository, update: RefUpdate, known: Mapping[str, str], login: str
    ) -> dict[str, Any]:
        described = repository.bare.describe(update, known, f"{self.base_url}/{repository.full_name}")
        who = Person(login, f"{login}@users.noreply.github.com") if login else _committer(described)
        payload = payloads.push(
            self.repository_payload(repository.full_name),
            ref=update.ref,
            before=update.before,
            after=update.after,
            **described,
        )
        return payload | payloads.pushed_by(self.base_url, who)

    # commit statuses

    def add_status(self, full_name: str, sha: str, document: Mapping[str, Any]) -> dict[str, Any]:
        statuses = self.registry.get(full_name).statuses
        statuses.append(api.status_payload(self, full_name, sha, len(statuses) + 1, document))
        return statuses[-1]

    def statuses(self, full_name: str, sha: str = "") -> list[dict[str, Any]]:
        """Commit statuses received so far, oldest first; of one commit when `sha` is given."""
        return [s for s in self.registry.get(full_name).statuses if not sha or s["sha"] == sha]


def _committer(described: Mapping[str, Any]) -> Person:
    """Who pushed, as far as it can be guessed when the push came without credentials."""
    head = described.get("head_commit")
    if not head:
        return Person()
    return Person("-".join(head["committer"]["name"].lower().split()), head["committer"]["email"])


def admin_token(root: Path) -> str:
    """The token of the forge at `root`, made at first use (mode 0600)."""
    root.mkdir(parents=True, exist_ok=True)
    file = root / "admin-token"
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(24))
    except FileExistsError:
        pass
    return file.read_text().strip()


@contextmanager
def _pid_file(path: Path) -> Iterator[None]:
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"a forge runs already, see {path}") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m slipway.demo.forge", description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the repositories")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid-file", type=Path, help="locked while it runs, and holds its process id")
    options = parser.parse_args(argv)
    logs.configure("forge", {"": "INFO"})
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as opened:
        if options.pid_file:
            opened.enter_context(_pid_file(options.pid_file))
        forge = opened.enter_context(Forge(options.root, (options.host, options.port), admin_token(options.root)))
        _log.info("the forge listens", extra={"url": forge.base_url})
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
