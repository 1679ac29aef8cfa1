"""Money and tokens as integers that cannot be mixed up.

``Nano`` is nanoTON, ``Tokens`` is adjusted tokens (the unit that is paid for, ``onchain.md`` §13).
Both are ``int`` underneath, so that they go into databases and wire objects as they are, but adding
one to the other, going below zero or past 2⁶³-1, and floats are errors instead of wrong books.
Differences that may be negative are computed on plain ``int``.
"""

from typing import NoReturn, Self

from cocoon.errors import PaymentError

MAX_AMOUNT = 2**63 - 1
"""Largest amount: what the wire's ``long`` carries."""
NANO_PER_TON = 10**9


class Amount(int):
    """A checked integer in 0…2⁶³-1; see :class:`Nano` and :class:`Tokens`.

    Raises:
        PaymentError: the value is out of range.
        TypeError: the value is no integer, or two different kinds of amount were combined.
    """

    __slots__ = ()

    def __new__(cls, value: int = 0) -> Self:
        """Check and wrap ``value``."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{cls.__name__} needs an integer, not {type(value).__name__}")
        if not 0 <= value <= MAX_AMOUNT:
            raise PaymentError(f"{cls.__name__} out of range: {int(value)}")
        return int.__new__(cls, value)

    def __add__(self, other: int) -> Self:
        return type(self)(int.__add__(self, self._same_kind(other)))

    def __sub__(self, other: int) -> Self:
        return type(self)(int.__sub__(self, self._same_kind(other)))

    # NotImplemented would fall back to the arithmetic of int or float: refusals must raise.

    def __radd__(self, other: int) -> Self:
        if type(other) is int and other == 0:  # where the builtin sum() starts
            return self
        raise TypeError(f"cannot add {type(self).__name__} to {type(other).__name__}")

    def __rsub__(self, other: int) -> Self:
        raise TypeError(f"cannot subtract {type(self).__name__} from {type(other).__name__}")

    def __mul__(self, other: int) -> Self:
        """Scale by a plain count; the product of two amounts has no meaning here."""
        if type(other) is not int:
            raise TypeError(f"cannot multiply {type(self).__name__} by {type(other).__name__}")
        return type(self)(int.__mul__(self, other))

    __rmul__ = __mul__

    def __truediv__(self, other: int) -> NoReturn:
        raise TypeError("amounts are not divided into fractions")

    __rtruediv__ = __truediv__

    def _same_kind(self, other: int) -> int:
        if type(other) is not type(self):
            raise TypeError(f"cannot combine {type(self).__name__} with {type(other).__name__}")
        return other

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"

    __str__ = int.__repr__


class Nano(Amount):
    """An amount of money in nanoTON."""

    __slots__ = ()

    def ton(self) -> str:
        """The amount in TON for people, exact, without trailing zeros: ``"1.5 TON"``."""
        whole, fraction = divmod(int(self), NANO_PER_TON)
        decimals = f".{fraction:09d}".rstrip("0").rstrip(".")
        return f"{whole}{decimals} TON"


class Tokens(Amount):
    """A number of adjusted tokens."""

    __slots__ = ()


NO_NANO = Nano(0)
NO_TOKENS = Tokens(0)
