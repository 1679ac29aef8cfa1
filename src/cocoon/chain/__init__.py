"""TON values: cells, addresses, contract data and the root configuration."""
