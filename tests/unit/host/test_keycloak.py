"""The Keycloak of this host: what it is started with, and what is there where sign-on is off."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from slipway.adapters.keycloak import accounts
from slipway.errors import HostUnready, SettingsError
from slipway.host import keycloak
from slipway.host.install import folders
from slipway.host.install.keycloak import BUILD_OPTIONS, VERSION, Distribution, check
from slipway.host.install.requirements import Host, missing
from slipway.host.processes.services import wanted
from slipway.settings import Settings, load
from tests.unit.host.host_fakes import FakeCommands


def settings(tmp_path: Path, **values: str) -> Settings:
    given = {"STATE_DIR": str(tmp_path / "s"), "KEYCLOAK": "local"} | values
    return load({f"SLIPWAY_{name}": value for name, value in given.items()})


def configuration(found: Settings) -> dict[str, str]:
    folders.prepare(found)
    ready = keycloak.distribution(found).folder
    ready.mkdir(parents=True)
    (ready / "slipway-ready").touch()
    keycloak.command(found)
    lines = (found.state_dir / "keycloak" / "keycloak.conf").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize(
    ("kind", "made", "services"),
    [
        ("off", set(), False),
        ("local", {"keycloak-admin.secret", "keycloak-router.secret"}, True),
        ("https://id.example.org", {"keycloak-router.secret"}, False),
    ],
)
def test_each_kind_gets_what_it_needs_and_no_more(tmp_path: Path, kind: str, made: set[str], services: bool) -> None:
    found = settings(tmp_path, KEYCLOAK=kind)
    folders.prepare(found)
    secrets = {path.name: path for path in found.key_dir.glob("keycloak-*")}
    assert secrets.keys() == made
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in secrets.values())
    assert ("keycloak" in {service.name for service in wanted(found)}) is services


def test_secrets_are_made_once_and_differ(tmp_path: Path) -> None:
    found = settings(tmp_path)
    folders.prepare(found)
    before = [(found.key_dir / name).read_text() for name in accounts.SECRETS]
    folders.prepare(found)
    assert [(found.key_dir / name).read_text() for name in accounts.SECRETS] == before
    assert len(set(before)) == 2


def test_it_listens_on_loopback_and_believes_no_header(tmp_path: Path) -> None:
    found = configuration(settings(tmp_path))
    assert (found["http-host"], found["http-port"]) == ("127.0.0.1", "8180")
    assert (found["http-management-host"], found["http-management-port"]) == ("127.0.0.1", "8181")
    assert found["hostname"] == "http://127.0.0.1:8180"
    assert "proxy-headers" not in found
    assert found["db-url"].startswith(f"jdbc:h2:file:{tmp_path}/s/keycloak/h2/")


def test_behind_a_proxy_it_believes_what_comes_from_loopback(tmp_path: Path) -> None:
    found = configuration(settings(tmp_path, KEYCLOAK_HOSTNAME="https://id.example.org"))
    assert found["hostname"] == "https://id.example.org"
    assert (found["proxy-headers"], found["proxy-trusted-addresses"]) == ("xforwarded", "127.0.0.0/8,::1")


def test_its_secret_is_in_no_command_line(tmp_path: Path) -> None:
    found = settings(tmp_path, KEYCLOAK_MEMORY_BYTES="512m")
    secret = configuration(found)["bootstrap-admin-client-secret"]
    argv = keycloak.command(found)
    assert secret not in " ".join(argv)
    assert "-Xmx536870912" in argv[1]
    assert stat.S_IMODE((found.state_dir / "keycloak" / "keycloak.conf").stat().st_mode) == 0o600


def test_a_value_with_a_line_of_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="hostname"):
        configuration(settings(tmp_path, KEYCLOAK_HOSTNAME="https://x\nproxy-headers=forwarded"))


def test_one_that_is_not_installed_names_the_remedy(tmp_path: Path) -> None:
    found = settings(tmp_path)
    folders.prepare(found)
    with pytest.raises(SettingsError) as error:
        keycloak.command(found)
    assert error.value.remedy == "make install"


def test_another_file_than_the_checked_one_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "it.zip"
    archive.write_bytes(b"other")
    with pytest.raises(HostUnready, match="its SHA-256 is d9298a10"):
        check(archive, "0" * 64)


def test_nothing_of_a_refused_file_is_unpacked(tmp_path: Path) -> None:
    commands = FakeCommands()
    found = Distribution(commands, tmp_path / "cache", keycloak.THEMES, keycloak.PROVIDERS)

    def fetched(argv: list[str] | tuple[str, ...]) -> int:
        for into in (each.partition("=")[2] for each in argv if each.startswith("-DoutputDirectory=")):
            Path(into, "keycloak-quarkus-dist-26.7.3.zip").write_bytes(b"other")
        return 0

    commands.answer_by(lambda argv: fetched(list(argv)), "mvn")
    with pytest.raises(HostUnready, match="is not the file that was checked"):
        found.ensure(lambda _: None)
    assert list(found.cache.iterdir()) == []
    assert not found.is_ready


@pytest.mark.parametrize(
    "changed",
    [
        "themes/slipway/login/theme.properties",
        "providers/pom.xml",
        "providers/.mvn/jvm.config",
        "providers/src/main/java/Hash.java",
        "providers/src/main/resources/META-INF/services/Factory",
    ],
)
def test_other_sources_are_another_distribution(tmp_path: Path, changed: str) -> None:
    found = _of_sources(tmp_path)
    before = found.folder
    (tmp_path / changed).write_text("other")
    assert found.folder != before


@pytest.mark.parametrize("changed", ["providers/target/classes/Hash.class", "providers/src/test/java/HashTest.java"])
def test_what_is_not_installed_changes_nothing(tmp_path: Path, changed: str) -> None:
    found = _of_sources(tmp_path)
    before = found.folder
    (tmp_path / changed).parent.mkdir(parents=True)
    (tmp_path / changed).write_text("other")
    assert found.folder == before


def _of_sources(tmp_path: Path) -> Distribution:
    for name in (
        "themes/slipway/login/theme.properties",
        "providers/pom.xml",
        "providers/.mvn/jvm.config",
        "providers/src/main/java/Hash.java",
        "providers/src/main/resources/META-INF/services/Factory",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a")
    return Distribution(FakeCommands(), tmp_path, tmp_path / "themes", tmp_path / "providers")


def test_the_providers_are_built_for_the_version_that_is_installed() -> None:
    project = (keycloak.PROVIDERS / "pom.xml").read_text()
    image = (keycloak.PROVIDERS.parent / "Dockerfile").read_text()
    assert f"<keycloak.version>{VERSION}</keycloak.version>" in project
    assert image.count(f"keycloak/keycloak:{VERSION}") == 2


def test_what_advisories_are_about_is_switched_off() -> None:
    options = " ".join(BUILD_OPTIONS)
    assert all(each in options for each in ("ciba", "impersonation", "saml--enabled=false"))


@pytest.mark.parametrize(("version", "lacks"), [("11.0.2", True), ("17.0.15", False), ("21.0.1", False)])
def test_an_older_java_is_not_enough(version: str, lacks: bool) -> None:
    commands = FakeCommands("java", "javac", "mvn")
    commands.answer("java", "-version", output=f'openjdk version "{version}" 2025-04-15\n')
    names = [need.name for need in missing(Host(commands), ["keycloak"])]
    assert names == (["Java 17 or newer"] if lacks else [])


def test_without_sign_on_neither_is_asked_for() -> None:
    assert not {"Java 17 or newer", "javac", "mvn"} & {
        need.name for need in missing(Host(FakeCommands("none")), ["run"])
    }
