"""The client role: a pool of proxies, a wallet of signed payments, requests."""
