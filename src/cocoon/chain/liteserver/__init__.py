"""TON through liteservers, with proofs."""

from cocoon.chain.liteserver.backend import LiteserverBackend
from cocoon.chain.liteserver.newest import Timing
from cocoon.chain.liteserver.servers import Server, read_servers

__all__ = ["LiteserverBackend", "Server", "Timing", "read_servers"]
