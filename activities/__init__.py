"""Every side effect that a workflow may ask for."""
