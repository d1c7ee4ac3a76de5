"""Let a concurrent index build wait as long as it takes, also outside of autocommit_block().

There it works where env.py's connection commits every statement at once.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from alembic_operator.runner.database.sites import raw_of

if TYPE_CHECKING:
    from alembic_operator.runner.database.session import Session

_BUILD = re.compile(r"\bINDEX\s+CONCURRENTLY\b|\bREINDEX\b[^;]*\bCONCURRENTLY\b", re.IGNORECASE)
_KEPT = "alembic_operator.patience"


def install(session: Session) -> None:
    """Begin to listen at every engine, for the rest of this process."""
    patience = _Patience(session)
    event.listen(Engine, "before_cursor_execute", patience.before)
    event.listen(Engine, "after_cursor_execute", patience.after)
    event.listen(Engine, "handle_error", patience.failed)


class _Patience:
    def __init__(self, session: Session) -> None:
        self._session = session

    def before(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if _BUILD.search(statement) and connection.dialect.name == "postgresql":
            kept = ExitStack()
            kept.enter_context(self._session.no_timeouts(raw_of(connection)))
            connection.info[_KEPT] = kept

    def after(self, connection: Any, *_: Any) -> None:
        if kept := connection.info.pop(_KEPT, None):
            kept.close()

    def failed(self, context: Any) -> None:
        if context.connection is not None and not context.connection.invalidated:
            self.after(context.connection)
