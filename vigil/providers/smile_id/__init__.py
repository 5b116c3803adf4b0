"""Smile ID: job results of its first and of its third generation."""
