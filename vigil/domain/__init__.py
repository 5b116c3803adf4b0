"""The vocabulary of verifications: frozen values and pure decisions, without a clock and without I/O."""
