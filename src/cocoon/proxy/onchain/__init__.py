"""The proxy's half of settlement on chain: watch, commit, charge, pay out, refund, retire.

:mod:`inbox` turns transactions of the proxy contract into changes of the books, :mod:`watcher`
fetches them, :mod:`committer` publishes the state of the books, :mod:`due` decides what is to be
sent, :mod:`settler` sends it. Everything is derived again from the chain and the store after a
restart; nothing else is remembered (``onchain.md`` §9, §11, §12, §14).
"""
