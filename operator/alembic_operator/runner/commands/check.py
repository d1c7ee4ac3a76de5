"""Say what the database contains and what it lacks; change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.commands.inspection import Access, Inspection

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result


def command(invocation: Invocation, access: Access) -> Result:
    """Return UpToDate, Pending or DatabaseAhead, which are answers and not failures, or Diverged."""
    return Inspection(invocation, access).compare(invocation.target)
