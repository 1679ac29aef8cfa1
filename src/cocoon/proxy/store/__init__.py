"""Durable state of a proxy: one schema, SQLite by default, PostgreSQL for operators."""

from cocoon.proxy.store.rows import Batch, ClientRow, Snapshot, StoreIdentity, WorkerRow
from cocoon.proxy.store.store import ProxyStore

__all__ = ["Batch", "ClientRow", "ProxyStore", "Snapshot", "StoreIdentity", "WorkerRow"]
