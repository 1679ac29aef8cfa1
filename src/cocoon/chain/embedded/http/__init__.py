"""The HTTP interface of an embedded chain: what TON's SDKs call, and a devnet's controls."""

from cocoon.chain.embedded.http.app import ChainApi, create_app

__all__ = ["ChainApi", "create_app"]
