"""What hosts say of HTTPS."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.app_settings import https, model
from slipway.core.app_settings.https import HttpsSettings
from slipway.core.certificates.https_policy import HostOfApp, policies
from slipway.core.certificates.index import HttpsOfHost
from slipway.errors import InvalidInput

YEAR_S = 31_536_000
STRICT = {"hsts_s": YEAR_S, "hsts_subdomains": True, "hsts_preload": True}


def host(name: str, tenant_id: int = 1, **values: Any) -> HostOfApp:
    return HostOfApp(name, tenant_id, HttpsSettings(**values))


def test_who_says_nothing_is_redirected_and_no_hsts_is_sent() -> None:
    assert policies([host("shop.example")], ["slipway.example"]) == {
        "shop.example": HttpsOfHost("redirect"),
        "slipway.example": HttpsOfHost("redirect"),
    }
    assert HttpsOfHost().row() == {"https": "redirect"}


def test_what_was_chosen_is_said() -> None:
    found = policies([host("shop.example", redirect=False, hsts_s=0), host("*.shop.example", **STRICT)], [])
    assert found["shop.example"].row() == {"https": "both", "hsts_s": 0}
    assert found["*.shop.example"].row() == {"https": "redirect", **STRICT}


@pytest.mark.parametrize(
    ("below", "platform", "said"),
    [
        (host("a.b.shop.example", 1), [], True),
        (host("notshop.example", 2), [], True),
        (host("a.b.shop.example", 2), [], False),
        (host("*.shop.example", 2), [], False),
        (host("other.example", 2), ["slipway.shop.example"], False),
    ],
)
def test_sub_domains_are_included_only_while_none_is_somebody_elses(
    below: HostOfApp, platform: list[str], said: bool
) -> None:
    found = policies([host("shop.example", **STRICT), below], platform)["shop.example"]
    assert (found.hsts_s, found.hsts_subdomains, found.hsts_preload) == (YEAR_S, said, said)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hsts_s": -1}, "hsts_s"),
        ({"hsts_s": 63_072_001}, "hsts_s"),
        ({"hsts_subdomains": True}, "hsts_subdomains needs hsts_s"),
        ({"hsts_s": 0, "hsts_subdomains": True}, "hsts_subdomains needs hsts_s"),
        ({"hsts_s": YEAR_S, "hsts_preload": True}, "hsts_preload needs hsts_subdomains"),
        ({"hsts_s": 300, "hsts_subdomains": True, "hsts_preload": True}, "at least 31536000"),
        ({"off": True}, "off"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        model.parse({"https": values})


def test_the_file_goes_before_the_apps_settings_value_by_value() -> None:
    app, file = {"https": {"hsts_s": 300, "redirect": True}}, {"https": {"redirect": False}}
    assert https.chosen(app, file) == HttpsSettings(redirect=False, hsts_s=300)
    assert https.chosen({}, {}) == HttpsSettings()


def test_what_nobody_understands_is_as_if_nothing_was_said() -> None:
    assert https.chosen({"https": {"hsts_s": "for ever"}}, {}) == HttpsSettings()


def test_it_belongs_to_the_route_and_is_in_no_entry_of_it() -> None:
    route, replicas = model.route_and_replicas({"https": {"redirect": False}, "port": 80})
    assert (route, replicas) == ({"https": {"redirect": False}}, {"port": 80})
