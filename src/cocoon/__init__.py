"""Confidential AI inference on TON: client, proxy, worker and what people need around them."""

__version__ = "0.1.0"
