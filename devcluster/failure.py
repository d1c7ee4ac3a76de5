"""The one exception whose message is written for the person at the terminal."""


class FailureError(Exception):
    """Something that the reader can act on; the command line prints it without a traceback."""
