"""Say it when env.py runs its revisions in AUTOCOMMIT, where nothing is ever rolled back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.contract import Result
    from alembic_operator.runner.process.journal import Journal

_WARNING = (
    "env.py's connection is in AUTOCOMMIT: each statement is committed by itself, so a revision that fails is left half"
    " applied. Where that is not meant, remove isolation_level, and write `with op.get_context().autocommit_block():`."
)


class Autocommit(Witness):
    """Watches for a connection without transactions."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = False

    def begun(self, revision: str, connection: Any) -> None:
        """Ask the driver; SQLAlchemy's own answer would be a statement to the server."""
        if not self._seen and getattr(raw_of(connection), "autocommit", False):
            self._seen = True
            self._journal.warning("autocommit", revision=revision, message=_WARNING)

    def ended(self, result: Result) -> Result:
        """Add the warning."""
        return replace(result, warnings=(*result.warnings, _WARNING)) if self._seen else result
