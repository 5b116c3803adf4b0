"""What ends a command with one sentence instead of a traceback."""


class Failed(Exception):
    """The command cannot do its work; the text is a sentence that says what to mend."""
