"""Notice revisions of which only a part is committed, and keep them from being run again blindly."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import fetch, literal
from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.process.failures import Ending, Verdict
from alembic_operator.runner.process.hints.line import AGAIN
from alembic_operator.runner.watching import existing
from alembic_operator.runner.watching.ledger import Ledger
from alembic_operator.runner.watching.mark import Mark
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.contract import Failure, Result
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.sites import Site

_BLOCK = "`with op.get_context().autocommit_block():`"
_COMMITTED = (
    "Statements of this revision are committed and would run twice: undo or complete them by hand"
    " (lastRun.error.committed lists them)."
)
_UNKNOWN = (
    "A statement ran that cannot be rolled back, and the connection was lost, or it may commit in parts: look whether"
    " it took effect, undo or complete it by hand."
)
_TWICE = "The revision makes this object twice: correct it and deploy a new image. Nothing of it is left."
_MADE_TWICE = {
    "type": "create_table() and add_column() make the type of an Enum, too: write postgresql.ENUM(create_type=False)"
    " there. ",
    "relation": "A Column with index=True or unique=True makes its index, too. ",
}
_INDEX = re.compile(r"\bINDEX\b", re.IGNORECASE)
_WRITE_INSTEAD = f" In the script, write {_BLOCK} in place of COMMIT."
_STOPPED = (Reason.INTERRUPTED, Reason.DEADLINE_EXCEEDED)


class Halves(Witness):
    """Watches what is committed before its revision is."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._connection: Any = None
        self._site: Site | None = None
        self._mark = Mark(connections)
        self._ledger = Ledger(before_effect=self._mark.before)
        self._ledger.install()
        self._warnings: list[str] = []
        self._otherwise: Verdict | None = None
        self._there = False

    def locked(self, site: Site) -> None:
        """Know which version table speaks for the next revisions."""
        self._site = site

    def begun(self, revision: str, connection: Any) -> None:
        """Open the revision's account, unless an earlier run was killed in the middle of it."""
        self._connection, self._there = connection, False
        self._mark.begin(self._site, revision)
        self._ledger.begin(revision, raw_of(connection))

    def autocommitting(self, *, entered: bool) -> None:
        """Know the COMMITs of autocommit_block() from the script's own."""
        self._ledger.in_block = entered

    def ran(self, revision: str) -> None:
        """Refuse to mark a revision as done whose statements were rolled back."""
        del revision
        if lost := self._ledger.lost(here=True):
            message = f"the script rolled back what it had executed: {lost[0].text}"
            hint = f"Remove the ROLLBACK from the script, or do what was rolled back again; see {_BLOCK}."
            raise Ending(Reason.NOT_COMMITTED, message, hint)

    def applying(self, revision: str, connection: Any) -> None:
        """Know Alembic's own COMMIT from the script's; all is well once it is done."""
        self._warn(revision)
        self._ledger.seal()
        raw = raw_of(connection)
        self._mark.erase(raw)
        if self._ledger.committed and self._site:
            self._there = bool(
                fetch(raw, f"SELECT 1 FROM {self._site.table.sql} WHERE version_num = {literal(revision)}")
            )  # a downgrade's is not

    def applied(self, revision: str) -> dict[str, Any]:
        """Close the account; commit what the script's own commit() left to nobody."""
        del revision
        transaction = self._connection.get_transaction() if self._ledger.ends_itself else None
        if transaction is not None and not self._connections.begun.has(transaction):
            transaction.commit()  # Alembic's own was over, so that SQLAlchemy began this one for the version table
        self._ledger.end()
        self._mark.end()
        return {}

    def failed(self, verdict: Verdict) -> Verdict:
        """Say what is committed; when some of it must not run twice, nobody may try again before somebody looked."""
        ledger = self._ledger
        committed, unknown, own, cut = ledger.committed, ledger.unknown, ledger.ends_itself, ledger.cut
        said = tuple(one.text for one in committed) or verdict.failure.committed  # of an earlier run
        failure = replace(verdict.failure, committed=said)
        found = existing.met(failure)
        if found and found.is_made_by(one.text for one in ledger.executed):
            verdict = replace(verdict, reason=Reason.REVISION_FAILED)  # the tables that Adoption saw are not the cause
            kind = found.kind if _INDEX.search(failure.statement) or found.kind != "relation" else ""
            failure = replace(failure, hint=_MADE_TWICE.get(kind, "") + _TWICE)
        ledger.end()
        if own:
            failure = replace(failure, hint=(failure.hint + _WRITE_INSTEAD).strip())
        never_again = not all(one.twice for one in committed)
        doubtful = not all(one.twice_unfinished for one in unknown)
        if not never_again and not doubtful:
            self._mark.withdraw()
            return replace(verdict, failure=_begun_anew(verdict, failure) if cut or committed else failure)
        hint = (_COMMITTED if never_again else _UNKNOWN) + self._mark.advice() + AGAIN + (_WRITE_INSTEAD if own else "")
        if verdict.reason in _STOPPED:
            failure = replace(
                failure, message=f"{_stopped(failure)} in the middle of a revision that is partly committed"
            )
        self._otherwise = replace(verdict, failure=replace(failure, committed=()))
        statement = failure.statement or "; ".join(one.text for one in unknown)
        return Verdict(Reason.PARTLY_APPLIED, replace(failure, hint=hint, statement=statement))

    def ended(self, result: Result) -> Result:
        """Add what authors should know; see that a revision is whole after all whose COMMIT was not answered."""
        whole = self._otherwise if self._there and result.error and result.error.revision in result.to else None
        if whole and result.reason == Reason.PARTLY_APPLIED:
            result = replace(result, reason=str(whole.reason), error=whole.failure)
        return replace(result, warnings=(*result.warnings, *dict.fromkeys(self._warnings)))

    def _warn(self, revision: str) -> None:
        if self._ledger.ends_itself:
            self._warnings.append(
                f"Revision {revision} ends its transaction by itself: a failure after its COMMIT leaves it half"
                f" applied. Write {_BLOCK} instead."
            )
        if lost := self._ledger.lost(here=False):
            self._warnings.append(
                f"Revision {revision} executed on a connection of its own what was rolled back later:"
                f" {lost[0].text}. Commit it there, or use op.execute()."
            )


def _stopped(failure: Failure) -> str:
    return failure.message.partition(";")[0]


def _begun_anew(verdict: Verdict, failure: Failure) -> Failure:
    """Say of a revision that was stopped outside of a transaction what becomes of it: nothing was rolled back."""
    if verdict.reason is not Reason.INTERRUPTED:
        return failure
    message = f"{_stopped(failure)}; the running statement was cancelled, and the next run begins the revision anew"
    return replace(failure, message=message)
