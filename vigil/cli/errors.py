"""What ends a command with one sentence instead of a traceback."""


class CommandError(Exception):
    """The command cannot do its work; the text is a sentence that says what to mend."""
