"""Mark the database before a revision does what no rollback undoes: a killed run cannot tell the next one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database import marks
from alembic_operator.runner.database.own import fetch, literal
from alembic_operator.runner.process.failures import first_line, sqlstate
from alembic_operator.runner.watching import sql
from alembic_operator.runner.watching.ledger import in_transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.watching.sql import Statement

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
        self._mark = marks.Mark("")
        """What is written, or will be."""
        self._written = self._refused = False

    def begin(self, site: Site | None, revision: str) -> None:
        """Begin with a revision.

        Raises:
            Ending: PartlyApplied, when an earlier run left its mark on this revision, or on one that it took back.
        """
        self._site, self._revision, self._written, self._mark = site, revision, False, marks.Mark(revision)
        for mark in marks.within(self._before()):
            if site and site.lock and (mark.down or mark.revision == revision):
                with site.line(site.lock) as own:
                    ending = marks.ending(own.rows, site.table, mark, self._kept())
                if ending:
                    raise ending

    def before(self, raw: Any, statements: tuple[Statement, ...], committed: Iterable[Statement]) -> None:
        """See what is about to be committed, behind what is; whether that may run twice, and from when on it may be."""
        if not self._mark.since:
            self._note(raw)
        if not all(one.twice for one in committed) or not all(one.twice_unfinished for one in statements):
            self._write(raw, "")
            return
        built = (index.name for one in statements if not one.twice and (index := sql.concurrent_index(one.text)))
        if (name := next(built, "")) and self._mark.since:
            self._write(raw, name)

    def _note(self, raw: Any) -> None:
        """Ask for the transaction, and whether the revision is taken back: only then the version table has it already.

        What goes wrong here goes wrong again in what follows, and is told then.
        """
        table = self._site.table.sql if self._site else ""
        if table and not self._refused:
            there = f"EXISTS (SELECT 1 FROM {table} WHERE version_num = {literal(self._revision)})"
            with suppress(Exception):
                ((since, down),) = fetch(raw, f"SELECT pg_catalog.txid_current(), {there}")
                self._mark = replace(self._mark, since=str(since), down=bool(down))

    def _write(self, raw: Any, index: str) -> None:
        """Write it; where the right is missing, say so and go on without.

        Any other failure ends the revision, before it has done what is not marked.
        """
        if self._refused or not self._site or (self._written and self._mark.index in ("", index)):
            return
        self._mark = replace(self._mark, index=index)
        guarded = in_transaction(raw)
        try:
            if guarded:
                fetch(raw, f"SAVEPOINT {_SAVEPOINT}")
            fetch(raw, self._comment("\n".join(filter(None, (self._kept(), self._mark.text)))))
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
        return marks.advice(self._site.table, self._kept())

    @property
    def _changes(self) -> bool:
        return self._written or self._kept() != self._before()

    def _before(self) -> str:
        return self._site.leftovers.comment if self._site and self._site.leftovers else ""

    def _kept(self) -> str:
        """Return the comment without this revision's mark, and those of revisions that the database contains."""
        site = self._site
        over = {self._revision, *(site.contains if site else ())}
        return marks.without(self._before(), lambda mark: mark.down or mark.revision in over)

    def _comment(self, text: str) -> str:
        return marks.statement(self._site.table, text) if self._site else ""
