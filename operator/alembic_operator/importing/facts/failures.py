"""What ends an import: a message that says what to do next, without a value of a row or a password."""


class ImportFailed(Exception):  # noqa: N818  it is told, not caught by kind
    """The import cannot go on."""


class TryAgain(ImportFailed):
    """It cannot go on now; when others have done something, or by itself, it can."""

    def __init__(self, message: str, reason: str = "") -> None:
        """Say why, in a sentence and, where it has one, by its reason."""
        super().__init__(message)
        self.reason = reason


class Different(ImportFailed):
    """Rows are not the same on both sides."""
