"""A person's login is renewed while it is used: by one command at a time, and by none that is killed for nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from slipway.cli.exit_codes import Exit
from tests.fixtures.identity.oidc_server import Answer
from tests.fixtures.waiting import eventually
from tests.integration.cli.people import SignOnPlatform, age, kept, refresh_token
from tests.integration.cli.rig import User


@pytest.fixture
def ada(sign_on: SignOnPlatform) -> User:
    """Signed in; her access token is due."""
    found, _ = sign_on.sign_in()
    age(found)
    return found


def renewals(sign_on: SignOnPlatform) -> int:
    return sum(each.parameters.get("grant_type") == "refresh_token" for each in sign_on.provider.asked)


def test_an_access_token_is_renewed_before_it_ends_and_not_earlier(sign_on: SignOnPlatform, ada: User) -> None:
    before = kept(ada)["person"]["tokens"]
    for _ in range(2):
        ada("whoami")
    assert renewals(sign_on) == 1
    after = kept(ada)["person"]["tokens"]
    assert after["refresh_token"] != before["refresh_token"]
    assert after["renew_at"] > time.time()
    assert not list((ada.home / "config").glob(".*")), "nothing is left beside it"


def is_at_the_lock(pid: int) -> bool:
    """Whether a process holds the lock, or asks for it."""
    opened = Path(f"/proc/{pid}/fd")
    return any(os.path.realpath(each).endswith("/login.lock") for each in opened.iterdir())


def test_commands_side_by_side_renew_once(sign_on: SignOnPlatform, ada: User) -> None:
    sign_on.provider.held["token"] = threading.Event()
    commands = [ada.start("whoami") for _ in range(3)]
    eventually(lambda: all(is_at_the_lock(each.pid) for each in commands), what="one has asked, and two wait for it")
    sign_on.provider.held["token"].set()
    ended = [each.communicate(timeout=120) for each in commands]
    assert [each.returncode for each in commands] == [Exit.DONE] * 3, ended
    assert renewals(sign_on) == 1


def test_a_refused_renewal_says_to_sign_in_and_is_not_tried_again(sign_on: SignOnPlatform, ada: User) -> None:
    sign_on.provider.grants.clear()
    refused = ada("apps", code=Exit.NOT_SIGNED_IN).err
    assert "Your login has ended" in refused
    assert f"sign in: slipway login {sign_on.url}\n" in refused
    assert "not signed in any more" in ada("apps", code=Exit.NOT_SIGNED_IN).err
    assert renewals(sign_on) == 1
    sign_on.sign_in(user=ada)
    ada("apps")


def test_a_provider_that_is_down_is_no_harm_while_the_token_is_good(sign_on: SignOnPlatform, ada: User) -> None:
    refresh = refresh_token(ada)
    sign_on.provider.stop()
    ada("whoami")
    age(ada, ended=True)
    assert "does not answer" in ada("whoami", code=Exit.FAILED).err
    sign_on.provider.start()
    sign_on.provider.answers["token"] = Answer(502, b"<h1>Bad Gateway</h1>")
    assert "answered 502" in ada("whoami", code=Exit.FAILED).err
    assert refresh_token(ada) == refresh, "it is still good"
    del sign_on.provider.answers["token"]
    ada("whoami")


def test_a_token_that_the_api_refuses_is_renewed_and_the_call_sent_again(sign_on: SignOnPlatform, ada: User) -> None:
    ada("whoami")
    sign_on.provider.add_person("ada", groups=["/tenants/umbrella/viewer"])
    sign_on.api.services.sign_on.changes.person_changed("sub-of-ada")  # type: ignore[union-attr]
    sign_on.provider.access_claims["iat"] = int(time.time()) + 2  # after the change, also within its second
    assert ada("whoami", "--json").json["tenant"] == "umbrella"
    assert renewals(sign_on) == 2


def test_an_api_that_refuses_every_token_is_not_asked_for_ever(sign_on: SignOnPlatform, ada: User) -> None:
    sign_on.provider.access_claims["aud"] = "another-api"
    assert "not for slipway-api" in ada("whoami", code=Exit.NOT_SIGNED_IN).err
    assert renewals(sign_on) == 2


class Once(dict[str, Answer]):
    """An answer is given once."""

    def __getitem__(self, endpoint: str) -> Answer:
        return self.pop(endpoint)


def killed_while_it_renews(sign_on: SignOnPlatform, ada: User, how: signal.Signals) -> int:
    """The provider answers only after the signal; how the command ended."""
    sign_on.provider.held["token"] = threading.Event()
    command = ada.start("whoami")
    eventually(lambda: renewals(sign_on), what="it has asked")
    command.send_signal(how)
    if how == signal.SIGKILL:
        command.wait(60)
    sign_on.provider.held["token"].set()
    command.communicate(timeout=60)
    return command.returncode


def test_a_kill_after_the_provider_has_given_the_tokens_ends_the_login_clearly(
    sign_on: SignOnPlatform, ada: User
) -> None:
    refresh = refresh_token(ada)
    killed_while_it_renews(sign_on, ada, signal.SIGKILL)
    eventually(lambda: refresh not in sign_on.provider.grants, what="the token is used up")
    assert "slipway login" in ada("whoami", code=Exit.NOT_SIGNED_IN).err


def test_a_kill_before_that_leaves_the_login_as_it_was(sign_on: SignOnPlatform, ada: User) -> None:
    sign_on.provider.answers = Once(token=Answer(503))
    killed_while_it_renews(sign_on, ada, signal.SIGKILL)
    eventually(lambda: not sign_on.provider.answers, what="the provider has refused")
    ada("whoami")
    assert renewals(sign_on) == 2


def test_ctrl_c_counts_once_the_new_tokens_are_kept(sign_on: SignOnPlatform, ada: User) -> None:
    refresh = refresh_token(ada)
    assert killed_while_it_renews(sign_on, ada, signal.SIGINT) == Exit.FAILED
    assert refresh_token(ada) != refresh
    ada("whoami")
    assert renewals(sign_on) == 1
