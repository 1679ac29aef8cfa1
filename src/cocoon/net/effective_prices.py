"""Prices that hold now: unit prices of the parameters, weights of the tariff if there is one.

The unit prices are part of every contract's address. A governor's tariff changes what a token of
each class weighs, from a second that it announced; everybody who counts, reserves or checks asks
here, so that all change over together (D12, ``onchain.md`` §18).
"""

import time
from collections.abc import Callable

from cocoon.accounting import PriceList
from cocoon.chain.root_config import RootConfig
from cocoon.net.root_source import RootSource


class EffectivePrices:
    """Call it for the present prices.

    Args:
        root: where the root configuration comes from.
        clock: Unix seconds.
    """

    __slots__ = ("_clock", "_from", "_prices", "_root", "_until")

    def __init__(self, root: RootSource, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock
        self._from: RootConfig | None = None
        self._until: float | None = None
        self._prices: PriceList | None = None

    def __call__(self) -> PriceList:
        """The prices now."""
        root = self._root.current
        due = self._until is not None and self._clock() >= self._until
        if self._prices is None or root is not self._from or due:
            now = self._clock()
            self._from, self._until = root, root.next_price_change(now)
            self._prices = PriceList.from_fields(root.effective_params(now))
        return self._prices
