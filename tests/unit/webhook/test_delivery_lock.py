from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from webhook.delivery_lock import DeliveryLock


def test_one_delivery_holds_the_lock_at_a_time() -> None:
    delivery_lock, inside, most = DeliveryLock(timeout_s=60), list[int](), list[int]()

    def deliver(number: int) -> None:
        with delivery_lock.held():
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(200)))
    assert set(most) == {1}


def test_a_delivery_that_keeps_the_lock_does_not_stop_the_others() -> None:
    delivery_lock, stays, over = DeliveryLock(timeout_s=0.05), threading.Event(), threading.Event()

    def stay() -> None:
        with delivery_lock.held():
            stays.set()
            over.wait(10)

    with ThreadPoolExecutor(1) as pool:
        staying = pool.submit(stay)
        assert stays.wait(10)
        with delivery_lock.held():
            assert not staying.done()
        over.set()


def test_the_lock_is_free_again_when_a_delivery_fails() -> None:
    delivery_lock = DeliveryLock(timeout_s=60)
    for _ in range(2):
        with pytest.raises(ValueError, match="refused"), delivery_lock.held():
            raise ValueError("refused")
