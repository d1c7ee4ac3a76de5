"""Ask the server at the end whether each revision's transaction was committed: a row in a version table is no proof."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import fetch, literal
from alembic_operator.runner.database.reader import Reader
from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.process.failures import Ending, Scene, Verdict, classify
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.contract import Result
    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.sites import Site

_HINT = (
    "What they did was rolled back, by env.py or by a script, although the version table contains them. Compare the"
    " schema with the revisions, repair or stamp it, and let context.begin_transaction() begin and commit."
)


@dataclass(frozen=True)
class Work:
    """Where a revision was applied, and in which transaction."""

    site: Site
    transaction: int


class Commits(Witness):
    """Remembers the transaction of every revision."""

    def __init__(self, *, borrows: bool = False) -> None:
        """Begin; or borrow the lock's connection at the end, where the run is one of many."""
        self._borrows = borrows
        self._site: Site | None = None
        self._works: dict[tuple[int, str], Work] = {}
        """By the site and the revision; a later attempt counts."""
        self._lost_before: dict[int, list[str]] = {}
        """What was not committed when a site was last seen while env.py held the way there."""

    def locked(self, site: Site) -> None:
        """Know where the next revisions run."""
        self._site = site

    def applying(self, revision: str, connection: Any) -> None:
        """Remember the transaction that holds both the work and the version; in autocommit there is none."""
        ((transaction,),) = fetch(raw_of(connection), "SELECT pg_catalog.txid_current_if_assigned()")
        if transaction is not None and self._site:
            self._works[id(self._site), revision] = Work(self._site, int(transaction))

    def read_early(self, site: Site, own: OwnConnection) -> None:
        """Ask already: the way to this database may end before everything else does."""
        self._lost_before[id(site)] = self._lost(site, own)

    def ended(self, result: Result) -> Result:
        """Return NotCommitted when a transaction that the version table speaks for was not committed."""
        if result.error or not self._works:
            return result
        lost: list[str] = []
        reader = Reader(borrows=self._borrows)
        for site in {id(work.site): work.site for work in self._works.values()}.values():
            if self._borrows and site.is_seen_there and id(site) in self._lost_before:
                lost += self._lost_before[id(site)]  # over the connection that would be borrowed
                continue
            try:
                lost += self._lost(site, reader.over(site))
            except Exception as error:  # noqa: BLE001  whatever it is, success was not seen unless it was before
                if id(site) not in self._lost_before or not site.counts_early(error):
                    return _because(result, classify(error, Scene(server=site.origin.place)))
                lost += self._lost_before[id(site)]
        reader.close()
        if not lost:
            return result
        message = f"the version table contains {', '.join(lost)}, but the work was not committed"
        return _because(result, Ending(Reason.NOT_COMMITTED, message, _HINT).verdict)

    def _lost(self, site: Site, own: OwnConnection) -> list[str]:
        values = ", ".join(
            f"({literal(revision)}, {work.transaction}::bigint)"
            for (_, revision), work in self._works.items()
            if work.site is site
        )
        if not values:
            return []
        rows = own.rows(
            f"SELECT w.revision::text FROM (VALUES {values}) AS w(revision, id)"
            " WHERE pg_catalog.txid_status(w.id) <> 'committed'"  # null: so long ago that nobody remembers
        )
        return [str(row[0]) for row in rows]


def _because(result: Result, verdict: Verdict) -> Result:
    return replace(result, reason=str(verdict.reason), error=verdict.failure)
