"""Hand the session that env.py closed to the next tenant's, as good as new: to make one costs more than to use it.

Only psycopg's: a new object of it can be put around the socket of an old one, so that nothing of the old one stays.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import Origin

DEFAULTS = (
    "CASE WHEN NOT EXISTS (SELECT 1 FROM pg_catalog.pg_event_trigger WHERE evtevent = 'login') THEN"
    " coalesce((SELECT pg_catalog.string_agg(setdatabase::text || '/' || setrole::text || '/' || xmin::text, ','"
    " ORDER BY setdatabase, setrole) FROM pg_catalog.pg_db_role_setting WHERE setdatabase IN"
    " (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())) AND setrole IN"
    " (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))), '') END"
)
"""What a new session begins with; null: a trigger says it."""
_STAYS = re.compile(
    r"""\b(?:DO|CALL|LOAD|EXTENSION)\b|set_config|dblink|\bSET\s+(?:(?:SESSION|LOCAL)\s+)?["\w]+\s*\.""", re.IGNORECASE
)
"""What DISCARD ALL may not undo: libraries, what they hold, and that a setting of nobody's exists. DO may hide it."""
_MOST = 1000
"""So many statements does a session run: the server keeps for it what it knows of each table."""
_LONGEST = 10_000
"""Characters of a statement that is looked through."""
_IDLE = _OK = _OFF = 0
"""libpq's transaction status, connection status and pipeline status."""
_COMMAND_OK = 1
"""libpq's status of a result."""


class Sessions:
    """At most one, with nothing of a tenant's in it."""

    def __init__(self) -> None:
        """Begin without one."""
        self._ready: tuple[Any, Origin] | None = None
        self._closed: tuple[Any, Origin] | None = None
        self._made: Any = None
        """What env.py's last connection is."""
        self._executed = 0
        self._stays = False
        self._defaults: str | None = None

    def turn(self) -> None:
        """Be of another tenant: what the one before closed may be lent now, and never to that one itself."""
        self._ready, self._closed = self._closed or self._ready, None
        self._made, self._stays = None, False

    def heard(self, statement: str) -> None:
        """Hear what is executed, on whichever connection."""
        self._executed += 1
        self._stays = self._stays or leaves(statement)

    def begins_with(self, defaults: str | None) -> None:
        """Learn, before env.py connects, what a new session would begin with now."""
        if defaults is None or defaults != self._defaults:
            self.close()
        self._defaults = defaults

    def lend(self, origin: Origin, parameters: dict[str, Any], set_up: Callable[[Any], None]) -> Any:
        """Return a connection as connect() would, after `set_up`; None: there is none that leads there."""
        (kept, leads), self._ready = self._ready or (None, None), None
        if kept is None:
            return None
        with suppress(Exception):  # it is lost, or another psycopg: there will be a new one
            if leads and leads.leads_as(origin):
                self._made = _anew(kept, parameters, set_up)
                return self._made
        _finish(kept)
        return None

    def made(self, raw: Any, dialect: Any, origin: Origin) -> None:
        """Keep a new connection when it is closed."""
        if self._ready is None and self._closed is None and _can_be_kept(raw):
            self._made, self._executed = raw, 0
        if self._made is raw:
            close = dialect.do_close
            dialect.do_close = lambda closed: self._closes(closed, origin) or close(closed)

    def _closes(self, raw: Any, origin: Origin) -> bool:
        """Reset a session that env.py closes, which frees its locks, and keep it; False: it is to be closed."""
        used_up = self._stays or self._executed > _MOST
        if raw is not self._made or self._closed or used_up or self._defaults is None or not _can_be_kept(raw):
            return False
        pgconn = raw.pgconn
        if pgconn.exec_(b"DISCARD ALL").status != _COMMAND_OK:
            return False
        self._closed = pgconn, origin
        raw.pgconn = type(pgconn)()  # to whoever has it still, it is closed
        return True

    def close(self) -> None:
        """Close what is kept."""
        for kept, _ in filter(None, (self._ready, self._closed)):
            _finish(kept)
        self._ready = self._closed = None


def leaves(statement: str) -> bool:
    """Tell whether a statement may leave in its session what DISCARD ALL does not undo."""
    return len(statement) > _LONGEST or bool(_STAYS.search(statement))


def _can_be_kept(raw: Any) -> bool:
    """Tell whether it is psycopg's own, and outside of everything that a statement could be in."""
    kind, pgconn = type(raw), getattr(raw, "pgconn", None)
    if (kind.__module__, kind.__name__) != ("psycopg", "Connection") or pgconn is None:
        return False
    statuses = pgconn.status, pgconn.transaction_status, pgconn.pipeline_status
    return statuses == (_OK, _IDLE, _OFF)


def _anew(pgconn: Any, parameters: dict[str, Any], set_up: Callable[[Any], None]) -> Any:
    from psycopg import Connection  # noqa: PLC0415  only where env.py uses it
    from psycopg.adapt import AdaptersMap  # noqa: PLC0415

    raw: Any = Connection(pgconn)
    raw.autocommit = True
    set_up(raw)
    raw.autocommit = bool(parameters.get("autocommit", False))
    for name in ("row_factory", "cursor_factory"):
        if given := parameters.get(name):
            setattr(raw, name, given)
    if context := parameters.get("context"):
        raw._adapters = AdaptersMap(context.adapters)  # noqa: SLF001  as its connect() does
    raw.prepare_threshold = parameters.get("prepare_threshold", 5)
    return raw


def _finish(pgconn: Any) -> None:
    with suppress(Exception):
        pgconn.finish()
