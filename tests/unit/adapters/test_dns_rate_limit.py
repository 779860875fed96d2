from __future__ import annotations

from slipway.adapters.dns.responder import RateLimit, network_of


def test_a_network_has_so_many_responses_a_second() -> None:
    limit = RateLimit(most=3)
    assert [limit.is_over(f"192.0.2.{last}", 7.0) for last in range(5)] == [False] * 3 + [True] * 2
    assert not limit.is_over("192.0.3.1", 7.5), "another network has its own"
    assert not limit.is_over("192.0.2.1", 8.0), "and the next second is another"


def test_many_invented_senders_take_no_memory_and_are_sent_to_tcp() -> None:
    limit = RateLimit(most=3)
    over = [limit.is_over(f"10.{high}.{low}.1", 7.0) for high in range(20) for low in range(256)]
    assert over.count(True) == 20 * 256 - 4096


def test_one_sender_has_many_addresses() -> None:
    assert network_of("2001:db8:0:12ff::1") == network_of("2001:db8:0:1200::2") != network_of("2001:db8:0:1300::1")
    assert network_of("fe80::1%eth0") == "fe80::/56"
