"""A campaign of faults: real processes are killed at random and at chosen moments, and what is lost is counted."""
