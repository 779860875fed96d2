"""The demo does what a user does for the first push, step by step, through the same API and forge."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from slipway.core.deployment.states import UNFINISHED
from slipway.core.naming import validation
from slipway.demo.calls import CallFailed, Calls, open_client
from slipway.demo.forge.process import ForgeProcess
from slipway.demo.progress import Progress
from slipway.demo.sample import EXAMPLES, Example, Pushed, Sample
from slipway.demo.waiting import wait_for
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.settings import Settings

TENANT, OWNER, BRANCH, LOGIN = "demo", "demo", "main", "demo"
DELIVERY_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 60.0
HINT_AFTER_S = 5.0


class TokenRefused(SlipwayError):
    code = "token-refused"


@dataclass(frozen=True, slots=True)
class Walk:
    """One run of the demo against the platform that `settings` describe."""

    settings: Settings
    forge: ForgeProcess
    progress: Progress
    environment: Mapping[str, str] | None = None
    """What the `slipway` command is run with; None: this process's own."""
    example: Example = EXAMPLES["hello"]

    def run(self) -> str:
        """Push the sample and return the address where its new version answered.

        Raises:
            DeploymentFailed: the platform said no; carries its reason, remedy and the tail of the output.
            SlipwayError: the demo itself could not go on.
        """
        self._check_forge_is_allowed()
        if self.forge.start():
            self.progress.line(f"forge     {self.forge.url}   (stop it with: make demo-stop)")
        with self._platform() as platform, Calls(self.forge.url, self.forge.admin_token) as forge:
            app = self._connect(platform, forge)
            began = time.time()
            pushed = self._push()
            self.progress.line(f'{self._app}  {pushed.commit[:7]} "{pushed.subject}"   pushed by {LOGIN}')
            self._await_delivery(forge, pushed)
            deployment = self._follow(platform, pushed)
            address = str(app["urls"][0])
            self._check_answer(address, pushed, deployment, platform.token if self.example.is_private else "")
        self.progress.line(f"version {pushed.version} answered {time.time() - began:.1f} s after the push")
        return address

    @property
    def _app(self) -> str:
        return self.example.name

    @property
    def _repository(self) -> str:
        return f"{self.forge.url}/{OWNER}/{self._app}.git"

    def _check_forge_is_allowed(self) -> None:
        address = self.forge.address
        try:
            validation.repository_url(self._repository, self.settings.git_hosts)
        except SlipwayError as error:
            hosts = ",".join(hosts_with(self.settings, address))
            raise SlipwayError(
                f"the platform may not fetch from the demo's forge at {address}: {error.message}",
                remedy=f"start the platform with SLIPWAY_GIT_HOSTS={hosts}",
            ) from error

    # the user's token, app and hook: made once, found again

    def _platform(self) -> Calls:
        token_file = self.forge.folder / "token"
        kept = token_file.read_text().strip() if token_file.exists() else ""
        platform = Calls(self.settings.public_url, kept)
        if kept and _accepted(platform):
            return platform
        token = self._new_token()
        with open(os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(token)
        return Calls(self.settings.public_url, token)

    def _new_token(self) -> str:
        name = f"demo-{secrets.token_hex(3)}"
        argv = [sys.executable, "-m", "slipway.cli", "tokens", "create", "--tenant", TENANT, "--name", name, "--json"]
        outcome = subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=300, check=False)
        if outcome.returncode:
            raise TokenRefused(f"no token could be made: {outcome.stderr.strip()[-500:]}", remedy="see: make status")
        return str(json.loads(outcome.stdout)["token"])

    def _connect(self, platform: Calls, forge: Calls) -> dict[str, Any]:
        """Repository, app and hook, and the app as the API shows it."""
        if not forge.find(f"/repos/{OWNER}/{self._app}"):
            forge.post(f"/orgs/{OWNER}/repos", name=self._app)
        app = platform.find(f"/api/apps/{self._app}")
        if not app:
            app = platform.post("/api/apps", name=self._app, repository=self._repository, branch=BRANCH)
            self.progress.line(f"app       {self._app}, from {self._repository}, branch {BRANCH}")
        elif app["repository"] != self._repository:  # the forge has moved to another port
            app = platform.patch(f"/api/apps/{self._app}", repository=self._repository)["app"]
            self.progress.line(f"app       {self._app}, now from {self._repository}")
        self._connect_hook(platform, forge)
        return dict(app)

    def _connect_hook(self, platform: Calls, forge: Calls) -> None:
        """One hook, as the platform has it now: its address may have changed, and the forge may have lost it."""
        repository = f"/repos/{OWNER}/{self._app}/hooks"
        identity = validation.repository_identity(self._repository)
        here = next((hook for hook in platform.get("/api/hooks")["hooks"] if hook["repository"] == identity), None)
        there = {urlsplit(hook["config"]["url"]).path: hook for hook in forge.get(repository)}
        known = there.get(urlsplit(here["url"]).path) if here else None
        if here and known:
            if known["config"]["url"] != here["url"]:
                forge.patch(f"{repository}/{known['id']}", config={"url": here["url"]})
                self.progress.line(f"hook      {here['url']}, as the platform's address has changed")
            return
        made = platform.post(f"/api/hooks/{here['id']}/rotate") if here else None
        made = made or platform.post("/api/hooks", repository=self._repository)
        config = {"url": made["url"], "secret": made["secret"], "content_type": "json"}
        forge.post(repository, name="web", active=True, events=["push"], config=config)
        self.progress.line(f"hook      {made['url']}")

    # the push and what comes of it

    def _push(self) -> Pushed:
        parts = urlsplit(self._repository)
        push_url = parts._replace(netloc=f"{quote(LOGIN)}:any@{parts.netloc}").geturl()
        return Sample(self.forge.folder / "working-copy", self.example).commit_next_version(push_url)

    def _await_delivery(self, forge: Calls, pushed: Pushed) -> None:
        """Wait until the forge has delivered this push; refused or ignored is a failure."""
        known = {hook["id"] for hook in forge.get(f"/repos/{OWNER}/{self._app}/hooks")}
        deliveries = [f"/repos/{OWNER}/{self._app}/hooks/{number}/deliveries" for number in sorted(known)]

        def accepted() -> bool:
            return any(self._took(forge, path, pushed) for path in deliveries)

        if not wait_for(accepted, DELIVERY_TIMEOUT_S):
            raise DeploymentFailed(
                "delivery-failed",
                f"no delivery of {pushed.commit[:7]} was accepted: {_last_answer(forge, deliveries)}",
                remedy="see what runs: make status",
            )

    def _took(self, forge: Calls, path: str, pushed: Pushed) -> bool:
        for delivery in forge.get(path):
            if delivery["event"] == "push" and delivery["status_code"] == 202:
                shown = forge.get(f"{path}/{delivery['id']}")
                if shown["request"]["payload"]["after"] == pushed.commit:
                    self.progress.line(f"delivery  accepted in {delivery['duration'] * 1000:.0f} ms")
                    return True
        return False

    def _follow(self, platform: Calls, pushed: Pushed) -> dict[str, Any]:
        """Show the deployment's steps until it is live.

        Raises:
            DeploymentFailed: it ended otherwise, or did not end in the time that builds and starts may take.
        """
        found: list[dict[str, Any]] = []
        notes: list[str] = []
        began = time.monotonic()

        def ended() -> bool:
            if not found:
                listed = platform.get(f"/api/apps/{self._app}/deployments")["deployments"]
                found.extend(d for d in listed if d["commit"] == pushed.commit)
                return False
            found[0] = platform.get(f"/api/deployments/{found[0]['id']}")
            self.progress.steps(found[0]["steps"])
            if not found[0]["steps"] and time.monotonic() - began > HINT_AFTER_S and not notes:
                notes.append("waits")
                self.progress.line("  … it waits for a worker (make status says whether one runs)")
            return found[0]["state"] not in UNFINISHED

        wait_for(ended, self.settings.build_timeout_s + self.settings.probe_timeout_s + self.settings.confirm_timeout_s)
        if not found or found[0]["state"] not in ("live", "retired"):
            raise _failure(self._app, found[0] if found else {})
        return found[0]

    def _check_answer(self, address: str, pushed: Pushed, deployment: dict[str, Any], token: str) -> None:
        """`token` is for what only members of its tenant may see."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        expected = self.example.shows.format(pushed.version)
        last = ["no answer"]

        def answers() -> bool:
            try:
                with open_client(address, headers) as client:
                    answer = client.get(self.example.path, timeout=5)
            except httpx.HTTPError as error:
                last[0] = str(error) or type(error).__name__
                return False
            last[0] = f"{answer.status_code} {answer.text[:200]}"
            return answer.status_code == 200 and expected in answer.text

        if not wait_for(answers, ANSWER_TIMEOUT_S):
            raise DeploymentFailed(
                "wrong-answer",
                f"deployment {deployment['id']} is live, but {address} does not answer with version "
                f"{pushed.version}: {last[0]}",
                remedy=f"look at it: slipway logs -a {self._app}",
            )


def hosts_with(settings: Settings, address: str) -> tuple[str, ...]:
    """The hosts that repositories may come from, with one more."""
    hosts = settings.git_hosts or (validation.PUBLIC_HOSTS,)
    return hosts if address in hosts else (*hosts, address)


def working_folder(settings: Settings) -> Path:
    return settings.state_dir / "demo"


def _accepted(platform: Calls) -> bool:
    try:
        platform.get("/api/apps")
    except CallFailed as error:
        platform.__exit__(None, error, None)
        if error.answered not in (401, 403):
            raise
        return False
    return True


def _last_answer(forge: Calls, paths: list[str]) -> str:
    for path in paths:
        listed = forge.get(path)
        if listed:
            shown = forge.get(f"{path}/{listed[0]['id']}")
            return f"{shown['status_code'] or shown['status']} {shown['response']['payload'][:300]}".strip()
    return "none was sent"


def _failure(app: str, deployment: dict[str, Any]) -> DeploymentFailed:
    if not deployment:
        return DeploymentFailed("no-deployment", "the push made no deployment", remedy=f"slipway deployments -a {app}")
    detail = deployment["detail"] or f"it is {deployment['state']}"
    said = f"{detail.rstrip('.')}. {deployment['meaning']}".rstrip()
    return DeploymentFailed(
        deployment["reason"] or deployment["state"],
        f"{said}\ndeployment {deployment['id']}",
        remedy=deployment["remedy"] or f"slipway deployments show {deployment['id']}",
        tail=deployment["tail"],
    )
