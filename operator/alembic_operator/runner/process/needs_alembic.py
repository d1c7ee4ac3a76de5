"""What an inspection without Alembic says when it cannot answer for certain; one with Alembic then does."""

from __future__ import annotations


class NeedsAlembic(Exception):  # noqa: N818  not an error
    """Only Alembic, env.py or the image's own driver can tell; the message says why."""
