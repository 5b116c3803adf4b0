"""Simulated providers: their APIs, their callbacks, and the faults of both."""
