"""Vendors' signed data for judging evidence: fetched, kept on disk, renewed before it expires."""
