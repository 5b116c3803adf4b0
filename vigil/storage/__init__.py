"""Stores receipts, provider results, artifacts and records."""
