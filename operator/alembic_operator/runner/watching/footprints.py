"""Tell which locks a revision holds when it ends, and which tables it rewrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database import footprint
from alembic_operator.runner.database.own import client_backend
from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.runner.database.sites import Site

_SHOWN = 40


class Footprints(Witness):
    """Reads each revision's locks before its commit, which releases them."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._site: Site | None = None
        self._transaction: Any = None
        self._facts: dict[str, Any] = {}

    def locked(self, site: Site) -> None:
        """Remember whose lock, and with it whose own connection, this attempt has."""
        self._site = site

    def begun(self, revision: str, connection: Any) -> None:
        """Remember the transaction, to see whether the revision ends in it."""
        del revision
        self._facts = {}
        self._transaction = connection.get_transaction()

    def applying(self, revision: str, connection: Any) -> None:
        """Look, unless a part of the revision was committed before: of its locks only some would be left."""
        del revision
        if self._site and self._transaction is not None and connection.get_transaction() is self._transaction:
            self._facts = _facts(self._site, raw_of(connection))

    def applied(self, revision: str) -> dict[str, Any]:
        """Return what was seen."""
        del revision
        return self._facts


def _facts(site: Site, raw: Any) -> dict[str, Any]:
    backend = client_backend(raw)
    if backend is None or site.lock is None:
        return {}
    try:
        locks = footprint.held(site.lock.own, backend)
    except Exception:  # noqa: BLE001  the lock's connection may be lost, which is no fault of the revision's
        return {}
    if locks is None:
        return {}  # not even on the version table, where Alembic has just written: each statement is committed at once
    told = [one for one in locks if not (one.is_of(site.table) and one.mode == footprint.WRITE)]
    more = {"locks not shown": len(told) - _SHOWN} if len(told) > _SHOWN else {}
    return {
        "locks": {one.relation: one.mode for one in told[:_SHOWN]},
        "rewritten": footprint.rewritten(raw, told)[:_SHOWN],
        **more,
    }
