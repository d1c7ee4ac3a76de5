"""What a process keeps from one tenant's run to the next one's: connections, and what a server said of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.runner.database import vacancy
from alembic_operator.runner.database.own import fetch
from alembic_operator.runner.database.sessions import DEFAULTS, Sessions

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import Origin, OwnConnection
    from alembic_operator.runner.database.session import Session
    from alembic_operator.runner.process.journal import Journal

_ASKED = (
    *("_get_server_version_info", "get_default_isolation_level", "_set_backslash_escapes"),
    *("_type_info_fetch", "_hstore_oids"),
)
"""What a dialect asks with an engine's first connection, and what is the same for each of the same address and user."""
_ESCAPES = "_backslash_escapes"


class Between:
    """Nothing of a tenant's own is in it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.sessions = Sessions()
        self._left: tuple[OwnConnection, Origin] | None = None
        self._said: dict[Any, dict[str, Any]] = {}
        self._settings: dict[Any, dict[str, str]] = {}

    def leave(self, own: OwnConnection, origin: Origin) -> bool:
        """Keep a connection that holds no lock any more; False: there is one already."""
        if self._left is not None:
            return False
        self._left = own, origin
        return True

    def take(self, origin: Origin, journal: Journal) -> tuple[OwnConnection, int] | None:
        """Return what was left, where that leads to the same database and still answers, and the newest relation."""
        left, self._left = self._left, None
        if left is None:
            return None
        own, leads = left
        try:
            if leads.leads_as(origin):
                return own, self.look(own)
        except Exception:  # noqa: BLE001  the drivers share no class: there will be a new one
            journal.info("kept connection lost")
        own.close()
        return None

    def look(self, own: OwnConnection) -> int:
        """Return the newest relation, and see whether a session of the tenant before is still as a new one."""
        ((newest, defaults),) = own.rows(f"SELECT ({vacancy.NEWEST}), ({DEFAULTS})")
        self.sessions.begins_with(None if own.is_pooled() else defaults)
        return int(newest)

    def connect(self, dialect: Any, origin: Origin, parameters: dict[str, Any], set_up: Callable[[Any], None]) -> Any:
        """Return a connection for env.py: over the session that the tenant before closed, or a new one."""
        raw = self.sessions.lend(origin, parameters, set_up)
        if raw is None:
            raw = dialect.connect(**parameters)
        self.sessions.made(raw, dialect, origin)
        return raw

    def teach(self, dialect: Any, origin: Origin) -> None:
        """Let the dialect of an engine have the answers that an earlier one got there."""
        if origin.way is None or _ASKED[0] in vars(dialect):
            return
        level = getattr(dialect, "_on_connect_isolation_level", None)
        said = self._said.setdefault((origin.way, type(dialect), level), {})
        for name in _ASKED:
            if hasattr(dialect, name):
                setattr(dialect, name, _once(said, name, dialect))

    def set_up(self, session: Session, raw: Any, origin: Origin | None) -> None:
        """Set a session up; which settings a server knows, and what bounds them closer, it is asked once."""
        way = origin.way if origin else None
        known = self._settings.get(way, {})
        first, *others = session.statements(known)
        rows = fetch(raw, first)
        if way is not None and not known:
            self._settings[way] = {str(name): str(value) for name, value in rows}
        for sql in others:
            fetch(raw, sql)


def _once(said: dict[str, Any], name: str, dialect: Any) -> Callable[..., Any]:
    ask = getattr(dialect, name)

    def answer(*asked: Any) -> Any:
        if name not in said:
            said[name] = ask(*asked), getattr(dialect, _ESCAPES, None)
        found, escapes = said[name]
        if name == "_set_backslash_escapes" and escapes is not None:
            setattr(dialect, _ESCAPES, escapes)  # the one that answers in this way
        return found

    return answer
