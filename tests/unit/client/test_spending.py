"""Our own books against what a proxy counts."""

import pytest

from cocoon.client.spending import MAX_UNTOLD, Spending
from cocoon.errors import PaymentError

A, B = b"a" * 32, b"b" * 32


def test_what_is_running_may_be_counted_up_to_its_bound() -> None:
    books = Spending()
    books.begin(100)
    assert books.check(100) == 0
    books.sent(A, 50)
    assert books.check(150) == 0
    books.told(A, 20)
    assert books.most == 120
    assert books.check(120) == 0
    assert books.check(121) == 1
    assert books.check(121) == 0
    assert books.unexplained == 1


def test_a_request_is_told_once() -> None:
    books = Spending()
    books.sent(A, 50)
    books.told(A, 20)
    books.told(A, 30)
    books.told(B, 30)
    assert books.most == 20


def test_more_than_agreed() -> None:
    books = Spending()
    books.sent(A, 50)
    with pytest.raises(PaymentError):
        books.told(A, 51)
    assert books.most == 50


def test_a_new_session_starts_from_what_the_proxy_stated() -> None:
    books = Spending()
    books.begin(7)
    assert books.most == 7
    books.begin(5)  # it crashed and forgot what it had not stored
    assert books.most == 5


def test_what_ran_on_a_lost_connection_is_still_charged() -> None:
    """Proxies run the requests of a client that is gone to their end."""
    books = Spending()
    books.begin(7)
    books.sent(A, 50)
    books.begin(7)
    assert books.check(7 + 50) == 0
    assert books.check(7 + 51) == 1


def test_memory_is_bounded() -> None:
    books = Spending()
    for number in range(MAX_UNTOLD + 10):
        books.sent(number.to_bytes(32, "big"), 2)
    assert books.most == 2 * (MAX_UNTOLD + 10)
    books.told(bytes(32), 1)  # long forgotten: stays at its bound
    assert books.most == 2 * (MAX_UNTOLD + 10)
