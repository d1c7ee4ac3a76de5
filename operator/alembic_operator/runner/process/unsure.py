"""What the quick way of looking says when it cannot answer for certain; the slow way then does."""

from __future__ import annotations


class Unsure(Exception):  # noqa: N818  not an error
    """Only Alembic, env.py or the image's own driver can tell; the message says why."""
