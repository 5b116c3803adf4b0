"""Smile ID: jobs of its first generation (`v1`) and of its third (`v3`)."""
