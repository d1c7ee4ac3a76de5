"""What a transaction did to relations that existed before it: the locks it holds, and the tables it rewrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database.own import fetch

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.versions import VersionTable

WRITE = "RowExclusiveLock"
"""What every INSERT, UPDATE and DELETE takes."""
_EXCLUSIVE = "AccessExclusiveLock"
_MODES = (
    "AccessShareLock",
    "RowShareLock",
    WRITE,
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    _EXCLUSIVE,
)
"""The weakest first."""
_STORED = ("r", "m")
_INDEXES = ("i", "I")
_SYSTEM = ("pg_", "information_schema")


@dataclass(frozen=True)
class TableLock:
    """The strongest lock of a transaction on one relation."""

    oid: int
    schema: str
    name: str
    kind: str
    file: int
    """Number of the relation's file before the transaction."""
    mode: str

    @property
    def relation(self) -> str:
        """Return its name for people."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    def is_of(self, table: VersionTable) -> bool:
        """Tell whether it is the version table's."""
        return (self.schema, self.name) == (table.schema, table.name)


def held(own: OwnConnection, backend: int) -> list[TableLock] | None:
    """Return an idle backend's locks on tables, views and sequences of users, the strongest first; None: not one.

    Asked from outside: there the catalog is still as it was before the transaction. New relations are not in it, and
    nobody else can want a lock on them; they only show that there is a transaction.
    """
    rows = own.rows(
        "SELECT c.oid::bigint, c.relnamespace::regnamespace::text, c.relname::text, c.relkind::text,"
        " c.relfilenode::bigint, l.mode"
        " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation"
        f" WHERE l.pid = {backend} AND l.locktype = 'relation' AND l.granted AND l.database <> 0"
    )  # few joins: it is planned anew for each revision
    strongest: dict[int, TableLock] = {}
    known = (TableLock(row[0], _plain(row[1]), *row[2:]) for row in rows if row[0] is not None)
    for lock in sorted(filter(_is_users, known), key=lambda one: _MODES.index(one.mode)):
        strongest[lock.oid] = lock
    return sorted(strongest.values(), key=lambda one: (-_MODES.index(one.mode), one.schema, one.name)) if rows else None


def _plain(schema: str) -> str:
    return schema[1:-1].replace('""', '"') if schema.startswith('"') else schema


def _is_users(lock: TableLock) -> bool:
    return lock.kind not in _INDEXES and not lock.schema.startswith(_SYSTEM)


def rewritten(raw: Any, locks: list[TableLock]) -> list[str]:
    """Return which of a transaction's tables have another file than before; asked within it."""
    files = {one.oid: one for one in locks if one.mode == _EXCLUSIVE and one.kind in _STORED}
    if not files:
        return []  # nothing weaker lets a table be rewritten
    oids = ", ".join(map(str, files))
    rows = fetch(raw, f"SELECT oid::bigint, relfilenode::bigint FROM pg_catalog.pg_class WHERE oid IN ({oids})")
    return sorted(files[oid].relation for oid, file in rows if file != files[oid].file)
