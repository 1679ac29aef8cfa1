"""The network's contracts: what their data looks like and where they live.

Pure functions of the root configuration and the parties' addresses and keys. An address is the hash
of code and *initial* data, so these layouts must be exact to the bit (``onchain.md`` §3, §5-§8).
"""
