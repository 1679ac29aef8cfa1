"""Rates: about one message a second in a chat, 20 a minute in a group, 30 a second in all."""

import pytest

from cocoon.devnet.telegram.answers import BotApiError, too_many
from cocoon.devnet.telegram.limits import Cost, RateLimiter, Rates


def admit(limiter: RateLimiter, now: float, chat: int | None = 1, *, group: bool = False) -> int:
    """Calls; gives ``retry_after``, 0 when it was admitted."""
    try:
        limiter.admit(now, Cost.MESSAGE, chat, group=group)
    except BotApiError as refused:
        return refused.retry_after or -1
    return 0


def test_what_is_answered() -> None:
    refused = too_many(7)
    assert refused.code == 429
    assert refused.body() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 7",
        "parameters": {"retry_after": 7},
    }


def test_one_a_second_in_a_chat_is_fine_for_ever() -> None:
    limiter = RateLimiter(Rates())
    assert not any(admit(limiter, float(second)) for second in range(1000))


def test_a_short_burst_passes_and_more_does_not() -> None:
    limiter = RateLimiter(Rates())
    assert [admit(limiter, 0.0) for _ in range(4)] == [0, 0, 0, 1]
    assert limiter.violations["chat"] == 1


def test_while_blocked_every_call_of_the_chat_is_refused() -> None:
    limiter = RateLimiter(Rates())
    for _ in range(4):
        admit(limiter, 0.0)
    assert admit(limiter, 0.5) == 1
    assert limiter.violations["blocked"] == 1
    assert admit(limiter, 0.5, chat=2) == 0
    assert admit(limiter, 1.01) == 0


def test_retry_after_doubles_for_those_who_go_on() -> None:
    limiter = RateLimiter(Rates())
    now, asked = 0.0, []
    for _ in range(5):
        while not (wait := admit(limiter, now)):
            pass
        asked.append(wait)
        now += wait
    assert asked == [1, 2, 4, 8, 16]
    now += 1000
    while not (wait := admit(limiter, now)):
        pass
    assert wait == 1


def test_thirty_within_any_second_over_all_chats() -> None:
    limiter = RateLimiter(Rates())
    assert not any(admit(limiter, 0.5, chat=chat) for chat in range(30))
    assert admit(limiter, 1.4, chat=99) == 1
    assert limiter.violations["everywhere"] == 1
    assert admit(limiter, 2.41, chat=99) == 0


def test_twenty_a_minute_in_a_group() -> None:
    limiter = RateLimiter(Rates())
    assert not any(admit(limiter, 2.0 * n, chat=-5, group=True) for n in range(20))
    assert admit(limiter, 40.0, chat=-5, group=True) == 20
    assert limiter.violations["group"] == 1
    assert admit(limiter, 60.1, chat=-5, group=True) == 0


def test_calls_count_over_all_chats_only_and_free_ones_never() -> None:
    limiter = RateLimiter(Rates())
    for _ in range(30):
        limiter.admit(0.0, Cost.CALL, 1, group=False)
    limiter.admit(0.0, Cost.FREE, 1, group=False)
    with pytest.raises(BotApiError):
        limiter.admit(0.0, Cost.CALL, 1, group=False)
