"""The durable stories, deterministic from end to end."""
