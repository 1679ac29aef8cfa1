"""Money as integers: amounts, prices, usage, ledgers and signed cumulative payments."""
