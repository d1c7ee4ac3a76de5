"""What a run that was killed in the middle of a revision left: its mark on the version table.

The mark is a line in the comment on that table; `watching/mark.py` writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Failure
from alembic_operator.runner.database import holders, traces
from alembic_operator.runner.database.own import literal, quoted
from alembic_operator.runner.database.versions import LOCK_CLASS_A, LOCK_CLASS_B
from alembic_operator.runner.process.failures import Ending, Verdict
from alembic_operator.runner.process.hints.line import AGAIN

if TYPE_CHECKING:
    from alembic_operator.runner.database.versions import Query, VersionTable

_DOWN = "the downgrade of "
_BEGUN = "has begun what no rollback undoes"
_FOUND = re.compile(
    rf'\n?alembic-operator: ({_DOWN})?revision (\S+) (?:{_BEGUN}|first builds the index ("(?:[^"]|"")*")),'
    r" and has not ended(?: \(since transaction (\d+)\))?"
)
_NAMED = 3


@dataclass(frozen=True)
class Mark:
    """One line."""

    revision: str
    down: bool = False
    """Its downgrade() ran."""
    index: str = ""
    """The index whose concurrent build is all that may be left; an invalid one is built again. Empty: anything."""
    since: str = ""
    """The transaction from which on the revision may have left something; empty: nobody noted it."""

    @property
    def text(self) -> str:
        """Return it as it is written."""
        does = f"first builds the index {quoted(self.index)}" if self.index else _BEGUN
        since = f" (since transaction {self.since})" if self.since else ""
        return f"alembic-operator: {self.where} {does}, and has not ended{since}"

    @property
    def where(self) -> str:
        """Return what it is of, for a sentence."""
        return f"{_DOWN if self.down else ''}revision {self.revision}"


def _mark(found: re.Match[str]) -> Mark:
    index = (found[3] or "")[1:-1].replace('""', '"')
    return Mark(found[2], bool(found[1]), index, found[4] or "")


def within(comment: str) -> tuple[Mark, ...]:
    """Return the marks in a comment."""
    return tuple(map(_mark, _FOUND.finditer(comment)))


def without(comment: str, gone: Callable[[Mark], bool]) -> str:
    """Return a comment without some of its marks."""
    return _FOUND.sub(lambda found: "" if gone(_mark(found)) else found[0], comment)


def statement(table: VersionTable, comment: str) -> str:
    """Return what gives a version table a comment."""
    return f"COMMENT ON TABLE {table.sql} IS {literal(comment) if comment else 'NULL'}"


def advice(table: VersionTable, comment: str) -> str:
    """Return how a person takes a mark away, by what the comment is then."""
    return f" When that is done, run `{statement(table, comment)}`: until then nothing runs this revision."


def is_under_way(query: Query, table: VersionTable) -> bool:
    """Tell whether a run has the lock of a version table, or the orphan of one still works."""
    conditions = " OR ".join(f"({holders.of(key, table)})" for key in (LOCK_CLASS_A, LOCK_CLASS_B))
    return bool(query(f"SELECT 1 FROM pg_catalog.pg_locks l WHERE {conditions} LIMIT 1"))


def ending(query: Query, table: VersionTable, mark: Mark, kept: str, *, closely: bool = True) -> Ending | None:
    """Return why nobody may run the revision of a mark before somebody looked; None: it may begin anew.

    `kept`: the comment without the mark. `closely`: look through the whole catalogue for what the revision did.
    """
    if mark.index and mark.since and not traces.is_built(query, mark.index, mark.since):
        return None
    seen = traces.look(query, table, mark.since) if mark.since and closely else ()
    more = f" and {len(seen) - _NAMED} more" if len(seen) > _NAMED else ""
    since = f"; since then the database has {', '.join(seen[:_NAMED])}{more}" if seen else ""
    message = f"an earlier run ended in the middle of {mark.where}, which does what no rollback undoes{since}"
    hint = f"Look what it did; undo it, or complete it and stamp the revision.{advice(table, kept)}{AGAIN}"
    failure = Failure(message, revision=mark.revision, hint=hint, committed=seen)
    return Ending.of(Verdict(Reason.PARTLY_APPLIED, failure))
