"""A worker's money on TON: its contracts at proxies, and payouts to its owner."""
