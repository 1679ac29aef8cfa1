"""A chain for tests: in memory, at a fixed time, on the one emulator of this process."""

from cocoon.chain.embedded.chain import EmbeddedChain

GENESIS = 1_800_000_000
"""Where the clock of a test's chain stands, Unix seconds."""
TON = 1_000_000_000
"""NanoTON."""


def memory_chain(*, now: int = GENESIS, max_hops: int = 1000) -> EmbeddedChain:
    """A new chain; close it, or use it in a ``with`` block."""
    return EmbeddedChain(now=now, max_hops=max_hops)
