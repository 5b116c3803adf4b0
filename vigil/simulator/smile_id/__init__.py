"""Smile ID, simulated: jobs of its first and third generation, their results and files, and callbacks."""
