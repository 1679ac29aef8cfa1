"""Amounts for people: TON with as many digits as say something."""

from cocoon.accounting import Nano
from cocoon.accounting.amount import NANO_PER_TON

DIGITS = 3
"""Significant ones that are shown."""


def ton(amount: Nano, *, is_cost: bool = False) -> str:
    """An amount of money for people, such as ``0.0127 TON``.

    Args:
        amount: to show.
        is_cost: round up, so that nothing seems cheaper than it is; else down, so that nobody seems
            to have more than there is.
    """
    nano = int(amount)
    step = min(10 ** max(0, len(str(nano)) - DIGITS), NANO_PER_TON // 10**DIGITS)
    rounded = -(-nano // step) * step if is_cost else nano // step * step
    return Nano(rounded).ton()
