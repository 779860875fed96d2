"""An image's USER in numbers, whatever its files of accounts hold."""

from __future__ import annotations

import pytest

from slipway.core.build.image_users import ROOT, Owner, owner_of

FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
    "app:x:1001:1002::/home/app:/bin/sh\n"
    "1003:x:1004:1004::/:/bin/sh\n"
    "broken\n"
    f"huge:x:{'9' * 5000}:1:::\n"
    "odd:x:12x:1:::\n",
    "/etc/group": "root:x:0:\nstaff:x:50:app\n",
}


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ("", ROOT),
        ("root", ROOT),
        ("0", ROOT),
        ("0:0", ROOT),
        ("app", Owner(1001, 1002)),
        ("1001", Owner(1001, 1002)),
        ("10001", Owner(10001, 0)),
        ("10001:10002", Owner(10001, 10002)),
        ("app:staff", Owner(1001, 50)),
        ("10001:staff", Owner(10001, 50)),
        ("app:nobody-has-it", Owner(1001, 0)),
        ("1003", Owner(1004, 1004)),  # a name goes before a number
        ("nobody-has-it", ROOT),
        ("huge", ROOT),
        ("odd", ROOT),
        ("broken", ROOT),
        ("99999999999", ROOT),
    ],
)
def test_a_user_in_numbers(user: str, owner: Owner) -> None:
    assert owner_of(user, FILES.__getitem__) == owner


def test_an_image_without_accounts_still_has_numbers() -> None:
    assert owner_of("10001", lambda _: "") == Owner(10001, 0)
