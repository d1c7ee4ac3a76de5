"""Say of a database that no run has migrated yet, but that is not empty, that it may have to be adopted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import vacancy
from alembic_operator.runner.watching import existing
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.contract import Result
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.process.failures import Verdict


class Adoption(Witness):
    """Watches the first revision of a database without heads. It runs: many a chain starts from tables that exist."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._journal = connections.around.journal
        self._site: Site | None = None
        self._found: dict[int, vacancy.Vacancy | None] = {}
        """By the site; for each, it is looked once."""
        self._at: vacancy.Vacancy | None = None
        """What the running revision meets, while it is the first."""

    def locked(self, site: Site) -> None:
        """Remember of which version table the next revisions are."""
        self._site = site

    def begun(self, revision: str, connection: Any) -> None:
        """Look what is there before the first revision."""
        del revision, connection
        site = self._site
        if site is None or site.before or site.lock is None:
            return
        if id(site) not in self._found:
            found = vacancy.find(site.lock.own, site.table, self._connections.newest)
            self._found[id(site)] = self._at = replace(found, exists=site.existed) if found else None
            if found and self._at and not found.made:
                self._journal.warning("schema is not empty", message=self._at.warning)

    def applied(self, revision: str) -> dict[str, Any]:
        """Know that the first revision is over."""
        del revision
        self._at = None
        return {}

    def failed(self, verdict: Verdict) -> Verdict:
        """Give the first revision that fails on an object which exists the reason that says what to do."""
        found = existing.met(verdict.failure) if verdict.reason is Reason.REVISION_FAILED else None
        if self._at is None or found is None or not found.may_come_with_tables:
            return verdict
        return replace(verdict, reason=self._at.reason, failure=replace(verdict.failure, hint=self._at.hint))

    def ended(self, result: Result) -> Result:
        """Add what was found to the Result."""
        warnings = tuple(found.warning for found in self._found.values() if found and not found.made)
        return replace(result, warnings=(*result.warnings, *warnings))
