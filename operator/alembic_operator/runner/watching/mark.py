"""Mark the database before a revision does what no rollback undoes: a killed run cannot tell the next one."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import fetch, literal
from alembic_operator.runner.process.failures import AGAIN, Ending, first_line
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
        down, earlier = self._earlier()
        if earlier and (down or earlier == revision):
            message = (
                f"an earlier run ended in the middle of {down}revision {earlier}, which does what no rollback undoes"
            )
            hint = f"Look what it did; undo it, or complete it and stamp the revision.{self.advice()}{AGAIN}"
            raise Ending(Reason.PARTLY_APPLIED, message, hint)

    def write(self, raw: Any) -> None:
        """Write it, once for each revision; where the right is missing, say so and go on without."""
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
        except Exception as error:  # noqa: BLE001  the drivers share no class
            self._refused = True
            if guarded:
                with suppress(Exception):  # a lost connection is told by the statement that follows
                    fetch(raw, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            message = f"a run that is killed now will not be noticed by the next one: {first_line(error)}"
            self._journal.warning("cannot mark the version table", message=message)

    def erase(self, raw: Any) -> None:
        """Take it away in the transaction that completes the revision; also one that is no longer true."""
        if self._site and (self._written or self._earlier()[1]):
            fetch(raw, self._comment(self._kept()))

    def end(self) -> None:
        """End with a revision that is committed."""
        self._written = False

    def withdraw(self) -> None:
        """Take it away after a failure that left nothing behind."""
        if not self._written or not self._site:
            return
        self._written = False
        try:
            own = self._site.origin.open()
            try:
                own.become(self._connections.session.role).rows(self._comment(self._kept()))
            finally:
                own.close()
        except Exception as error:  # noqa: BLE001  the drivers share no class
            self._journal.warning("cannot take the mark from the version table", message=first_line(error))

    def advice(self) -> str:
        """Return how a person takes it away."""
        if not self._site or not (self._written or self._earlier()[1]):
            return ""
        return f" When that is done, run `{self._comment(self._kept())}`: until then nothing runs this revision."

    def _text(self, raw: Any) -> str:
        """Return what the mark says; only what is taken back is in the version table when it begins."""
        table = self._site.table.sql if self._site else ""
        down = fetch(raw, f"SELECT 1 FROM {table} WHERE version_num = {literal(self._revision)}")
        return _TEXT.format(_DOWN if down else "", self._revision)

    def _earlier(self) -> tuple[str, str]:
        """Return the mark of an earlier run: its direction and its revision."""
        found = _FOUND.search(self._before())
        return (found[1] or "", found[2]) if found else ("", "")

    def _before(self) -> str:
        return self._site.leftovers.comment if self._site and self._site.leftovers else ""

    def _kept(self) -> str:
        return _FOUND.sub("", self._before())

    def _comment(self, text: str) -> str:
        table = self._site.table.sql if self._site else ""
        return f"COMMENT ON TABLE {table} IS {literal(text) if text else 'NULL'}"
