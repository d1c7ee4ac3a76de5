"""Keep Kopf from remembering objects: nobody here asks what has changed, and its copies were most of the work."""

from typing import Any

import kopf


class NoDifferences(kopf.DiffBaseStorage):
    """See nothing in an object that could differ."""

    def build(self, **_: Any) -> Any:
        """Return an empty essence, instead of two deep copies of the object."""
        return {}

    def fetch(self, **_: Any) -> Any:
        """Return the same as the essence of before: what is equal is not compared in detail."""
        return {}

    def store(self, **_: Any) -> None:
        """Write nothing to the object."""


class NoProgress(kopf.ProgressStorage):
    """Keep no progress of handlers, of which none is ever half done."""

    def fetch(self, **_: Any) -> Any:
        """Know of no progress."""
        return

    def store(self, **_: Any) -> None:
        """Write nothing to the object."""

    def purge(self, **_: Any) -> None:
        """Remove nothing from the object."""

    def touch(self, **_: Any) -> None:
        """Leave the object alone."""

    def clear(self, *, essence: Any) -> Any:
        """Return the essence as it is, instead of three deep copies."""
        return essence
