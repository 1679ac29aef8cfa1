"""What is left of the limits a minute, in the headers that OpenAI gives with its answers."""

from collections.abc import Sequence

from cocoon.gateway.keys.account import Account
from cocoon.gateway.keys.window import Window
from cocoon.gateway.refusal import Header

_KINDS = (b"requests", b"tokens")


def rate_headers(accounts: Sequence[Account], now: float, share: int) -> list[Header]:
    """``x-ratelimit-limit-…``, ``-remaining-…`` and ``-reset-…`` of a request that was let in.

    Args:
        accounts: that it was counted in; the one with the least left is told.
        now: Unix seconds.
        share: how many processes share each limit.
    """
    headers: list[Header] = []
    pairs = [account.rates() for account in accounts]
    for index, kind in enumerate(_KINDS):
        windows = [window for pair in pairs if (window := pair[index]) is not None]
        if windows:
            window = min(windows, key=lambda one: _left(one, now, share))
            left = max(0, int(_left(window, now, share)))
            headers += (
                (b"x-ratelimit-limit-" + kind, b"%d" % window.limit),
                (b"x-ratelimit-remaining-" + kind, b"%d" % left),
                (b"x-ratelimit-reset-" + kind, f"{window.reset(now):.3f}s".encode()),
            )
    return headers


def _left(window: Window, now: float, share: int) -> float:
    return -(-window.limit // share) - window.used(now)
