"""Every command once, for people and for machines."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from slipway.cli import reference, this_host
from slipway.cli.exit_codes import Exit
from slipway.core.deployment.states import State
from slipway.core.runs.ends import RunEnd
from slipway.core.runs.states import RunState
from slipway.domain import lifecycle
from slipway.domain.audit import HOST
from slipway.domain.quota.plans import Plans
from slipway.domain.runs import lifecycle as run_lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import App, Deployment, Preview, Replica, Run, Volume, now
from tests.fixtures.chains import given
from tests.fixtures.releases import make_live
from tests.fixtures.waiting import eventually
from tests.integration.cli.rig import Done, Platform, User

TIME = "2030-01-01T12:00:00.000000000Z"


def live(platform: Platform, app: str, **values: Any) -> int:
    return make_live(platform.api.services.db, app, **{"message": "Fix the cart", "pushed_by": "octocat"} | values)


def replica_of(platform: Platform, number: int) -> str:
    with platform.api.services.db.read(platform="a test looks") as session:
        return str(session.query(Replica.id).filter_by(deployment_id=number).scalar())


def test_a_setting_that_the_live_file_goes_before_is_not_said_to_be_in_force(
    platform: Platform, slipway: User, app: str
) -> None:
    make_live(platform.api.services.db, app, file={"health_path": "/health"})
    done = slipway("apps", "set", "-a", app, "health_path=/nothere")
    assert done.out == f"Kept on {app}. Nothing that is in force changed: no replica restarts.\n"
    assert "health_path: not in force, as slipway.toml of the live commit goes before" in done.err
    shown = {line.split("  ")[0]: line.partition("  ")[2].strip() for line in slipway("apps", "show", app).lines}
    assert shown["settings"] == '{"health_path": "/nothere"}'
    assert shown["slipway.toml"] == shown["in force"] == '{"health_path": "/health"}'


def test_apps_are_listed_shown_set_and_opened(platform: Platform, slipway: User, app: str) -> None:
    row = slipway("apps").lines[1].split()
    assert row[:5] == [app, "empty", "0/1", "never", f"http://{app}.localhost:{platform.url.rpartition(':')[2]}/"]
    live(platform, app, ready=1)
    assert slipway("apps").lines[1].split()[:5] == [app, "running", "1/1", "v1", "aaaaaaa"]
    assert slipway("apps", "--json").json["apps"][0]["name"] == app
    shown = slipway("apps", "show", app).out
    assert "v1 aaaaaaa" in shown
    assert "1 of 1 ready" in shown
    assert slipway("apps", "show", "-a", app, "--json").json["live"]["release"]["number"] == 1
    output = slipway("apps", "set", "-a", app, "port=8080", "branch=next").out
    assert "Restarting without downtime: slipway deployments show" in output
    changed = slipway("apps", "set", "-a", app, "port=", "health_path=/health", "--json").json
    assert (changed["app"]["branch"], changed["app"]["settings"]) == ("next", {"health_path": "/health"})
    assert slipway("open", "-a", app).lines == changed["app"]["urls"]
    assert slipway("open", "-a", app, "--json").json == {"url": changed["app"]["urls"][0]}


def test_how_many_replicas_a_process_begins_with_rolls_nothing_out_and_says_how_to_scale(
    platform: Platform, slipway: User, app: str
) -> None:
    live(platform, app, ready=1)
    said = slipway("apps", "set", "-a", app, "processes.web.replicas=3")
    assert said.out == f"Set on {app}.\n"
    assert f"slipway scale 3 -a {app} --process web" in said.err
    assert len(slipway("deployments", "-a", app, "--json").json["deployments"]) == 1


def test_an_app_is_made_with_its_hook_and_the_secret_is_shown(slipway: User, tenant: str) -> None:
    url = f"https://github.com/{tenant}/new.git"
    made = slipway("apps", "create", f"one-{tenant}", "--repository", url, "--hook", "--set", "port=8080")
    assert "is made, but nothing can be deployed yet: http://" in made.lines[0]  # no branch is there
    assert [line.split()[0] for line in made.lines[1:3]] == ["hook", "secret"]
    assert "github.com can't reach 127.0.0.1" in made.err
    again = slipway("apps", "create", f"two-{tenant}", "--repository", url, "--replicas", "2", "--json").json
    assert (again["replicas"]["wanted"], again["hook"]) == (2, None)


def test_an_app_is_made_of_this_folders_origin_with_its_credential(slipway: User, tenant: str) -> None:
    url = f"https://github.com/{tenant}/here.git"
    for argv in (["init", "--quiet"], ["remote", "add", "origin", url]):
        subprocess.run(["git", "-C", str(slipway.home), *argv], check=True)
    made = slipway("apps", "create", f"here-{tenant}", "--credential-file", "-", "--json", stdin="a-token").json
    assert made["repository"] == url
    assert slipway("apps", "show", "--json").json["name"] == f"here-{tenant}"
    (slipway.home / "slipway.toml").write_text('app = "other"')
    assert "'other'" in slipway("ps", code=Exit.NOT_FOUND).err


@pytest.fixture
def origin(slipway: User) -> Callable[[str], None]:
    """Gives the user's folder an origin."""

    def add(url: str) -> None:
        for argv in (["init", "--quiet"], ["remote", "add", "origin", url]):
            subprocess.run(["git", "-C", str(slipway.home), *argv], check=True)

    return add


def test_a_credential_in_the_origins_address_is_left_out_and_that_is_said(
    slipway: User, tenant: str, origin: Callable[[str], None]
) -> None:
    origin(f"https://ada:geheim@github.com/{tenant}/twin.git")
    made = slipway("apps", "create", f"twin-{tenant}", "--hook")
    assert "origin holds a credential, which is not passed on" in made.err
    assert f"taking https://github.com/{tenant}/twin.git." in made.err
    assert "geheim" not in made.out + made.err
    shown = slipway("apps", "show", f"twin-{tenant}", "--json").json
    assert shown["repository"] == f"https://github.com/{tenant}/twin.git"


def test_a_credential_in_another_origin_is_refused_as_the_origins(
    slipway: User, tenant: str, origin: Callable[[str], None]
) -> None:
    origin(f"ssh://ada:geheim@github.com/{tenant}/twin.git")
    refused = slipway("apps", "create", f"twin-{tenant}", code=Exit.USAGE).err
    assert "the address of this folder's origin holds a credential" in refused
    assert "geheim" not in refused


def test_a_new_app_whose_repository_can_not_be_read_is_said_not_to_be_ready(
    platform: Platform, slipway: User, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform.agent, "unreadable", "github.com did not let us read the repository.")
    made = slipway("apps", "create", f"lost-{tenant}", "--repository", f"https://github.com/{tenant}/lost.git")
    assert "is made, but nothing can be deployed yet: http" in made.out
    assert "github.com did not let us read the repository." in made.err
    for remedy in ("--credential-file FILE", "repository=URL"):
        assert f"slipway apps set -a lost-{tenant} {remedy}" in made.err


@pytest.mark.parametrize(("head", "ready"), [(None, False), ("9" * 40, True)])
def test_a_new_app_says_whether_its_branch_is_there_and_how_pushes_are_noticed(
    platform: Platform, slipway: User, tenant: str, monkeypatch: pytest.MonkeyPatch, head: str | None, *, ready: bool
) -> None:
    monkeypatch.setattr(platform.agent, "head", head)
    url = f"https://github.com/{tenant}/new.git"
    made = slipway("apps", "create", f"new-{tenant}", "--repository", url, "--branch", "nobranch")
    is_missing = f"has no branch nobranch yet: push it, or: slipway apps set -a new-{tenant} branch=…" in made.err
    assert (is_missing, "is ready for its first push" in made.out) == (not ready, ready)
    assert f"found only by comparing heads, every 300 s. To get them at once: slipway hooks create {url}" in made.err


def test_deleting_takes_the_name(slipway: User, app: str) -> None:
    refused = slipway("apps", "delete", app, code=Exit.USAGE).err
    assert refused == f"✘ Nothing was deleted: say that you mean it by --confirm {app}.\n"
    assert "Nothing was deleted" in slipway("apps", "delete", app, "--confirm", "other", code=Exit.USAGE).err
    assert slipway("apps", "show", app, "--json").json["name"] == app
    assert slipway("apps", "delete", app, "--confirm", app).out == f"{app} is being deleted.\n"
    slipway("apps", "delete", app, "--confirm", app, "--json", code=Exit.NOT_FOUND)


def test_volumes_are_listed_kept_with_their_app_gone_and_removed_by_name(
    slipway: User, platform: Platform, app: str
) -> None:
    volume = f"{app}-production-data-1"
    with platform.api.services.db.write(platform="a test's volume") as session:
        found = session.scalars(select(App).filter_by(name=app)).one()
        owner = {"tenant_id": found.tenant_id, "app_id": found.id, "app_name": app}
        session.add(Volume(id=volume, name="data", mount_path="/data", **owner))
    platform.agent.sizes[volume] = 12_345_678
    row = slipway("volumes", "-a", app).lines[1]
    assert re.split(r"  +", row)[:6] == [volume, app, "production", "/data", "12.3 MB", "unused"]

    assert f"--confirm {volume}" in slipway("volumes", "remove", volume, code=Exit.USAGE).err
    said = slipway("apps", "delete", app, "--confirm", app).lines
    assert said == [f"{app} is being deleted.", f"{volume} stays, until: slipway volumes remove {volume}"]
    assert "app deleted" in slipway("volumes").out
    assert slipway("volumes", "remove", volume, "--confirm", volume).out == f"{volume} is being removed.\n"
    assert [each["state"] for each in slipway("volumes", "--json").json["volumes"] if each["id"] == volume] == [
        "being removed"
    ]
    for words in ([], ["--confirm", "none"]):
        missing = slipway("volumes", "remove", "none", *words, code=Exit.NOT_FOUND)
        assert "There is no volume 'none' here" in missing.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("scale", "abc"), "'abc' is not a number of replicas: slipway scale 2"),
        (("tokens", "revoke", "viewer"), "'viewer' is not a token's number: slipway tokens lists them"),
        (("deployments", "cancel", "v3"), "'v3' is not a deployment's number: slipway deployments lists them"),
        (("deployments", "show"), "Give a deployment's number: slipway deployments lists them"),
    ],
)
def test_what_is_no_number_is_refused_in_plain_words(slipway: User, words: tuple[str, ...], sentence: str) -> None:
    refused = slipway(*words, code=Exit.USAGE).err
    assert sentence in refused
    assert "Invalid value" not in refused


def test_an_app_whose_only_deployment_failed_names_it_with_its_reason(
    platform: Platform, slipway: User, app: str
) -> None:
    number = slipway("deploy", "-a", app, "--json").json["id"]
    for words in (("ps", "-a", app), ("logs", "-a", app)):
        assert f"deployment {number} is queued: slipway deployments show {number} --watch" in slipway(*words).err
    with platform.api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        lifecycle.advance(row, State.FETCHING)
        lifecycle.fail(row, DeploymentFailed("clone-refused", "github.com did not let us read it."))
    why = f"deployment {number} failed (clone-refused: github.com did not let us read it): "
    for words in (("ps", "-a", app), ("logs", "-a", app)):
        said = slipway(*words).err
        assert f"{app} is not live yet: {why}slipway deployments show {number}" in said
        assert "slipway deploy -a" not in said
    assert f"nothing yet: {why}" in slipway("apps", "show", app).out


def test_what_can_not_be_is_code_2_with_the_rule(slipway: User, tenant: str) -> None:
    refused = slipway("apps", "create", "Shop!", "--repository", f"https://github.com/{tenant}/x.git", code=Exit.USAGE)
    assert "'Shop!' can't be an app's name" in refused.err
    assert "lower-case" in refused.err
    assert refused.out == ""


def test_variables_are_set_listed_and_removed(platform: Platform, slipway: User, viewer: User, app: str) -> None:
    assert "slipway env set" in slipway("env", "-a", app).err
    output = slipway("env", "set", "-a", app, "URL=postgresql://h/d?a=b", "EMPTY=").out
    assert output == f"Set URL, EMPTY on {app}. In force with the next deployment: slipway deploy -a {app}\n"
    slipway("env", "-a", app, "set", "--build", "NPM_TOKEN=x", "--json")
    rows = {line.split()[0]: line.split() for line in slipway("env", "-a", app).lines[1:]}
    assert rows["URL"][-1] == "postgresql://h/d?a=b"
    assert rows["NPM_TOKEN"][1] == "build"
    assert viewer("env", "-a", app).out.count("(hidden)") == 3
    live(platform, app)
    same = slipway("env", "set", "-a", app, "EMPTY=").out
    assert same == f"EMPTY on {app}: already set so; nothing was changed.\n"
    done = slipway("env", "unset", "-a", app, "EMPTY", "NOPE")
    assert "slipway deployments show" in done.out
    assert done.err == "Not set: NOPE\n"
    assert "NOPE: not set" in slipway("env", "unset", "-a", app, "NOPE", code=Exit.NOT_FOUND).err
    of_builds = slipway("env", "unset", "-a", app, "NPM_TOKEN", code=Exit.NOT_FOUND).err
    assert f"set for builds: slipway env unset -a {app} --build NPM_TOKEN" in of_builds
    left = slipway("env", "-a", app, "--json").json["variables"]
    assert sorted(each["name"] for each in left) == ["NPM_TOKEN", "URL"]


def test_access_is_set_shown_asked_and_taken_away(slipway: User, viewer: User, app: str) -> None:
    done = slipway("access", "set", "tenant", "-a", app)
    assert done.out == f"In force within a second; see it: slipway access -a {app}\n"
    assert "admits nobody" in done.err, "sign-on is off here"
    slipway("access", "set", "role:owner", "group:/staff/ops", "--path", "/admin", "-a", app)
    slipway("access", "set", "public", "--path", "/public/", "-a", app)
    rows = {line.split()[0]: line for line in slipway("access", "-a", app).lines[1:]}
    assert [*rows] == ["/admin", "/public/", "(others)"]
    assert "role:owner, group:/staff/ops" in rows["/admin"]
    assert "tenant" in rows["(others)"]
    assert viewer("access", "show", "-a", app, "--json").json == slipway("access", "-a", app, "--json").json
    slipway("access", "unset", "--path", "/admin", "-a", app)
    left = slipway("access", "unset", "-a", app, "--json").json
    assert left["own"] == {"allow": None, "paths": [{"path": "/public/", "allow": ["public"]}]}


def test_who_may_see_a_path_can_be_asked(slipway: User, app: str) -> None:
    slipway("access", "set", "tenant", "--path", "/private", "-a", app)
    allowed = slipway("access", "test", "/", "--as", "anonymous", "-a", app)
    assert allowed.out == "allowed: somebody who is not signed in meets 'public': everybody, without signing in\n"
    refused = slipway("access", "test", "/x/../private", "--as", "anonymous", "-a", app)
    assert refused.out.startswith("not allowed: sign-on is off")
    assert "'/..' can be read in more than one way" in refused.err
    assert slipway("access", "test", "-a", app).out == "/: everybody, without signing in\n"
    assert slipway("access", "test", "/private", "-a", app, "--json").json["people"] is None
    group = slipway("access", "test", "/private", "--group", "/tenants/x/owner", "-a", app, "--json")
    assert group.json["allowed"] is False


def test_what_is_no_policy_is_refused_with_what_can_be_said(slipway: User, app: str) -> None:
    assert "role:developer" in slipway("access", "set", "everyone", "-a", app, code=Exit.USAGE).err
    assert "can't be the path" in slipway("access", "set", "public", "--path", "x", "-a", app, code=Exit.USAGE).err
    assert "no policy for /x" in slipway("access", "unset", "--path", "/x", "-a", app, code=Exit.USAGE).err
    slipway("access", "test", "/", "--as", "ada", "-a", app, code=Exit.FAILED)
    slipway("access", "test", "/", "--token", "99", "-a", app, code=Exit.NOT_FOUND)


def test_limits_are_set_listed_and_removed(slipway: User, app: str, tenant: str) -> None:
    assert slipway("limits", "set", "calls", "requests=100", "per_s=60", "-a", app).out.startswith("Set: calls.")
    slipway("limits", "set", "calls", "at_once=5", "by=all", "dry_run=true", "--tenant")
    listed = slipway("limits", "-a", app).out
    assert "100 in 60 s" in listed
    assert "5 at once" in listed
    assert "only reports" in listed
    slipway("limits", "set", "calls", "requests=100", "-a", app, code=Exit.USAGE)
    assert slipway("limits", "unset", "calls", "-a", app, "--json").json == {"name": "calls"}
    slipway("limits", "unset", "calls", "--tenant")
    assert slipway("limits", "-a", app, "--json").json == {"limits": [], "refused": []}
    slipway("limits", "unset", "calls", "-a", app, code=Exit.NOT_FOUND)


def test_a_tenants_quota_is_shown_with_what_is_left(platform: Platform, slipway: User, app: str, tenant: str) -> None:
    plans = Plans(platform.api.services.db, HOST, lambda _app_id: None)
    plans.change_quota(tenant, {"apps": 4, "cpus": 0, "build_minutes": 2.0})
    live(platform, app, settings={})
    rows = {line[:16].strip(): line[16:].split() for line in slipway("quota").lines}
    assert rows["apps"] == ["1", "4", "██░░░░░░░░", "25%", "not", "the", "plan's"]
    assert rows["cpus"][:4] == ["1", "0", "██████████", "100%"]
    assert rows["memory (MB)"] == ["128", "unlimited"]
    assert slipway("quota").out == slipway("quota", "show").out
    assert "Plan: default." in slipway("quota").out
    shown = {each["name"]: each for each in slipway("quota", "--json").json["quotas"]}
    assert shown["apps"] == {"name": "apps", "used": 1, "limit": 4, "own": True}
    for refused in (("plans",), ("quota", "show", "--tenant", tenant), ("quota", "set", "apps=9", "--tenant", tenant)):
        assert "platform-admin" in slipway(*refused, code=Exit.REFUSED).err
    slipway("scale", "2", "-a", app, code=Exit.REFUSED)


def test_plans_are_made_given_and_removed_on_the_host(
    platform: Platform, slipway: User, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root it needs no login."""
    monkeypatch.setattr(this_host, "may_act_here", lambda: True)
    monkeypatch.setattr(this_host, "host_settings", lambda: platform.api.services.settings)
    name = f"plan-{tenant}"
    on_host = replace(slipway, token="")
    assert on_host("plans", "add", name, "apps=5", "cpus=2.5").out.startswith(f"Made: {name}.")
    on_host("plans", "add", name, code=Exit.FAILED)
    on_host("plans", "set", name, "cpus=", "volumes=unlimited", "apps=6")
    on_host("plans", "set", name, "aps=6", code=Exit.USAGE)
    on_host("plans", "set-limit", name, "calls", "requests=5", "per_s=60")
    on_host("plans", "assign", name, tenant)
    assert next(line.split() for line in on_host("plans").lines if name in line) == [
        *(name, "apps=6", "volumes=unlimited", "calls", tenant)
    ]
    assert slipway("quota", "--json").json["quotas"][0]["limit"] == 6
    assert [(each["scope"], each["name"]) for each in slipway("limits", "--tenant", "--json").json["limits"]] == [
        ("plan", "calls")
    ]
    on_host("plans", "remove", name, code=Exit.FAILED)
    on_host("plans", "unset-limit", name, "calls")
    on_host("quota", "set", "apps=9", "--tenant", tenant)
    assert on_host("quota", "show", "--tenant", tenant, "--json").json == slipway("quota", "--json").json
    on_host("plans", "assign", "default", tenant)
    on_host("plans", "remove", name)
    assert name not in on_host("plans", "--json").out
    on_host("quota", "show", "--tenant", "nobody", code=Exit.NOT_FOUND)


def test_domains_are_added_listed_and_removed(slipway: User, app: str, tenant: str) -> None:
    host = f"{tenant}.example"  # a domain of its own: other tenants of this platform use others
    assert slipway("domains", "add", host, "-a", app).out.startswith(f"{host} leads to {app}.")
    assert slipway("domains", "-a", app).out.count("web") == 2
    assert "needs no certificate" in slipway("domains", "check", f"{app}.localhost", "-a", app).out
    assert slipway("domains", "-a", app, "remove", host, "--json").json == {"host": host}
    assert [each["host"] for each in slipway("domains", "-a", app, "--json").json["domains"]] == [f"{app}.localhost"]
    slipway("domains", "remove", host, "-a", app, code=Exit.NOT_FOUND)
    last = slipway("domains", "remove", f"{app}.localhost", "-a", app)
    assert last.err == f"It was the last one: no host leads to {app} now: slipway domains add -a {app} HOST\n"


def test_own_certificates_are_added_listed_and_removed(slipway: User, app: str, tmp_path: Path) -> None:
    """This platform serves no HTTPS: what is served then is in tests/integration/router/test_own_certificates.py."""
    certificate, key, host = tmp_path / "fullchain.pem", tmp_path / "key.pem", f"{app}.localhost"
    made = given(host)
    certificate.write_text(made.certificate)
    key.write_text(made.key)
    files = ("--certificate", str(certificate), "--key", str(key))
    assert "SLIPWAY_HTTPS_LISTEN" in slipway("certificates", "add", host, *files, "-a", app, code=Exit.FAILED).err
    slipway("certificates", "add", "nobody.example", *files, "-a", app, code=Exit.NOT_FOUND)
    assert "serves no HTTPS" in slipway("certificates", "-a", app).err
    assert slipway("certificates", "-a", app, "--json").json["certificates"][0]["certificate"] is None
    slipway("certificates", "remove", host, "-a", app, code=Exit.NOT_FOUND)
    key.write_bytes(b"0\x82")
    swapped = slipway("certificates", "add", host, *files, "-a", app, code=Exit.USAGE)
    assert "openssl pkey -inform der" in swapped.err


def test_replicas_are_scaled_and_listed(platform: Platform, slipway: User, app: str) -> None:
    assert "1 replica wanted" in slipway("scale", "1", "-a", app).out
    assert slipway("scale", "0", "-a", app).out.startswith(f"{app} web: scaled to 0. In force with the first")
    assert slipway("scale", "2", "-a", app, "--json").json == {"process": "web", "replicas": 2}
    assert f"not live yet: git push, or slipway deploy -a {app}" in slipway("ps", "-a", app).err
    live(platform, app, ready=2)
    rows = [line.split() for line in slipway("ps", "-a", app).lines]
    assert [row[:3] for row in rows[1:]] == [["web.0", "ready", "v1"], ["web.1", "ready", "v1"]]
    assert len(slipway("ps", "-a", app, "--all", "--json").json["replicas"]) == 2


def test_a_command_begins_is_listed_and_stopped(platform: Platform, slipway: User, viewer: User, app: str) -> None:
    live(platform, app, settings={}, ready=1)
    run = slipway("run", "-a", app, "--detach", "--timeout", "90.5", "--json", "--", "sh", "-c", "ls -l", "--json").json
    assert (run["command"], run["timeout_s"]) == (["sh", "-c", "ls -l", "--json"], 91)
    number = str(run["id"])
    assert f"slipway runs output {run['id'] + 1} -a {app}" in slipway("run", "-a", app, "--detach", "--", "true").out
    assert "sh -c 'ls -l'" in slipway("runs", "-a", app, "--active").out
    assert f"run {number}" in slipway("ps", "-a", app).out
    assert len(slipway("ps", "-a", app, "--json").json["runs"]) == 2
    assert slipway("runs", "stop", number, "-a", app).out == f"Run {number} is being stopped.\n"
    platform.agent.say(f"run-{number}", f"{TIME} a line")
    assert slipway("runs", "output", number, "-a", app).out == "a line\n"
    assert "role developer" in viewer("run", "-a", app, "--", "true", code=Exit.REFUSED).err
    assert "is not a run's number" in slipway("runs", "output", "x", "-a", app, code=Exit.USAGE).err


def test_a_run_is_followed_to_its_end_and_its_code_is_the_commands(platform: Platform, slipway: User, app: str) -> None:
    live(platform, app, settings={})
    process = slipway.start("run", "-a", app, "--", "fail")
    run = eventually(lambda: newest_run(platform, app), what="it begins")
    end_run(platform, run, f"{TIME} a line", RunEnd(RunState.FAILED, "exit-code", "it ended: exit code 3", exit_code=3))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, "a line\n")
    assert err == f"Run {run} failed: it ended: exit code 3\n"


def test_a_schedule_is_listed_and_its_jobs_are_run_by_hand(platform: Platform, slipway: User, app: str) -> None:
    live(platform, app, settings={"cron": [{"name": "report", "schedule": "@daily", "command": "report --all"}]})
    listed = slipway("cron", "-a", app).lines
    assert listed[1].split()[:3] == ["report", "@daily", "UTC"]
    run = slipway("cron", "run", "report", "-a", app, "--detach", "--json").json
    assert run["cron"] == "report"
    assert "cron report" in slipway("cron", "runs", "report", "-a", app).out
    assert "has no job 'none'" in slipway("cron", "run", "none", "-a", app, code=Exit.NOT_FOUND).err
    live(platform, app, settings={})
    assert "[[cron]]" in slipway("cron", "-a", app).err


def test_previews_are_listed_approved_and_removed(platform: Platform, slipway: User, app: str) -> None:
    assert f"slipway apps set -a {app} previews=true" in slipway("previews", "-a", app).err
    slipway("apps", "set", "-a", app, "previews=true")
    assert "no open pull requests" in slipway("previews", "-a", app).err
    add_preview(platform, app, head="5d1c0aa" + "0" * 33)
    listed = slipway("previews", "-a", app).lines
    assert listed[1].split()[:5] == ["#12", "(fork)", "awaiting", "approval", "5d1c0aa"]
    moved = slipway("previews", "approve", "12", "9999999", "-a", app, code=Exit.FAILED).err
    assert f"slipway previews approve -a {app} 12 5d1c0aa" in moved
    approved = slipway("previews", "approve", "12", "5d1c0aa", "-a", app).out
    assert approved == f"#12 is deployed at 5d1c0aa, without the variables of {app}.\n"
    assert slipway("previews", "remove", "12", "-a", app, "--json").json["state"] == "removed"
    unknown = slipway("previews", "remove", "13", "-a", app, code=Exit.NOT_FOUND).err
    assert f"{app} knows no open pull request #13" in unknown


def test_a_program_needs_a_replica_that_runs_and_a_terminal_where_it_asks_for_one(
    platform: Platform, slipway: User, app: str
) -> None:
    live(platform, app, settings={})
    assert "No replica runs" in slipway("exec", "-a", app, "--", "true", code=Exit.NOT_FOUND).err
    assert "The input is no terminal" in slipway("exec", "-a", app, code=Exit.USAGE).err


def newest_run(platform: Platform, app: str) -> int | None:
    with platform.api.services.db.read(platform="a test looks") as session:
        of_app = select(Run.id).join(App, App.id == Run.app_id).where(App.name == app)
        return session.scalar(of_app.order_by(Run.id.desc()).limit(1))


def end_run(platform: Platform, number: int, line: str, ended: RunEnd) -> None:
    """As the agent does, when its container has printed a line and ended."""
    with platform.api.services.db.write(platform="a test's agent") as session:
        run_lifecycle.begin(session.get_one(Run, number), "c" * 64)
    platform.agent.say(f"run-{number}", line)
    platform.agent.end(f"run-{number}")
    with platform.api.services.db.write(platform="a test's agent") as session:
        run_lifecycle.end(session.get_one(Run, number), ended)


def test_deployments_are_asked_for_listed_shown_and_cancelled(slipway: User, app: str) -> None:
    assert "never deployed" in slipway("deployments", "-a", app).err
    made = slipway("deploy", "-a", app, "--ref", "next", "--json").json
    assert (made["state"], made["ref"], made["kind"]) == ("queued", "next", "manual")
    number = str(made["id"])
    assert slipway("deployments", "-a", app).lines[1].split()[:2] == [number, "queued"]
    own = slipway("deploy", "-a", app, "--json").json["id"]
    assert own > made["id"], "another branch under way is not what is asked for"
    assert slipway("deploy", "-a", app).out.startswith(f"Deployment {own} is queued"), "but this is"
    slipway("deployments", "cancel", str(own))
    assert slipway("deployments", "show", number).lines[-1] == "queued"
    assert "is being cancelled" in slipway("deployments", "cancel", number).out
    assert slipway("deployments", "show", number, "--json").json["state"] == "cancelled"
    assert "cancelled · deployment" in slipway("deployments", "show", number).lines[-1]
    assert slipway("deployments", "-a", app, "--limit", "1", "--json").json["deployments"][0]["id"] == own
    assert "slipway deployments" in slipway("deployments", "cancel", number, code=Exit.FAILED).err


def test_rollback_goes_to_the_release_before_or_to_one_by_its_number(
    platform: Platform, slipway: User, app: str
) -> None:
    slipway("rollback", "-a", app, code=Exit.NOT_FOUND)
    for commit in "abc":
        live(platform, app, commit=commit * 40)
    back = slipway("rollback", "-a", app, "--json").json
    assert (back["kind"], back["release"]["number"]) == ("rollback", 2)
    second = slipway("rollback", "-a", app, "--to", "v1")
    assert "goes back to v1 (aaaaaaa) and is queued" in second.out
    assert second.err == f"It cancels deployment {back['id']} (rollback of bbbbbbb).\n"
    assert "v3" in slipway("rollback", "-a", app, "--to", "3", code=Exit.FAILED).err


def test_what_serves_one_app_is_promoted_to_another(
    platform: Platform, slipway: User, viewer: User, app: str, tenant: str
) -> None:
    other = f"other-{tenant}"
    slipway("apps", "create", other, "--image", "registry.example/shop:1")
    refused = slipway("promote", "-a", app, "--to", other, code=Exit.FAILED)
    assert f"deploy it first: slipway deploy -a {app}" in refused.err
    live(platform, app, file={})
    done = slipway("promote", "-a", app, "--to", other)
    [made] = slipway("deployments", "-a", other, "--json").json["deployments"]
    assert done.out.startswith(f"Deployment {made['id']} brings {other} what serves {app} and is queued: slipway ")
    assert (made["kind"], made["message"]) == ("promotion", f"from {app} v1")
    viewer("promote", "-a", app, "--to", other, code=Exit.REFUSED)
    slipway("promote", "-a", app, "--to", "nope", code=Exit.NOT_FOUND)


def test_a_build_log_is_read_by_either_name(platform: Platform, slipway: User, app: str) -> None:
    number = slipway("deploy", "-a", app, "--json").json["id"]
    platform.log(number, "#1 FROM python", "#2 DONE")
    for words in (("deployments", "log", str(number)), ("logs", "--deployment", str(number))):
        assert slipway(*words).lines == ["#1 FROM python", "#2 DONE"]
        assert slipway(*words, "--json").json["log"] == "#1 FROM python\n#2 DONE\n"


def test_the_logs_of_a_failed_deployment_have_its_replicas_last_words(
    platform: Platform, slipway: User, app: str
) -> None:
    number = live(platform, app, ready=1)
    platform.log(number, "#1 DONE")
    replica = replica_of(platform, number)
    platform.agent.say(replica, f"{TIME} KeyError: 'DATABASE_URL'")
    shown = slipway("logs", "--deployment", str(number))
    printed = slipway("logs", "-a", app).lines
    assert printed[0].startswith("web.0 v1  ")
    assert shown.lines == ["#1 DONE", f"replica {replica}", *printed]
    assert "KeyError" in slipway("logs", "--deployment", str(number), "--json").json["replicas"][replica]


def test_where_nothing_runs_the_way_to_the_kept_output_and_to_a_start_is_reported(
    platform: Platform, slipway: User, app: str
) -> None:
    replica = replica_of(platform, live(platform, app, ready=1))
    slipway("scale", "0", "-a", app)
    with platform.api.services.db.write(platform="a test's agent") as session:
        row = session.get_one(Replica, replica)
        row.state, row.started_at, row.ended_at = "gone", row.created_at, row.created_at
    for words in (("logs", "-a", app), ("ps", "-a", app)):
        output = slipway(*words)
        assert output.out == ""
        assert output.err.splitlines() == [
            f"No replica runs: {app} is scaled to 0. Start it: slipway scale 1 -a {app}",
            f"What web.0 v1 printed last is kept: slipway logs -a {app} --replica {replica}",
            f"Others that ended lately: slipway ps --all -a {app}",
        ]


def test_output_is_shown_with_process_slot_and_release(platform: Platform, slipway: User, app: str) -> None:
    replica = replica_of(platform, live(platform, app, ready=1))
    for word in ("one", "two", "three"):
        platform.agent.say(replica, f"{TIME} {word}")
    lines = slipway("logs", "-a", app, "-n", "2").lines
    assert [line.split("  ")[0] for line in lines] == ["web.0 v1"] * 2
    assert [line.rpartition(" ")[2] for line in lines] == ["two", "three"]
    first = slipway("logs", "-a", app, "--replica", replica, "--json").json["lines"][0]
    assert first == {"replica": replica, "time": TIME, "text": "one"}


def test_hooks_are_made_listed_rotated_and_removed(slipway: User, tenant: str) -> None:
    assert "slipway hooks create" in slipway("hooks").err
    url = f"https://github.com/{tenant}/shop.git"
    assert "(shown this once)" in slipway("hooks", "create", url).out
    hook = slipway("hooks", "--json").json["hooks"][0]
    assert slipway("hooks").lines[1].split()[:2] == [hook["id"], f"github.com/{tenant}/shop"]
    assert slipway("hooks", "rotate", hook["id"], "--json").json["secret"]
    assert "Redeliver" in slipway("hooks", "deliveries", hook["id"]).err
    assert slipway("hooks", "deliveries", hook["id"], "--json").json == {"deliveries": []}
    assert slipway("hooks", "delete", hook["id"]).out == f"Hook {hook['id']} is gone.\n"
    slipway("hooks", "delete", hook["id"], "--json", code=Exit.NOT_FOUND)


def test_tokens_are_made_listed_and_revoked(platform: Platform, slipway: User) -> None:
    made = slipway("tokens", "create", "--name", "ci")
    assert made.out.startswith("slw_")
    assert len(made.lines) == 1, "the answer is the token alone, for scripts"
    issued = slipway("tokens", "create", "--name", "me", "--role", "viewer", "--expires-in", "7300", "--json").json
    row = next(line for line in slipway("tokens").lines if " me " in line)
    assert row.endswith(("in 2 h", "in 1 h"))
    assert slipway("tokens", "revoke", str(issued["id"])).out == f"Token {issued['id']} is revoked.\n"
    slipway("tokens", "revoke", "999999", "--json", code=Exit.NOT_FOUND)
    assert "me" not in {each["name"] for each in slipway("tokens", "--json").json["tokens"]}
    revoked = User(platform, issued["token"], slipway.home)
    revoked("apps", code=Exit.NOT_SIGNED_IN)


def test_the_platforms_own_services_are_shown(slipway: User) -> None:
    done = slipway("status", code=Exit.FAILED)  # no worker runs here
    assert {line.split()[0]: line.split()[1] for line in done.lines[1:4]} == dict.fromkeys(
        ("database", "redis", "agent"), "ok"
    )
    assert slipway("status", "--json", code=Exit.FAILED).json["status"] == "degraded"


def test_a_failure_is_shown_with_what_to_do(platform: Platform, slipway: User, app: str) -> None:
    live(platform, app, commit="7" * 40, ready=1)
    number = slipway("deploy", "-a", app, "--json").json["id"]
    fail(platform, number)
    shown = slipway("deployments", "show", str(number)).out
    assert "  last lines of the build\n  make: *** error 2\n" in shown
    assert "v1 (7777777) serves on. What to do:\n  fix it, and push again\n" in shown
    assert shown.endswith(f"Error build-failed · deployment {number}\n")


def test_a_push_that_just_failed_is_shown_and_not_deployed_again(
    platform: Platform, slipway: User, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = slipway("deploy", "-a", app, "--json").json["id"]
    fail(platform, number)
    with platform.api.services.db.write(platform="a test's push") as session:
        row = session.get_one(Deployment, number)
        row.kind, row.commit_sha = "push", "7" * 40
    monkeypatch.setattr(platform.agent, "head", "7" * 40)
    shown = slipway("deploy", "-a", app, "--watch", code=Exit.FAILED)
    assert f"Error build-failed · deployment {number}\n" in shown.out
    assert "--ref main" in shown.err
    with platform.api.services.db.write(platform="a test's clock") as session:
        row = session.get_one(Deployment, number)
        row.ended_at = now() - timedelta(minutes=2)
    assert slipway("deploy", "-a", app, "--json").json["id"] > number


def test_a_number_is_not_taken_for_one_of_the_app_that_is_named(slipway: User, app: str) -> None:
    other = f"{app}-2"
    slipway("apps", "create", other, "--repository", "https://github.com/acme/other.git")
    number = str(slipway("deploy", "-a", app, "--json").json["id"])
    for words in (
        ("deployments", "show", number),
        ("deployments", "cancel", number),
        ("deployments", "log", number),
        ("deployments", "log", number, "-f"),
        ("logs", "--deployment", number),
        ("logs", "--deployment", number, "-f"),
    ):
        wrong = slipway(*words, "-a", other, code=Exit.NOT_FOUND)
        assert f"{other} has no deployment {number}: it is one of {app}." in wrong.err
    assert slipway("deployments", "show", number, "-a", app, "--json").json["state"] == "queued"
    slipway("deployments", "cancel", number, "-a", app)


def test_what_a_hook_does_after_a_change_is_said(slipway: User, app: str, tenant: str) -> None:
    url = f"https://github.com/{tenant}/shop.git"
    hook = slipway("hooks", "create", url, "--json").json["id"]
    second = slipway("apps", "create", f"{app}-2", "--repository", url, "--hook")
    assert f"had the hook {hook} already" in second.err
    assert "(shown this once)" not in second.out
    moved = slipway("apps", "set", "-a", app, f"repository=https://github.com/{tenant}/moved.git")
    assert f"its hook {hook} goes on for {app}-2" in moved.err
    assert "slipway hooks create https://" in moved.err
    gone = slipway("apps", "delete", f"{app}-2", "--confirm", f"{app}-2")
    assert f"slipway hooks delete {hook}" in gone.err


def test_the_doctor_checks_this_host(slipway: User) -> None:
    slipway.environ["SLIPWAY_STATE_DIR"] = str(slipway.home)
    done = slipway.start("doctor", "--json")
    out, err = done.communicate(timeout=300)
    assert done.returncode in (Exit.DONE, Exit.FAILED), err
    assert {"name", "ok", "detail", "remedy"} == set(Done(0, out, err).json["findings"][0])


def test_the_identity_provider_is_for_the_hosts_owner_and_for_administrators(slipway: User) -> None:
    slipway.environ["SLIPWAY_STATE_DIR"] = str(slipway.home)  # no platform is there
    refused = slipway("identity", "sync", "--dry-run", code=Exit.REFUSED)
    assert "platform-admin" in refused.err
    assert "as root on Slipway's host" in refused.err


def test_people_are_those_of_the_identity_provider(slipway: User, tmp_path: Path) -> None:
    slipway.environ["SLIPWAY_STATE_DIR"] = str(slipway.home)  # no platform is there
    for arguments in (("users",), ("users", "add", "ada", "--role", "developer"), ("users", "role", "ada", "viewer")):
        assert "Sign-on is off" in slipway(*arguments, code=Exit.FAILED).err
    for arguments in (("users", "remove", "ada"), ("users", "show", "ada"), ("users", "sign-out", "ada")):
        assert "Sign-on is off" in slipway(*arguments, code=Exit.FAILED).err
    assert "Sign-on is off" in slipway("users", "invite", "ada@x.org", "--role", "viewer", code=Exit.FAILED).err
    assert "None: slipway users invite" in slipway("users", "invitations").err
    assert "there is no invitation 7" in slipway("users", "revoke", "7", code=Exit.NOT_FOUND).err
    file = tmp_path / "people.csv"
    file.write_text("login,email\nada,ada@example.org\n")
    assert "platform-admin" in slipway("users", "import", str(file), "--dry-run", code=Exit.REFUSED).err


def test_every_command_is_called_here() -> None:
    lines = [line for page in Path(__file__).parent.glob("test_*.py") for line in page.read_text().splitlines()]
    for words, _command in reference.paths():
        calls = [f'("{words[0]}"', *(f'"{word}"' for word in words[1:])]
        assert words == ("completion",) or any(all(call in line for call in calls) for line in lines), words


def add_preview(platform: Platform, app: str, *, head: str) -> None:
    """A pull request of a fork, as its event is written down."""
    with platform.api.services.db.write(platform="a test's pull request") as session:
        parent = session.query(App).filter_by(name=app).one()
        row = Preview(tenant_id=parent.tenant_id, parent_id=parent.id, number=12, title="Round", author="eve")
        row.branch, row.ref, row.head, row.is_fork = "cart", "refs/pull/12/head", head, True
        row.expires_at, row.key = now() + timedelta(days=7), "0" * 32
        session.add(row)


def fail(platform: Platform, number: int) -> None:
    """As a worker ends a build that failed."""
    platform.advance(number, State.FETCHING)
    platform.advance(number, State.BUILDING)
    with platform.api.services.db.write(platform="a test's worker") as session:
        error = DeploymentFailed(
            "build-failed", "`make` failed", remedy="fix it, and push again", tail="make: *** error 2"
        )
        lifecycle.fail(session.get_one(Deployment, number), error)
