"""Leaves the invented provider's own tests to the copy, where it exists."""

collect_ignore = ["files"]
