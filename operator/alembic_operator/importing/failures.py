"""What ends an import: a message that says what to do next, without a value of a row or a password."""


class ImportFailed(Exception):  # noqa: N818  it is told, not caught by kind
    """The import cannot go on."""


class TryAgain(ImportFailed):
    """It cannot go on now; when others have done something, or by itself, it can."""


class Different(ImportFailed):
    """Rows are not the same on both sides."""
