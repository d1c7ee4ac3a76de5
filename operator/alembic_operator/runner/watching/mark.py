"""Mark the database before a revision does what no rollback undoes: a killed run cannot tell the next one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import fetch, literal
from alembic_operator.runner.process.failures import Ending, first_line, sqlstate
from alembic_operator.runner.process.hints import AGAIN
from alembic_operator.runner.watching.ledger import in_transaction

if TYPE_CHECKING:
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.sites import Site

_TEXT = "alembic-operator: {}revision {} has begun what no rollback undoes, and has not ended"
_DOWN = "the downgrade of "
_FOUND = re.compile(
    rf"\n?alembic-operator: ({_DOWN})?revision (\S+) has begun what no rollback undoes, and has not ended"
)
_SAVEPOINT = "alembic_operator_mark"
_WITHDRAW_TIMEOUT = "10s"
_NEVER = "42"
"""The class of SQLSTATEs that say that this user may not, or that there is nothing to comment on."""


class Mark:
    """A line in the comment on the version table.

    It is written on the migration connection itself: in the transaction whose commit it announces, or before a
    statement in autocommit; and taken away in the transaction that puts the revision into the version table.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._journal = connections.around.journal
        self._site: Site | None = None
        self._revision = ""
        self._written = self._refused = False

    def begin(self, site: Site | None, revision: str) -> None:
        """Begin with a revision.

        Raises:
            Ending: PartlyApplied, when an earlier run left its mark on this revision, or on one that it took back.
        """
        self._site, self._revision, self._written = site, revision, False
        for mark in _FOUND.finditer(self._before()):
            down, earlier = mark[1] or "", mark[2]
            if down or earlier == revision:
                where = f"{down}revision {earlier}"
                message = f"an earlier run ended in the middle of {where}, which does what no rollback undoes"
                hint = f"Look what it did; undo it, or complete it and stamp the revision.{self.advice()}{AGAIN}"
                raise Ending(Reason.PARTLY_APPLIED, message, hint)

    def write(self, raw: Any) -> None:
        """Write it, once for each revision; where the right is missing, say so and go on without.

        Any other failure ends the revision, before it has done what is not marked.
        """
        if self._written or self._refused or not self._site:
            return
        guarded = in_transaction(raw)
        try:
            if guarded:
                fetch(raw, f"SAVEPOINT {_SAVEPOINT}")
            fetch(raw, self._comment("\n".join(filter(None, (self._kept(), self._text(raw))))))
            if guarded:
                fetch(raw, f"RELEASE SAVEPOINT {_SAVEPOINT}")
            self._written = True
        except Exception as error:
            if not sqlstate(error).startswith(_NEVER):
                raise
            self._refused = True
            if guarded:
                fetch(raw, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            message = f"a run that is killed now will not be noticed by the next one: {first_line(error)}"
            self._journal.warning("cannot mark the version table", message=message)

    def erase(self, raw: Any) -> None:
        """Take it away in the transaction that completes the revision; also those that are no longer true."""
        if self._site and self._changes:
            fetch(raw, self._comment(self._kept()))

    def end(self) -> None:
        """End with a revision that is committed."""
        self._written = False

    def withdraw(self) -> None:
        """Take it away after a failure that left nothing behind.

        On the connection that holds the lock: without the lock, another run may have written its own meanwhile.
        """
        site = self._site
        if not self._written or not site or not site.lock:
            return
        self._written = False
        try:
            with site.line(site.lock) as own, own.as_login():
                own.become(site.role).rows(f"SET lock_timeout = '{_WITHDRAW_TIMEOUT}'")
                own.rows(self._comment(self._kept()))
        except Exception as error:  # noqa: BLE001  the drivers share no class
            self._journal.warning("cannot take the mark from the version table", message=first_line(error))

    def advice(self) -> str:
        """Return how a person takes it away."""
        if not self._site or not self._changes:
            return ""
        return f" When that is done, run `{self._comment(self._kept())}`: until then nothing runs this revision."

    def _text(self, raw: Any) -> str:
        """Return what the mark says; only what is taken back is in the version table when it begins."""
        table = self._site.table.sql if self._site else ""
        down = fetch(raw, f"SELECT 1 FROM {table} WHERE version_num = {literal(self._revision)}")
        return _TEXT.format(_DOWN if down else "", self._revision)

    @property
    def _changes(self) -> bool:
        return self._written or self._kept() != self._before()

    def _before(self) -> str:
        return self._site.leftovers.comment if self._site and self._site.leftovers else ""

    def _kept(self) -> str:
        """Return the comment without this revision's mark, and those of revisions that the database contains."""
        site = self._site
        over = {self._revision, *(site.contains if site else ())}
        return _FOUND.sub(lambda mark: "" if mark[1] or mark[2] in over else mark[0], self._before())

    def _comment(self, text: str) -> str:
        table = self._site.table.sql if self._site else ""
        return f"COMMENT ON TABLE {table} IS {literal(text) if text else 'NULL'}"
