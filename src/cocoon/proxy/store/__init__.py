"""Durable state of a proxy: one schema, SQLite by default, PostgreSQL for operators."""

from cocoon.proxy.store.rows import (
    Batch,
    ChainPosition,
    ClientRow,
    Snapshot,
    StateCommit,
    StoreIdentity,
    WorkerRow,
)
from cocoon.proxy.store.store import ProxyStore, set_aside, stored_contract

__all__ = [
    "Batch",
    "ChainPosition",
    "ClientRow",
    "ProxyStore",
    "Snapshot",
    "StateCommit",
    "StoreIdentity",
    "WorkerRow",
    "set_aside",
    "stored_contract",
]
