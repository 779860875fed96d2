"""A CI job that has no stored secret calls the command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router.identity import job_tokens
from slipway.cli.exit_codes import Exit
from slipway.cli.sign_in import job_identity
from slipway.core.access.roles import Role
from tests.fixtures.api import Api, make_services
from tests.fixtures.identity.ci_jobs import github_claims
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.oidc_server import Answer, Asked
from tests.fixtures.identity.oidc_tokens import signed
from tests.fixtures.ports import free_port
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.services.router_threads import serving
from tests.integration.cli.rig import Platform, User, user_of

GUIDE = Path(__file__).parents[3] / "docs/guide/trusted-publishing.md"
SECRET = "the runner's own secret"


class Runner:
    """Gives a job its token, as GitHub's runner does, and as GitLab sets one."""

    def __init__(self, issuer: OidcProvider, platform: Platform, tenant: str, home: Path) -> None:
        self.issuer = issuer
        self.platform = platform
        self.tenant = tenant
        self.home = home
        self.asked: list[Asked] = []
        self.claims: dict[str, str] = {}
        issuer._job = self._answer  # type: ignore[attr-defined]

    def token(self, audience: str = "") -> str:
        return signed(
            github_claims(self.issuer.issuer, aud=audience or self.platform.url, **self.claims), self.issuer.key
        )

    def job(self, **environ: str) -> User:
        home = self.home / "job"
        home.mkdir(exist_ok=True)
        return User(self.platform, "", home, {"SLIPWAY_TENANT": self.tenant, **environ})

    def github_job(self, **environ: str) -> User:
        github = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.issuer.issuer}/job?api-version=2.0"}
        return self.job(**github, ACTIONS_ID_TOKEN_REQUEST_TOKEN=SECRET, **environ)

    def gitlab_job(self, **environ: str) -> User:
        return self.job(SLIPWAY_ID_TOKEN=self.token(), **environ)

    def _answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.authorization != f"Bearer {SECRET}" or asked.parameters.get("api-version") != "2.0":
            return Answer(401)
        return Answer.json({"value": self.token(asked.parameters["audience"])})


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, shared_redis: RedisServer, issuer: OidcProvider
) -> Iterator[Platform]:
    """Beside the one for all: its settings allow the issuer, and name the port where it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("platform")
    database = shutil.copy(sqlite_template, folder / "slipway.db")
    services = make_services(folder, f"sqlite:///{database}", shared_redis.url)
    settings = replace(services.settings, public_url=url, issuer_hosts=(f"127.0.0.1:{issuer.port}",))
    services = replace(services, settings=settings, job_tokens=job_tokens.connect(settings))
    with serving(services, port):
        yield Platform(Api(services, None), None, url)  # type: ignore[arg-type]  what of it the command needs
    services.db.dispose()
    services.redis.close()


@pytest.fixture
def owner(platform: Platform, issuer: OidcProvider, tenant: str, tmp_path: Path) -> User:
    """With the app `shop`, which trusts the jobs of octo/shop."""
    made = user_of(platform, tmp_path / "owner", tenant)
    made("apps", "create", "shop", "--repository", "https://github.com/octo/shop.git")
    said = made("publishers", "add", "-a", "shop", "--github", "octo/shop", "--ref", "main", "--issuer", issuer.issuer)
    assert "shop trusts" in said.out
    return made


@pytest.fixture
def runner(owner: User, platform: Platform, issuer: OidcProvider, tenant: str, tmp_path: Path) -> Runner:
    del owner
    return Runner(issuer, platform, tenant, tmp_path)


def deployments(owner: User) -> list[dict[str, object]]:
    found: list[dict[str, object]] = owner("deployments", "-a", "shop", "--json").json["deployments"]
    return found


@pytest.mark.parametrize("kind", ["github_job", "gitlab_job"])
def test_a_job_deploys_with_its_own_token(runner: Runner, owner: User, kind: str) -> None:
    job = getattr(runner, kind)()
    job("deploy", "-a", "shop")
    [made] = deployments(owner)
    assert made["actor"] == "workload:octo/shop@refs/heads/main"


def test_a_job_deploys_a_commit(runner: Runner, owner: User) -> None:
    runner.github_job(SLIPWAY_APP="shop")("deploy", "--ref", "a" * 40)
    assert [made["ref"] for made in deployments(owner)] == ["a" * 40]


def test_the_guides_job_without_the_command(runner: Runner, owner: User) -> None:
    """As a shell of GitHub's runners executes it."""
    [block] = re.findall(r"^      - run: \|\n((?:          .*\n)+)", GUIDE.read_text(), re.MULTILINE)
    job = runner.github_job(GITHUB_SHA="b" * 40)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", textwrap.dedent(block)],
        env={"PATH": os.environ["PATH"], **job.variables()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.startswith("::add-mask::slwp_")
    assert [made["ref"] for made in deployments(owner)] == ["b" * 40]


def test_a_job_reads_deployments_and_nothing_else(runner: Runner) -> None:
    job = runner.github_job()
    job("deploy", "-a", "shop")
    assert job("deployments", "-a", "shop", "--json").json["deployments"]
    assert "and nothing else" in job("env", "-a", "shop", code=Exit.REFUSED).err
    assert "and nothing else" in job("publishers", "-a", "shop", code=Exit.REFUSED).err


def test_a_token_that_is_set_is_used_once(runner: Runner, owner: User) -> None:
    job = runner.gitlab_job()
    job("deploy", "-a", "shop")
    assert "is good once" in job("deploy", "-a", "shop", code=Exit.NOT_SIGNED_IN).err
    assert len(deployments(owner)) == 1


def test_a_job_that_is_not_trusted_sees_what_its_token_says(runner: Runner) -> None:
    runner.claims = {"ref": "refs/heads/topic", "environment": "staging"}
    said = runner.github_job()("deploy", "-a", "shop", code=Exit.NOT_SIGNED_IN).err
    assert f"No trusted publisher of app:{runner.tenant}/shop accepts this job" in said
    assert "repository=octo/shop" in said
    assert "ref=refs/heads/topic" in said
    assert "environment=staging" in said
    assert "eyJ" not in said, "the token itself stays out of the job's log"


def test_a_token_of_the_environment_goes_before_the_jobs_own(runner: Runner, owner: User) -> None:
    job = runner.github_job(SLIPWAY_TOKEN=owner.token)
    assert job("apps", "--json").json["apps"]
    assert runner.asked == []


def test_a_login_that_is_kept_goes_before_githubs(runner: Runner, owner: User) -> None:
    job = runner.github_job()
    job("login", runner.platform.url, "--token-stdin", stdin=owner.token)
    assert job("apps", "--json").json["apps"]
    assert runner.asked == []


@pytest.mark.parametrize(
    ("environ", "arguments", "says"),
    [
        ({"SLIPWAY_TENANT": ""}, ("-a", "shop"), "SLIPWAY_TENANT"),
        ({}, (), "SLIPWAY_APP"),
        ({"SLIPWAY_URL": "http://slipway.example.org"}, ("-a", "shop"), "without TLS"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "http://runner.example.org/job"}, ("-a", "shop"), "without TLS"),
    ],
    ids=["no tenant", "no app", "a platform without TLS", "a runner without TLS"],
)
def test_what_a_job_has_to_say(runner: Runner, environ: dict[str, str], arguments: tuple[str, ...], says: str) -> None:
    job = runner.github_job()
    job.environ |= environ
    assert says in job("deploy", *arguments, code=Exit.USAGE).err
    assert runner.asked == []


def test_a_job_without_the_permission(runner: Runner) -> None:
    job = runner.github_job()
    job.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "another"
    assert "id-token: write" in job("deploy", "-a", "shop", code=Exit.FAILED).err


def test_githubs_token_is_renewed_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["first", "second", "third"])
    monkeypatch.setattr(job_identity, "_of_github", lambda _environment, _url: "e30.e30.e30")
    environment = job_identity.JobEnvironment("", "https://runner.example.org", "secret")
    answers = [{"access_token": next(given), "expires_in": seconds} for seconds in (30, 900, 900)]
    tokens = job_identity.tokens(environment, "https://x.example", "acme", "shop", lambda _: answers.pop(0))
    assert [tokens.current() for _ in range(3)] == ["first", "second", "second"]
    assert tokens.instead_of("second") == "third"


def test_an_owner_lists_and_removes_publishers(owner: User, issuer: OidcProvider) -> None:
    listed = owner("publishers", "list", "-a", "shop").out
    assert "repository=octo/shop ref=refs/heads/main" in listed or "ref=refs/heads/main repository=octo/shop" in listed
    [publisher] = owner("publishers", "-a", "shop", "--json").json["publishers"]
    owner("publishers", "add", "-a", "shop", "--gitlab", "octo/web/shop", "--protected", "--issuer", issuer.issuer)
    owner("publishers", "add", "-a", "shop", "--subject", "org:shop", "--issuer", issuer.issuer)
    owner("publishers", "add", "-a", "shop", "--subject", "x", "--github", "o/s", code=Exit.USAGE)
    kinds = [each["kind"] for each in owner("publishers", "-a", "shop", "--json").json["publishers"]]
    assert kinds == ["github", "gitlab", "oidc"]
    owner("publishers", "remove", str(publisher["id"]), "-a", "shop")
    owner("publishers", "remove", str(publisher["id"]), "-a", "shop", code=Exit.NOT_FOUND)


def test_a_developer_trusts_nobody(owner: User, platform: Platform, tenant: str, tmp_path: Path) -> None:
    del owner
    developer = user_of(platform, tmp_path / "developer", tenant, Role.DEVELOPER)
    developer("publishers", "-a", "shop")
    developer("publishers", "add", "-a", "shop", "--github", "octo/evil", code=Exit.REFUSED)
