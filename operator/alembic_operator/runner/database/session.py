"""What every migration connection is set up with, before env.py can use it."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic_operator.contract import Invocation, seconds
from alembic_operator.runner.database import network
from alembic_operator.runner.database.own import fetch, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME_BYTES = 63
_PREFIX = "alembic-operator/"
_OWN = "/own"
_TIMEOUTS = ("lock_timeout", "statement_timeout")
_OWN_LOCK_TIMEOUT = "5s"
"""What it reads nobody locks for long, and this process itself might have."""
READ_ONLY = "SET default_transaction_read_only = on"
_LONGEST_MS = (1 << 31) - 1
"""PostgreSQL's largest timeout; a deadline may be longer."""


@dataclass(frozen=True)
class Session:
    """The settings of a run's migration connections."""

    application_name: str
    lock_timeout_ms: int
    statement_timeout_ms: int
    deadline_ms: int
    schema: str
    role: str
    read_only: bool = False
    """Refuse whatever would change the database."""
    may_create: bool = True
    """Make the schema where it is missing."""

    @staticmethod
    def of(invocation: Invocation) -> Session:
        """Return what the command line asks for; the name is unique to this process."""
        host = os.environ.get("HOSTNAME") or socket.gethostname()
        unique = f"/{os.urandom(3).hex()}"
        end = f"{host}{unique}"[-(_NAME_BYTES - len(_PREFIX) - len(_OWN)) :]  # what tells two pods apart is last
        name = f"{_PREFIX}{end}"
        lock_timeout, statement_timeout, deadline = (
            min(round(seconds(one) * 1000), _LONGEST_MS)
            for one in (invocation.lock_timeout, invocation.statement_timeout, invocation.deadline)
        )
        return Session(name, lock_timeout, statement_timeout, deadline, invocation.schema, invocation.role)

    def statements(self, known: Mapping[str, str] | None = None) -> list[str]:
        """Return what sets a session up; `known`: what the first of them has set in a session of the same user.

        The server's view of its settings takes it longer than all else that a small revision does.
        """
        settings = {
            "application_name": self.application_name,
            "lock_timeout": str(self.lock_timeout_ms),
            "statement_timeout": str(self.statement_timeout_ms),
        }
        if self.schema:
            settings["search_path"] = self.search_path
        if self.read_only:
            settings["default_transaction_read_only"] = "on"
        first = _set(settings, self._bounds)
        if known:
            first = _set_plainly({**{name: known[name] for name in self._bounds if name in known}, **settings})
        return [first, *([f"SET ROLE {quoted(self.role)}"] if self.role else [])]

    @property
    def run(self) -> str:
        """Return what tells this run from others: the pod, and six random characters."""
        return self.application_name[len(_PREFIX) :]

    @property
    def own_name(self) -> str:
        """Return what names a connection of the runner's own; it differs, for only migrations are cancelled."""
        return f"{self.application_name}{_OWN}"

    def own(self, **more: str) -> str:
        """Return the statement that begins a connection of the runner's own."""
        # it holds the lock of the run and is silent meanwhile, so a closer bound of the role's would end the lock early
        settings = {"application_name": self.own_name, "idle_session_timeout": str(self._idle_ms)}
        return _set({**settings, "lock_timeout": _OWN_LOCK_TIMEOUT, **more}, network.SERVER)

    @property
    def _bounds(self) -> dict[str, int]:
        """Return what frees the locks of a runner that is gone, or that hangs."""
        idle = ("idle_in_transaction_session_timeout", "idle_session_timeout")
        return {**network.SERVER, **dict.fromkeys(idle, self._idle_ms)}

    @property
    def _idle_ms(self) -> int:
        """Return how long a session may idle: no shorter than the whole run may take.

        A revision may think for minutes between two statements, and a client that died is noticed by its socket.
        This is for one that is frozen: the kernel answers for it, and it would hold its locks for ever.
        """
        return max(1, min(self.deadline_ms, _LONGEST_MS))

    @property
    def search_path(self) -> str:
        """Return the schema, then public, where extensions usually are."""
        return ", ".join(dict.fromkeys((quoted(self.schema), "public")))

    @contextmanager
    def no_timeouts(self, raw: Any) -> Iterator[None]:
        """Wait as long as it takes: a timeout in CREATE INDEX CONCURRENTLY leaves an invalid index.

        Afterwards the timeouts are as they were; env.py or a script may have set its own.
        """
        if getattr(raw, "autocommit", False) and getattr(raw, "_in_transaction", False):
            raw.rollback()  # pg8000 is still in that in which Alembic asked for the isolation level
        settings = ", ".join(f"pg_catalog.current_setting({literal(name)})" for name in _TIMEOUTS)
        before = dict(zip(_TIMEOUTS, fetch(raw, f"SELECT {settings}")[0]))  # noqa: B905  3.9 has no strict
        fetch(raw, _set(dict.fromkeys(_TIMEOUTS, "0")))
        try:
            yield
        finally:
            with suppress(Exception):  # the connection may be broken; the error that broke it is the one to tell
                fetch(raw, _set(before))


def _set_plainly(settings: dict[str, str]) -> str:
    """Return a statement that sets what every server knows, or what this one was seen to know."""
    calls = (f"pg_catalog.set_config({literal(name)}, {literal(value)}, false)" for name, value in settings.items())
    return f"SELECT {', '.join(calls)}"


def _set(settings: dict[str, str], bounds: dict[str, int] | None = None) -> str:
    """Return a statement that sets what this server knows; what the role or the database bounds closer stays so."""
    rows = [f"({literal(name)}, {literal(value)}, 0)" for name, value in settings.items()]
    rows += [f"({literal(name)}, {literal(str(value))}, {value})" for name, value in (bounds or {}).items()]
    value = "CASE WHEN w.bound > 0 AND s.setting::bigint BETWEEN 1 AND w.bound THEN s.setting ELSE w.value END"
    return (
        f"SELECT s.name, pg_catalog.set_config(s.name, {value}, false)"
        f" FROM (VALUES {', '.join(rows)}) AS w(name, value, bound) JOIN pg_catalog.pg_settings s ON s.name = w.name"
    )
