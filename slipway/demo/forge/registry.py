"""The forge's repositories, with their hooks and tokens. Kept beside each repository, so a restart knows them."""

from __future__ import annotations

import hmac
import json
import os
import re
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slipway.demo.forge.bare import BareRepository
from slipway.demo.forge.payloads import identity
from slipway.errors import Conflict, InvalidInput, NotAuthenticated, NotFound

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED = frozenset({"repos", "orgs", "healthz"})


@dataclass(slots=True)
class Hook:
    """Where events of a repository go. `events` names them, `*` means all."""

    id: int
    url: str
    secret: str
    content_type: str = "json"
    events: tuple[str, ...] = ("push",)
    active: bool = True

    def wants(self, event: str) -> bool:
        return self.active and (event in self.events or "*" in self.events)

    def shown(self, api_url: str) -> dict[str, Any]:
        """The hook as GitHub's API shows it: the secret is masked."""
        url = f"{api_url}/hooks/{self.id}"
        config = {"content_type": self.content_type, "insecure_ssl": "0", "url": self.url}
        return {
            "type": "Repository",
            "id": self.id,
            "name": "web",
            "active": self.active,
            "events": list(self.events),
            "config": config | ({"secret": "********"} if self.secret else {}),
            "url": url,
            "test_url": f"{url}/test",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {"code": None, "status": "unused", "message": None},
        }


@dataclass(slots=True)
class Repository:
    """A served repository. `token` guards pushing, and reading as well when `private`."""

    full_name: str
    path: Path
    private: bool = False
    token: str = ""
    created_at: int = 0
    pushed_at: int = 0
    hooks: list[Hook] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    pushing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def bare(self) -> BareRepository:
        return BareRepository(self.path)

    def hook(self, hook_id: int) -> Hook:
        found = next((hook for hook in self.hooks if hook.id == hook_id), None)
        if not found:
            raise NotFound(f"{self.full_name} has no hook {hook_id}")
        return found

    def save(self) -> None:
        kept = {"full_name": self.full_name, "private": self.private, "token": self.token}
        kept |= {"created_at": self.created_at, "pushed_at": self.pushed_at}
        document = kept | {"hooks": [asdict(hook) for hook in self.hooks]}
        aside = self.path / "forge.json.new"
        # secrets are inside, and a reader must never see half of it
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(document, file)
        aside.replace(self.path / "forge.json")

    @classmethod
    def load(cls, file: Path) -> Repository:
        document = json.loads(file.read_text())
        hooks = [Hook(**{**hook, "events": tuple(hook["events"])}) for hook in document.pop("hooks")]
        return cls(path=file.parent, hooks=hooks, **document)


class Registry:
    """All repositories below one folder. Names are compared without regard to case, as at GitHub."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        loaded = [Repository.load(file) for file in sorted(root.glob("*/*.git/forge.json"))]
        self._repositories = {repository.full_name.lower(): repository for repository in loaded}
        self._lock = threading.Lock()

    def create(self, full_name: str, *, private: bool, token: str, default_branch: str) -> Repository:
        owner, _, name = full_name.partition("/")
        if not _NAME.fullmatch(owner) or not _NAME.fullmatch(name) or name.endswith(".git") or owner in _RESERVED:
            raise InvalidInput(f"{full_name!r} is not a repository's name", remedy="write owner/name")
        if private and not token:
            raise InvalidInput("a private repository needs a token")
        with self._lock:
            if full_name.lower() in self._repositories:
                raise Conflict(f"{full_name} exists already")
            now = int(time.time())
            path = self.root / owner / f"{name}.git"
            repository = Repository(full_name, path, private, token, created_at=now, pushed_at=now)
            repository.bare.create(default_branch)
            repository.save()
            self._repositories[full_name.lower()] = repository
        return repository

    def get(self, full_name: str) -> Repository:
        found = self._repositories.get(full_name.lower())
        if not found:
            raise NotFound("Repository not found.")
        return found

    def new_hook_id(self, url: str) -> int:
        with self._lock:
            taken = {hook.id for repository in self._repositories.values() for hook in repository.hooks}
            wanted = identity(url)
            while wanted in taken:
                wanted += 1
            return wanted

    def open_to(self, full_name: str, token: str, *, write: bool) -> Repository:
        """The repository, if a caller with `token` (empty: nobody) may read it, or write to it.

        Raises:
            NotAuthenticated: a token is needed or not known; also for an unknown repository, as its absence is
                nobody's business.
            NotFound: the token is good, for something else.
        """
        repository = self._repositories.get(full_name.lower())
        if token and not self._knows(token):
            raise NotAuthenticated("Invalid username or token.")
        if repository and not (repository.private or (write and repository.token)):
            return repository
        if not token:
            raise NotAuthenticated("No anonymous access.")
        if repository and hmac.compare_digest(repository.token.encode(), token.encode()):
            return repository
        raise NotFound("Repository not found.")

    def _knows(self, token: str) -> bool:
        tokens = [repository.token for repository in self._repositories.values() if repository.token]
        # without any token there is nobody to mistake the caller for: credentials are then ignored
        return not tokens or any(hmac.compare_digest(known.encode(), token.encode()) for known in tokens)
