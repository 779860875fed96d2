"""The table of attached services: each kind's texts can be filled in, and its app's settings are good ones."""

from __future__ import annotations

import re

import pytest

from slipway.core.app_settings.configuration import Defaults, snapshot
from slipway.core.app_settings.model import parse
from slipway.core.attached.credentials import Credentials
from slipway.core.attached.kinds import KINDS, MYSQL, POSTGRES, REDIS, Kind, kind_named
from slipway.core.naming import validation
from slipway.core.naming.json_kinds import GIVEN
from slipway.errors import InvalidInput

MADE = Credentials("db", "a" * 48, "b" * 48)
HOST = Defaults(1 << 29, 1.0, 128, 30, 0, 10, 10, 600)
EACH_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@EACH_KIND
def test_its_app_has_one_replica_and_a_volume_that_is_not_shared(kind: Kind) -> None:
    made = snapshot(parse(kind.settings(256), GIVEN), HOST, variables={}, exposed_port=None)
    assert (made.port, made.probe, made.recreate) == (kind.port, "tcp", True)
    assert made.wanted({"web": 3}) == {"web": 1}
    assert [(each.path, each.shared) for each in made.mounts_of("web")] == [(kind.data_path, False)]
    assert made.memory_bytes == 256 << 20


@EACH_KIND
def test_its_images_are_ones_that_may_be_pulled(kind: Kind) -> None:
    for version in kind.versions:
        assert validation.image_name(kind.image(version)) == kind.versions[version]
    with pytest.raises(InvalidInput, match="there is no"):
        kind.image("0.1")


@EACH_KIND
def test_an_app_gets_the_password_and_never_that_of_the_administrator(kind: Kind) -> None:
    url = MADE.url(kind)
    assert MADE.password in url
    assert MADE.admin_password not in url
    assert f"@db:{kind.port}/" in url
    own = MADE.environment(kind)
    assert own[kind.password_variable] == MADE.password
    assert Credentials.of(kind, "db", own).url(kind) == url


@EACH_KIND
def test_no_command_has_a_password_among_its_words(kind: Kind) -> None:
    steps = (*kind.restore, *([kind.new_password] if kind.new_password else []))
    for argv in (kind.dump, *(each.argv for each in steps)):
        assert argv[0] not in ("sh", "bash")
        assert not any(re.search(r"\{|\$", word) for word in argv)
    assert sum(each.takes_dump for each in kind.restore) == 1


def test_a_new_password_is_said_on_standard_input() -> None:
    for kind in (POSTGRES, MYSQL):
        assert kind.new_password is not None
        said = MADE.renewing(kind, kind.new_password, "c" * 48)
        assert "c" * 48 in said.input
        assert not any("c" * 48 in word for word in said.argv)


def test_a_store_that_asks_for_its_password_gets_it_in_its_clients_environment() -> None:
    assert MADE.client_environment(REDIS) == {"REDISCLI_AUTH": MADE.password}
    assert MADE.client_environment(MYSQL) == {"MYSQL_PWD": MADE.admin_password}


def test_a_kind_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInput) as refused:
        kind_named("oracle")
    assert refused.value.remedy == "name one of: postgres, redis, valkey, mysql, mariadb"


def test_credentials_are_not_shown() -> None:
    assert MADE.password not in repr(MADE)
