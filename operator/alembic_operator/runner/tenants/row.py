"""Write where a tenant stands into the table of tenants, in the transaction that brings it there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import fetch, literal
from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.tenants import table
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.database.versions import VersionTable

_HINT = (
    "env.py, or the application, keeps what it has read for another tenant: set spec.tenants.isolation: Tenant, which"
    " gives each tenant a process of its own."
)


class TenantRow(Witness):
    """Writes where the role may; what it may not, the fleet writes when the tenant is done."""

    def __init__(self, row: table.Row, book: table.Book | None, expected: VersionTable | None) -> None:
        """Begin; without a book nothing is written, and where nothing is expected, nothing is refused."""
        self._row = row
        self._book = book
        self._expected = expected
        self._site: Site | None = None
        self._may_write: bool | None = None
        self._left = 0
        self._begun = time.monotonic()

    @property
    def table(self) -> VersionTable | None:
        """Return the tenant's version table; None: the run has not come to one."""
        return self._site.table if self._site else None

    def locked(self, site: Site) -> None:
        """Refuse to migrate another tenant than this one."""
        self._site = site
        if self._expected and site.table != self._expected:
            message = f"env.py took the version table {site.table.sql}, where {self._expected.sql} is the tenant's"
            raise Ending(Reason.WRONG_DATABASE, message, _HINT)

    def planned(self, revisions: int) -> None:
        """Know which one is the last."""
        self._left = revisions

    def applying(self, revision: str, connection: Any) -> None:
        """Write that the tenant has come to its end, with the last revision."""
        del revision
        self._left -= 1
        raw = raw_of(connection)
        if self._left > 0 or self._book is None or self._site is None or not self._allowed(raw, self._book.table):
            return
        row = table.Row(
            self._row.tenant, (), str(Reason.UP_TO_DATE), seconds=time.monotonic() - self._begun, run=self._row.run
        )
        fetch(raw, self._book.standing(row, self._site.table))

    def _allowed(self, raw: Any, into: VersionTable) -> bool:
        if self._may_write is None:
            asked = (
                "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                f" WHERE n.nspname = {literal(into.schema)} AND c.relname = {literal(into.name)}"
                " AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
                " AND pg_catalog.has_table_privilege(c.oid, 'SELECT')"
                " AND pg_catalog.has_table_privilege(c.oid, 'INSERT')"
                " AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')"
            )
            self._may_write = bool(fetch(raw, asked))
        return self._may_write
