"""How much of all answers may wait for slow readers.

A link is shared by all requests and cannot be paused for one reader, so what a reader does not take
waits in memory. Every answer may hold as much as is still free: while few are slow each may lag far
behind, and as they become more each may lag less. So one slow reader is never cut off without need,
and all of them together never hold more than ``total`` plus ``least`` for each (the dynamic
threshold of shared buffers: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998).
"""

TOTAL = 256 << 20
"""Bytes that all answers of a client may hold."""
LEAST = 64 << 10
"""Bytes that one answer may always hold."""
MOST = 64 << 20
"""Bytes that one answer may ever hold."""


class Waiting:
    """What the answers of one client hold.

    Args:
        total: bytes of all together; see the module's text.
        least: bytes that each may always hold.
        most: bytes that each may ever hold.

    Attributes:
        held: bytes now.
    """

    __slots__ = ("_least", "_most", "_total", "held")

    def __init__(self, total: int = TOTAL, least: int = LEAST, most: int = MOST) -> None:
        self.held = 0
        self._total = total
        self._least = least
        self._most = most

    def allows(self, own: int) -> bool:
        """Whether an answer may hold ``own`` bytes, which are counted in ``held`` already."""
        if own <= self._least:
            return True
        return own <= min(self._most, self._total - self.held)
