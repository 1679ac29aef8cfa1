"""The embedded chain as a backend in the same process."""

from cocoon.chain.embedded.chain import EmbeddedChain


class EmbeddedBackend:
    """Implements ``ChainBackend`` on a chain of this process; the chain runs in a worker thread.

    Args:
        chain: stays the caller's, who closes it.
    """

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain
