"""The proxy role: sessions, registry, scheduling, dispatch, the ledger and its store."""
