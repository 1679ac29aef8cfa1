"""A TON chain in this process: the real virtual machine, accounts, a message queue and blocks."""

from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import FAUCET, EmbeddedChain
from cocoon.chain.embedded.records import Block, ChainTransaction

__all__ = ["FAUCET", "Block", "ChainTransaction", "EmbeddedBackend", "EmbeddedChain"]
