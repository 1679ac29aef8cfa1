"""Configuration files: ours in TOML and those of the official runners in JSON.

Both become the same ``ClientFile``, ``ProxyFile`` or ``WorkerFile`` (:mod:`.tables`), plain checked
values. :mod:`.client_settings`, :mod:`.proxy_settings` and :mod:`.worker_settings` turn them into
what the roles are started with.
"""
