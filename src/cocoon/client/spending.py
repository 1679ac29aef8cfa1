"""Whether a proxy counts more than we used: our own books against its statements.

Every request has an upper bound, known when it is sent. What a proxy counts must lie between what
finished requests cost and that plus the bounds of those whose cost we were not told (running,
abandoned or cut off). Several programs may share a wallet; then a proxy rightly counts more than
one of them knows of.
"""

from collections import OrderedDict

from cocoon.errors import PaymentError

MAX_UNTOLD = 65_536
"""Requests without a known cost that are remembered one by one; older ones only as a sum."""


class Spending:
    """Our books of one channel.

    Attributes:
        unexplained: tokens that the proxy counted beyond them, in all.
    """

    __slots__ = ("_forgotten", "_told", "_untold", "_untold_sum", "unexplained")

    def __init__(self) -> None:
        self._told = 0
        self._untold: OrderedDict[bytes, int] = OrderedDict()
        self._untold_sum = 0
        self._forgotten = 0
        self.unexplained = 0

    @property
    def most(self) -> int:
        """What the proxy may count at most, as far as we know."""
        return self._told + self._untold_sum + self._forgotten

    def begin(self, used: int) -> None:
        """Take the level of a handshake as given.

        What ran on an earlier connection stays untold: the proxy runs it to its end and counts it.
        A level below what we were told is a proxy's that crashed and forgot.
        """
        self._told = used if used > self.most else min(self._told, used)

    def sent(self, request_id: bytes, bound: int) -> None:
        """A request was sent that can cost ``bound`` tokens at most."""
        self._untold[request_id] = bound
        self._untold_sum += bound
        if len(self._untold) > MAX_UNTOLD:
            _, oldest = self._untold.popitem(last=False)
            self._untold_sum -= oldest
            self._forgotten += oldest

    def told(self, request_id: bytes, tokens: int) -> None:
        """The proxy told what a request costs; of several times the first counts.

        Raises:
            PaymentError: more than it can cost.
        """
        bound = self._untold.get(request_id)
        if bound is None:
            return
        if tokens > bound:
            raise PaymentError(f"the proxy charges {tokens} tokens, at most {bound} were agreed")
        del self._untold[request_id]
        self._untold_sum -= bound
        self._told += tokens

    def check(self, used: int) -> int:
        """Compare with what the proxy counts now; return how much of it is newly unexplained."""
        excess = used - self.most
        if excess <= 0:
            return 0
        self.unexplained += excess
        self._told += excess
        return excess
