"""A real Gitea, repositories of it, and an installation that its deliveries reach."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from slipway.models import Delivery, Deployment
from tests.fixtures.api import Api
from tests.fixtures.gitea.server import Gitea, running_gitea
from tests.fixtures.rows import add_app, add_hook
from tests.forge import WorkingCopy
from tests.integration.router.conftest import api, owner, state_dir
from webhook.app import create_app

__all__ = ["api", "owner", "state_dir"]
SECRET = "slh_5c1f0a9be3c24488"


@pytest.fixture(scope="session")
def gitea() -> Iterator[Gitea]:
    folder = Path(tempfile.mkdtemp(prefix="slg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with running_gitea(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Hosted:
    """A private repository of Gitea's with a working copy."""

    gitea: Gitea
    name: str
    url: str
    copy: WorkingCopy

    @classmethod
    def make(cls, gitea: Gitea, folder: Path, *, private: bool = True) -> Hosted:
        name = f"r{secrets.token_hex(4)}"
        return cls(gitea, name, gitea.create_repository(name, private=private), WorkingCopy(folder / name))

    def push(self, message: str = "Change", **files: str | None) -> str:
        commit = self.copy.commit(message, **files)
        self.copy.git("push", "--quiet", "--force", self.gitea.push_url(self.name), "HEAD:main")
        return commit

    def link(self, commit: str, url: str, path: str = "lib") -> str:
        """A commit with a submodule, pushed."""
        (self.copy.path / ".gitmodules").write_text(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n')
        self.copy.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
        self.copy.git("add", ".gitmodules")
        self.copy.git("commit", "--quiet", "-m", "With a library")
        self.copy.git("push", "--quiet", self.gitea.push_url(self.name), "HEAD:main")
        return self.copy.git("rev-parse", "HEAD")


@pytest.fixture
def hosted(gitea: Gitea, tmp_path: Path) -> Hosted:
    return Hosted.make(gitea, tmp_path)


@dataclass
class Installation:
    """A tenant with an app of a repository, and the webhook, which listens."""

    api: Api
    url: str
    tenant_id: int
    hook_id: str
    app_id: int

    @property
    def address(self) -> str:
        return f"{self.url}/webhooks/github/{self.hook_id}"

    def deployments(self) -> list[Deployment]:
        with self.api.services.db.read(tenant_id=self.tenant_id) as session:
            return list(session.query(Deployment).order_by(Deployment.id))

    def deliveries(self) -> list[Delivery]:
        with self.api.services.db.read(tenant_id=self.tenant_id) as session:
            return list(session.query(Delivery).order_by(Delivery.id))


@pytest.fixture
def installation(api: Api, hosted: Hosted) -> Iterator[Installation]:
    services, tenant_id = api.services, api.tenant_id()
    hook_id = add_hook(services.db, services.hooks, tenant_id, repository=hosted.url, secret=SECRET)
    app = add_app(services.db, tenant_id, "shop", repository=hosted.url)
    server = make_server("127.0.0.1", 0, create_app(services.settings, services.db, services.queue), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield Installation(api, f"http://127.0.0.1:{server.server_port}", tenant_id, hook_id, app.id)
    server.shutdown()
    thread.join()
    server.server_close()
