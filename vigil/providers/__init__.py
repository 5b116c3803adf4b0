"""Everything that knows a provider's name."""
