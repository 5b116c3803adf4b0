"""Where bytes rest: receipts, provider results, artifacts and records."""
