"""What is left of the limits a minute, in the headers that OpenAI gives with its answers."""

from collections.abc import Sequence

from cocoon.gateway.keys.account import Account
from cocoon.gateway.keys.window import Window
from cocoon.gateway.refusal import Header

_NAMES = tuple(
    tuple(b"x-ratelimit-%b-%b" % (what, kind) for what in (b"limit", b"remaining", b"reset"))
    for kind in (b"requests", b"tokens")
)


def rate_headers(accounts: Sequence[Account], now: float, share: int) -> list[Header]:
    """``x-ratelimit-limit-…``, ``-remaining-…`` and ``-reset-…`` of a request that was let in.

    Args:
        accounts: that it was counted in; the one with the least left is told.
        now: Unix seconds.
        share: how many processes share each limit.
    """
    headers: list[Header] = []
    for index, (limit_name, left_name, reset_name) in enumerate(_NAMES):
        scarcest: Window | None = None
        least = 0.0
        for account in accounts:
            window = account.rates()[index]
            if window is None:
                continue
            left = -(-window.limit // share) - window.used(now)
            if scarcest is None or left < least:
                scarcest, least = window, left
        if scarcest is not None:
            headers += (
                (limit_name, b"%d" % scarcest.limit),
                (left_name, b"%d" % max(0, int(least))),
                (reset_name, b"%.3fs" % scarcest.reset(now)),
            )
    return headers
