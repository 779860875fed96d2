from __future__ import annotations

import random

from slipway.core.usage.fields import FIELDS
from slipway.core.usage.packing import pack, unpack


def test_minutes_come_back_as_they_were() -> None:
    chance = random.Random(1)
    minutes = {
        minute: {name: chance.randint(1, 1 << 53) for name in chance.sample(FIELDS, 7)}
        for minute in chance.sample(range(60), 40)
    }
    assert unpack(pack(minutes)) == minutes


def test_nothing_is_no_minute() -> None:
    assert unpack(None) == {}
    assert unpack(pack({})) == {}
