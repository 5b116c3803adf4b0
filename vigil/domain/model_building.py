"""When pydantic builds the validators of our models.

A server builds all of them as it imports them, so that no request waits for one. A command needs a few of them, and
building all takes a fifth of its start.
"""

at_first_use = False
"""Set before the first model is imported, and never after."""
