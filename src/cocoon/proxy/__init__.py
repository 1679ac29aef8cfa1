"""The proxy role: sessions, registry, scheduling, dispatch, the ledger and its store."""

from cocoon.proxy.proxy import Proxy
from cocoon.proxy.settings import ListenSettings, ProxySettings

__all__ = ["ListenSettings", "Proxy", "ProxySettings"]
