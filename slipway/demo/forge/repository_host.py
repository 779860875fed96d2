"""What the forge knows and does, without a server: repositories, hooks, deliveries, pushes, commit statuses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from slipway.demo.forge import payloads
from slipway.demo.forge.bare import RefUpdate, updates
from slipway.demo.forge.deliveries import Courier, Delivery, prepare
from slipway.demo.forge.payloads import NULL_SHA, Person
from slipway.demo.forge.registry import Hook, Registry, Repository
from slipway.errors import InvalidInput, NotFound

# GitHub makes no events for a push of more refs than these
_MAX_TAGS, _MAX_BRANCHES = 3, 5000


class RepositoryHost:
    """The repositories below `root`, known to others at `base_url`; tells their hooks of every push.

    Without `admin_token` its REST API takes commit statuses only.
    """

    def __init__(self, root: Path, base_url: str, admin_token: str = "") -> None:
        self.registry = Registry(root)
        self.base_url = base_url
        self.admin_token = admin_token
        self._courier = Courier()

    def close(self) -> None:
        """Send what is under way, drop what waits."""
        self._courier.close()

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
        reported = (branches if len(branches) <= _MAX_BRANCHES else []) + (tags if len(tags) <= _MAX_TAGS else [])
        known = dict(before)
        for update in reported:
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
        statuses.append(self._status(full_name, sha, len(statuses) + 1, document))
        return statuses[-1]

    def statuses(self, full_name: str, sha: str = "") -> list[dict[str, Any]]:
        """Commit statuses received so far, oldest first; of one commit when `sha` is given."""
        return [s for s in self.registry.get(full_name).statuses if not sha or s["sha"] == sha]

    def _status(self, full_name: str, sha: str, number: int, document: Mapping[str, Any]) -> dict[str, Any]:
        """A commit status as GitHub shows it; `sha` stands beside it for the tests."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        owner = full_name.partition("/")[0]
        return {
            "url": f"{self.api_url(full_name)}/statuses/{sha}",
            "avatar_url": None,
            "id": number,
            "node_id": f"SC_{number:x}",
            "state": document["state"],
            "description": document.get("description"),
            "target_url": document.get("target_url"),
            "context": document.get("context") or "default",
            "created_at": now,
            "updated_at": now,
            "creator": payloads.user(self.base_url, owner),
            "sha": sha,
        }


def _committer(described: Mapping[str, Any]) -> Person:
    """Who pushed, as far as it can be guessed when the push came without credentials."""
    head = described.get("head_commit")
    if not head:
        return Person()
    return Person("-".join(head["committer"]["name"].lower().split()), head["committer"]["email"])
