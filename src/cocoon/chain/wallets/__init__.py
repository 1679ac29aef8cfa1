"""Wallet contracts: v4r2, v5r1 and the cocoon wallet, behind one Protocol."""
