"""Keep account of the statements of a revision: still open, committed, rolled back, or of unknown outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from sqlalchemy import event
from sqlalchemy.engine import Engine

from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.process.failures import is_connection_lost, sqlstate
from alembic_operator.runner.watching import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.watching.sql import Statement

_NOT_DONE = ("terminating connection due to administrator command", "cannot switch to state")
"""The answer to a statement, which asyncpg passes on with another SQLSTATE; or it did not even send the statement."""
_IDLE = 0  # of libpq's PGTransactionStatusType
_NO_ANSWER = ("08", "57P02", "40003")
"""SQLSTATEs, or classes of them, that do not say what became of the statement."""


@dataclass
class Account:
    """What one revision did on one connection."""

    raw: Any
    open: dict[Statement, None] = field(default_factory=dict)
    """Executed in a transaction that has not ended."""
    lost: dict[Statement, None] = field(default_factory=dict)
    """Executed and rolled back."""
    alone: bool = False
    """Whether the last statement ended outside of a transaction, so that the next one may be on its own, too."""


@dataclass
class Running:
    """A statement that was sent."""

    statements: tuple[Statement, ...]
    alone: bool
    """Whether it takes effect by itself, without a commit that follows."""
    refused: bool | None = None
    """Whether the server, or the driver before it, refused it, so that it had no effect; None: no error was seen."""
    in_parts: bool = False
    """Whether a part of it may be committed although it is refused."""


@dataclass
class Ledger:
    """The account of the revision that is running, on all connections of this process."""

    revision: str = ""
    committed: dict[Statement, None] = field(default_factory=dict)
    """In the order in which they were first executed."""
    ends_itself: bool = False
    """Whether the script ended its transaction by its own COMMIT."""
    in_block: bool = False
    """Whether the revision is in an autocommit_block, or enters or leaves one."""
    before_effect: Callable[[Any, tuple[Statement, ...], Iterable[Statement]], None] = field(default=lambda *_: None)
    """Called with the revision's DBAPI connection before it commits something: with that, and what it committed."""
    _main: int = 0
    _sealed: bool = False
    _running: Running | None = None
    _doubtful: dict[Statement, None] = field(default_factory=dict)
    """Those of unknown outcome that ran before the running one."""
    _accounts: dict[int, Account] = field(default_factory=dict)

    def install(self) -> None:
        """Begin to listen, for the rest of this process."""
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)
        event.listen(Engine, "handle_error", self._refused)
        event.listen(Engine, "commit", self._commit)
        event.listen(Engine, "rollback", self._rollback)

    def begin(self, revision: str, raw: Any) -> None:
        """Open the account of a revision on its connection."""
        self.end()
        self.revision, self._main = revision, id(raw)
        self._accounts[id(raw)] = Account(raw)

    def seal(self) -> None:
        """Take what follows for Alembic's own commit: the version table has the revision."""
        self._sealed = True

    def end(self) -> None:
        """Close the account."""
        self.revision, self.committed, self._running = "", {}, None
        self.ends_itself = self._sealed = False
        self._accounts, self._doubtful = {}, {}

    def lost(self, *, here: bool) -> list[Statement]:
        """Return what was rolled back and not executed again: on the revision's own connection, or on others."""
        kept = [*self.committed, *(one for account in self._accounts.values() for one in account.open)]
        chosen = [account for key, account in self._accounts.items() if (key == self._main) is here]
        return [one for account in chosen for one in account.lost if one not in kept]

    @property
    def executed(self) -> tuple[Statement, ...]:
        """Return what the revision executed so far, whatever became of it."""
        accounts = self._accounts.values()
        return (*self.committed, *(one for each in accounts for one in (*each.open, *each.lost)))

    @property
    def unknown(self) -> tuple[Statement, ...]:
        """Return the statements whose outcome nobody knows: they were sent, and no answer came."""
        running = self._running
        last = running.statements if running and running.alone and not running.refused else ()
        return (*self._doubtful, *last)

    @property
    def cut(self) -> bool:
        """Whether a statement was running outside of a transaction, which no rollback undoes."""
        return self._running is not None and self._running.alone

    def _account(self, connection: Any) -> Account | None:
        if not self.revision or connection.dialect.name != "postgresql" or connection.invalidated:
            return None
        raw = raw_of(connection)
        return self._accounts.setdefault(id(raw), Account(raw))

    def _before(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        account = self._account(connection)
        if account is None:
            return
        self.committed.update(dict.fromkeys(self.unknown))  # the script went on regardless
        if account.open and not in_transaction(account.raw):
            self._ended_by_script(account)  # by the driver's own commit() or rollback(), which nobody tells
        statements = sql.read(statement)
        alone = account.alone or bool(getattr(account.raw, "autocommit", False))
        ends = any(one.commits for one in statements)
        in_parts = any(one.in_parts for one in statements) or any(one.commits for one in statements[:-1])
        running = Running((*(account.open if ends else ()), *statements), alone or ends, in_parts=in_parts)
        if running.alone:
            self._announce(account, running.statements)
        self._running = running

    def _after(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        account = self._account(connection)
        self._running = None
        if account is None:
            return
        for one in sql.read(statement):
            self._executed(account, one)
        account.alone = not in_transaction(account.raw)
        if account.alone:
            self._settle(account)

    def _executed(self, account: Account, statement: Statement) -> None:
        if statement.rolls_back:
            self._drop(account)
        elif statement.commits and not self.in_block:
            self._ended_by_script(account)
        elif not statement.reads:
            account.open[statement] = None

    def _ended_by_script(self, account: Account) -> None:
        self.ends_itself = self.ends_itself or id(account.raw) == self._main
        self._settle(account)

    def _settle(self, account: Account) -> None:
        self.committed.update(account.open)
        account.open = {}

    def _drop(self, account: Account) -> None:
        account.lost.update(account.open)
        account.open = {}

    def _commit(self, connection: Any) -> None:
        account = self._account(connection)
        if account is None or (self._sealed and id(account.raw) == self._main):
            return
        self._announce(account, tuple(account.open))
        self._doubtful.update(dict.fromkeys(self.unknown))
        # Told before it is done: should it fail with an answer, _refused takes it back.
        self._running = Running(tuple(account.open), alone=True)
        if id(account.raw) == self._main and not self.in_block:
            self.ends_itself = True
        account.alone = False
        self._settle(account)

    def _announce(self, account: Account, statements: tuple[Statement, ...]) -> None:
        changes = tuple(one for one in statements if not one.reads)
        if id(account.raw) == self._main and (changes or self.committed):
            self.before_effect(account.raw, changes, self.committed)

    def _rollback(self, connection: Any) -> None:
        account = self._account(connection)
        if account and account.open and not in_transaction(account.raw):
            self._ended_by_script(account)
        elif account:
            self._drop(account)

    def _refused(self, context: Any) -> None:
        running = self._running
        if not self.revision or running is None or running.refused is not None:
            return
        error = context.sqlalchemy_exception or context.original_exception
        code = sqlstate(error)
        answered = not code.startswith(_NO_ANSWER) if code else not is_connection_lost(error)
        answered = answered or any(words in str(error) for words in _NOT_DONE)
        running.refused = isinstance(error, Exception) and answered and not running.in_parts
        if context.statement is None and running.refused:
            self.committed = {one: None for one in self.committed if one not in running.statements}


def in_transaction(raw: Any) -> bool:
    """Tell whether the server is in a transaction, as its last answer said; drivers do not always know their own."""
    driver = getattr(raw, "driver_connection", None) or getattr(raw, "_connection", None) or raw
    if hasattr(driver, "is_in_transaction"):
        return bool(driver.is_closed() or driver.is_in_transaction())
    if hasattr(driver, "_in_transaction"):  # pg8000
        return bool(driver._in_transaction)  # noqa: SLF001
    status = getattr(getattr(driver, "info", None), "transaction_status", _IDLE + 1)
    return int(status) != _IDLE
