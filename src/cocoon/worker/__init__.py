"""The worker role: uplink to proxies, requests to the engine, payouts."""
