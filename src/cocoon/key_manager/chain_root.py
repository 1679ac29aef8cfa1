"""The root contract for a role that needs nothing else of TON."""

from cocoon.net.root_source import ChainRoot


class OwnedChainRoot(ChainRoot):
    """A root source that starts and closes the connection that it is given."""

    async def start(self) -> None:
        """Connect, read once, go on in the background; raises as the base class."""
        await self._backend.start()
        await super().start()

    async def close(self) -> None:
        """Stop reading and disconnect."""
        await super().close()
        await self._backend.close()
