"""What must be true of the pure decisions, with no server and no clock."""
